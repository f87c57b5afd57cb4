"""Advice packs: what one run can change in them, what stands in them, and what they answer."""

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.errors import Clash, KaizenError, Malformed, Mistake, Newer, OutOfRange
from kaizen.metric import higher, lower
from kaizen.parameter import Choice, Real, Revision, Switch, Whole
from kaizen.process import Process, check_process
from kaizen.setting import Setting
from kaizen.veteran import advising, packs, siege
from kaizen.veteran.dither import above, noise, telling
from kaizen.veteran.packs import Pack, Said, hashed, sealed, terms
from kaizen.veteran.tally import Cell, Owner, Vote, half, moved_by_one, tally

OVEN = check_process(
    Process(
        name="secret_oven",
        parameters=(
            Real(name="celsius", low=151.25, high=289.75, unit="degC"),
            Whole(name="trays", low=1, high=8),
            Switch(name="steam"),
            Choice(name="rack", values=("lowest", "middling", "topmost")),
        ),
        metrics=(lower("burnt", scale="difference", worthwhile=0.02, exact=True),),
        standard=Setting(celsius=171.5, trays=3, steam=False, rack="lowest"),
    )
)
SMALL = check_process(
    Process(
        name="small",
        parameters=(Switch(name="a"), Choice(name="c", values=("u", "v"))),
        metrics=(higher("y", scale="difference", worthwhile=1.0, exact=True),),
        standard=Setting(a=False, c="u"),
    )
)


def but(setting: Setting, **changes: Any) -> Setting:
    """A setting with some values changed."""
    return Setting({**setting, **changes})


class Keys:
    """Chance that breaks ties in a given order."""

    def __init__(self, keys: Sequence[int]) -> None:
        self._keys = iter(keys)

    def randrange(self, stop: int, /) -> int:
        del stop
        return next(self._keys)


def small(*runs: tuple[bool, str, float]) -> Owner:
    return Owner(SMALL, tuple(Vote(Setting(a=a, c=c), merit) for a, c, merit in runs))


def oven_runs(count: int = 120, seed: int = 3) -> Owner:
    """Runs that are better hot, with steam and on the topmost rack."""
    rng, made = random.Random(seed), []
    for _ in range(count):
        one = {"celsius": OVEN.parameters[0].at(rng.random()), "trays": rng.randint(1, 8), "steam": rng.random() < 0.5,
               "rack": rng.choice(("lowest", "middling", "topmost"))}  # fmt: skip
        merit = (one["celsius"] - 151.25) / 138.5 + 0.4 * one["steam"] + 0.8 * (one["rack"] == "topmost")
        made.append(Vote(Setting(one), merit))
    return Owner(OVEN, tuple(made))


def made(owners: Sequence[Owner], seed: int = 1, **told: Any) -> Pack:
    return packs.make(owners, terms(**told), name="north", better="lower", chance=random.Random(seed))


def crafted(process: Process, **words: int) -> Pack:
    """A pack with these words of a process's parameters that are no choices."""
    salt = "00" * 16
    sort = {p.name: "switch" if isinstance(p, Switch) else "number" for p in process.parameters}
    said = tuple(Said(key=hashed(salt, sort[name], name), says=word) for name, word in words.items())
    return sealed(Pack(name="north", salt=salt, better=process.metrics[0].better, epsilon=1.0, moved=2 * len(words), scale=20,
                       answers=250, said=said))  # fmt: skip


# ── noise ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("scale", [1, 2, 7, 40])
def test_noise_has_the_chances_of_the_discrete_laplace(scale: int) -> None:
    """Each number comes as often as p^|z| says, on both sides, and tails as often as is reckoned with."""
    rng, count = random.Random(scale), 20_000
    drawn = [noise(scale, rng) for _ in range(count)]
    p = math.exp(-1.0 / scale)
    for z in range(-2 * scale, 2 * scale + 1):
        chance = (1.0 - p) / (1.0 + p) * p ** abs(z)
        assert abs(drawn.count(z) / count - chance) < 4.5 * math.sqrt(chance / count)
    for limit in (-scale, 0, 1, scale):
        assert sum(z >= limit for z in drawn) / count == pytest.approx(above(scale, limit), abs=0.016)


def test_no_noise_is_drawn_with_floating_point() -> None:
    """A float's last digits would give away what noise is added to: chance is asked for whole numbers, and gives them."""

    class OnlyWhole:
        def __init__(self) -> None:
            self.rng, self.asked = random.Random(5), 0

        def randrange(self, stop: int, /) -> int:
            assert type(stop) is int
            self.asked += 1
            return self.rng.randrange(stop)

    chance = OnlyWhole()
    assert all(type(noise(30, chance)) is int for _ in range(200))
    assert chance.asked > 400


# ── one run ───────────────────────────────────────────────────────────────────────────────────────────────────────────
RUNS = st.lists(
    st.tuples(st.booleans(), st.sampled_from("uv"), st.sampled_from([-math.inf, 0.0, 1.0])), min_size=1, max_size=5
)


def chances(owner: Owner, scale: int) -> dict[tuple[int, ...], float]:
    """The exact chance of every pack of an owner, ties broken in every order."""
    found: dict[tuple[int, ...], float] = {}
    orders = list(itertools.permutations(range(len(owner.votes))))
    for order in orders:
        counts = tally(owner, Keys(order)).values()
        each = [siege.word_chances(count, scale) for count in counts]
        for words in itertools.product((-1, 0, 1), repeat=len(each)):
            chance = math.prod(one[word + 1] for one, word in zip(each, words, strict=True))
            found[words] = found.get(words, 0.0) + chance / len(orders)
    return found


@settings(max_examples=40, deadline=None)
@given(RUNS, st.data(), st.sampled_from([1, 2, 5]))
def test_every_pack_is_at_most_e_to_epsilon_times_as_likely_without_a_run(
    runs: list[tuple[bool, str, float]], data: st.DataObject, scale: int
) -> None:
    """The promise itself, exactly: all packs of all small ledgers, beside those of the ledger with one run less."""
    left = data.draw(st.integers(0, len(runs) - 1))
    epsilon = Fraction(moved_by_one(SMALL), scale)
    with_, without = chances(small(*runs), scale), chances(small(*runs[:left], *runs[left + 1 :]), scale)
    assert math.fsum(with_.values()) == pytest.approx(1.0)
    for words, chance in with_.items():
        assert chance <= math.exp(epsilon) * without[words] * (1 + 1e-9)
        assert without[words] <= math.exp(epsilon) * chance * (1 + 1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10_000), st.integers(2, 5))
def test_one_run_moves_all_counts_together_by_no_more_than_is_reckoned_with(count: int, seed: int, merits: int) -> None:
    """Whatever runs read, how they tie, and which one is gone."""
    rng = random.Random(seed)
    votes = [vote._replace(merit=float(rng.randrange(merits))) for vote in oven_runs(count, seed).votes]
    keys, left = [rng.randrange(2**64) for _ in votes], rng.randrange(count)
    there = tally(Owner(OVEN, tuple(votes)), Keys(keys))
    here = tally(Owner(OVEN, tuple(votes[:left] + votes[left + 1 :])), Keys(keys[:left] + keys[left + 1 :]))
    assert sum(abs(there[cell] - here[cell]) for cell in there) <= moved_by_one(OVEN)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 30), st.integers(0, 10_000))
def test_no_attack_exceeds_the_auc_that_a_pack_is_made_for(count: int, seed: int) -> None:
    """The exact likelihood ratio on any run of any ledger stays below the bound, and the bound below what was asked for."""
    rng = random.Random(seed)
    owner = small(*((rng.random() < 0.5, rng.choice("uv"), float(rng.randrange(3))) for _ in range(count)))
    scale = packs.scale_of([owner], terms())
    found = siege.membership([owner], (0, rng.randrange(count)), scale, shadows=2, chance=rng)
    assert found.exact is not None
    assert found.exact <= telling(scale, 2) + 1e-9 <= 0.55 + 1e-9


def test_two_counts_moved_by_one_tell_no_more_than_one_moved_by_two() -> None:
    """A choice moves two of its values; the bound reckons with one count for each parameter."""
    for scale in (1, 3, 10, 40):
        assert telling(scale, 2, moved=1) <= telling(scale, 1, moved=2) + 1e-12


def test_noise_is_as_large_as_epsilon_and_the_auc_want_it() -> None:
    """Less ε or a smaller AUC is more noise; what the pack says of its ε is never less than it is."""
    one, few, free = (made([oven_runs()], **told) for told in ({}, {"epsilon": "0.1"}, {"told": 1.0}))
    assert few.scale == 80
    assert free.scale == 8
    assert telling(one.scale, 4) <= 0.55 < telling(one.scale - 1, 4)
    for pack in (one, few, free):
        assert Fraction(pack.moved, pack.scale) <= Fraction(str(pack.epsilon))
    assert few.epsilon == 0.1


@pytest.mark.parametrize("told", [{"epsilon": 0}, {"epsilon": "much"}, {"epsilon": 11}, {"answers": 0}, {"told": 0.5}])
def test_terms_that_protect_nothing_or_leave_nothing_are_refused(told: dict[str, Any]) -> None:
    """Each says what it must be."""
    with pytest.raises(OutOfRange, match="must be"):
        terms(**told)


# ── what stands in it ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_pack_knows_which_halves_are_better() -> None:
    """What many runs show comes through the noise."""
    heard = advising.hear(made([oven_runs(400)]), OVEN)
    assert heard is not None
    before = OVEN.standard
    assert advising.answer(heard, before, but(before, celsius=270.0)) == 1
    assert advising.answer(heard, but(before, celsius=270.0), before) == -1
    assert advising.answer(heard, before, but(before, rack="topmost")) == 1


def canaries() -> Iterator[str]:
    yield from (
        "secret_oven",
        "celsius",
        "trays",
        "steam",
        "burnt",
        "degC",
        "lowest",
        "topmost",
        "151.25",
        "289.75",
        "171.5",
    )
    for vote in oven_runs().votes:
        yield from (repr(vote.setting["celsius"]), repr(vote.merit))


def test_no_name_setting_range_or_reading_stands_in_its_file() -> None:
    """Every name, value and number of the owner is looked for, byte by byte."""
    content = packs.write(made([oven_runs()]))
    assert [one for one in canaries() if one.encode() in content] == []
    assert siege.canaries(content, [oven_runs()]) == ()


def test_the_audit_finds_a_name_that_does_stand_in_a_file() -> None:
    """A pack named after its process gives that name away."""
    content = packs.write(sealed(msgspec.structs.replace(made([oven_runs()]), name="secret_oven")))
    assert siege.canaries(content, [oven_runs()]) == ("secret_oven",)


def test_two_packs_of_the_same_runs_share_no_hash() -> None:
    """Each has a salt of its own, so that two readers cannot put theirs together by names."""
    one, other = made([oven_runs()], 1), made([oven_runs()], 2)
    assert not {said.key for said in one.said} & {said.key for said in other.said}


def test_processes_of_one_pack_are_counted_together() -> None:
    """What they have in common is summed; the noise is of the one with the most parameters."""
    less = check_process(
        msgspec.structs.replace(OVEN, name="less", parameters=OVEN.parameters[:1], standard=Setting(celsius=170.0))
    )
    alone = Owner(
        less, tuple(Vote(Setting(celsius=vote.setting["celsius"]), vote.merit) for vote in oven_runs(20).votes)
    )
    both = made([oven_runs(20), alone])
    assert (len(both.said), both.moved) == (4, 8)


def test_code_is_not_spoken_of() -> None:
    """A process whose only parameter is a revision has nothing to pack."""
    code = check_process(
        msgspec.structs.replace(SMALL, parameters=(Revision(name="commit"),), standard=Setting(commit="abcdef1"))
    )
    with pytest.raises(Mistake, match="no code"):
        made([Owner(code, ())])


@pytest.mark.parametrize(("value", "side"), [(151.25, -1), (220.5, 0), (250.0, 1), (999.0, 1)])
def test_only_the_half_of_a_value_counts(value: float, side: int) -> None:
    """The middle is neither; what an amendment left outside counts on its side."""
    assert half(OVEN.parameters[0], value) == side


# ── the door ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_pack_comes_back_from_its_file_as_it_was() -> None:
    """Written and read."""
    pack = made([oven_runs()])
    assert packs.read(packs.write(pack), "north.json") == pack


def changed(**parts: Any) -> bytes:
    """A pack's file with other parts, its sum as it was."""
    return msgspec.json.encode({**msgspec.to_builtins(made([oven_runs()])), **parts})


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (packs.write(made([oven_runs()]))[:200], "JSON"),
        (b"\x80\x04\x95pickle", "JSON"),
        (b'{"name": "north"}', "made by kaizen pack"),
        (b"[" * 200_000, "JSON"),
        (b" " * 2_000_000, "bytes"),
        (changed(answers=9_999), "add up"),
        (changed(said="all of it"), "whole pack"),
        (changed(more=1), "whole pack"),
        (changed(name="../north"), "whole pack"),
        (changed(epsilon=0.01), "its noise does not keep"),
    ],
)
def test_what_is_no_whole_pack_is_refused_at_the_door(content: bytes, what: str) -> None:
    """Cut, foreign, changed, huge or nested: each is refused, with the file named and a hint."""
    with pytest.raises(Malformed, match=what) as caught:
        packs.read(content, "north.json")
    assert "north.json" in caught.value.message
    assert caught.value.hint


def test_a_newer_pack_says_that_kaizen_must_be_newer() -> None:
    """Whatever else a later form has in it."""
    with pytest.raises(Newer, match="got form 2"):
        packs.read(changed(form=2, more=[1]), "north.json")


# ── what it says to a process ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_parameter_is_found_by_name_sort_and_unit() -> None:
    """Another unit is another thing; where one side has none, names are enough."""
    pack = made([oven_runs()])
    for unit, found in (("degC", True), ("", True), ("K", False)):
        mine = check_process(msgspec.structs.replace(
            OVEN, parameters=(Real(name="celsius", low=0.0, high=1.0, unit=unit), *OVEN.parameters[1:]),
            standard=but(OVEN.standard, celsius=0.5),
        ))  # fmt: skip
        heard = advising.hear(pack, mine)
        assert heard is not None
        assert ("celsius" in heard.said) == found


def test_a_rename_finds_what_the_owner_calls_otherwise() -> None:
    """``celsius=heat``: the owner's name first."""
    mine = check_process(msgspec.structs.replace(
        OVEN, parameters=(Real(name="heat", low=0.0, high=1.0), *OVEN.parameters[1:]),
        standard=Setting({"heat": 0.5, **{k: v for k, v in OVEN.standard.items() if k != "celsius"}}),
    ))  # fmt: skip
    pack = made([oven_runs()])
    names = [
        set(heard.said) if (heard := advising.hear(pack, mine, renames)) else set()
        for renames in ({}, {"heat": "celsius"})
    ]
    assert names == [{"trays", "steam", "rack"}, {"heat", "trays", "steam", "rack"}]


@pytest.mark.parametrize(
    ("told", "kind", "match"),
    [
        (["celsius"], Malformed, "must be there=here"),
        (["kelvin-273.15=celsius"], Malformed, "of names alone; got kelvin-273.15=celsius"),
        (["heat=celsius", "warmth=celsius"], Clash, "got 'celsius' here twice"),
        (["heat=celsius", "heat=kelvin"], Clash, "got 'heat' there twice"),
    ],
)
def test_renames_are_of_one_name_to_one_name(told: list[str], kind: type[KaizenError], match: str) -> None:
    """Written as those of attached ledgers, and nothing is scaled: a pack speaks of halves."""
    assert advising.read_renames([" heat = celsius "]) == {"celsius": "heat"}
    with pytest.raises(kind, match=match):
        advising.read_renames(told)


def test_a_name_that_the_owner_has_in_two_units_is_found_in_ones_own() -> None:
    """One that has no unit is taken only where there is no closer one."""
    units = [msgspec.structs.replace(OVEN, name=f"oven{at}", parameters=(Real(name="heat", low=0.0, high=1.0, unit=unit),),
                                     standard=Setting(heat=0.5)) for at, unit in enumerate(("", "K"))]  # fmt: skip
    pack = made([Owner(check_process(one), ()) for one in units])
    for unit, process in (("", units[0]), (hashed(pack.salt, "unit", "K"), units[1])):
        heard = advising.hear(pack, process)
        assert heard is not None
        assert heard.said["heat"].unit == unit


def test_a_pack_of_what_is_better_higher_is_silent_where_lower_is() -> None:
    """Directions do not compare."""
    assert advising.hear(msgspec.structs.replace(made([oven_runs()]), better="higher"), OVEN) is None


def test_answers_are_coarse() -> None:
    """Within a half there is no question; how far beyond does not matter; what speaks for and against evens out."""
    heard = advising.hear(crafted(OVEN, celsius=1, trays=-1, steam=0), OVEN)
    assert heard is not None
    low = OVEN.standard

    def said(**changes: Any) -> tuple[tuple[str, ...], int]:
        after = but(low, **changes)
        return advising.question(heard, low, after), advising.answer(heard, low, after)

    assert said(celsius=200.0) == ((), 0)
    assert said(celsius=221.0) == said(celsius=289.75) == (("celsius+",), 1)
    assert said(trays=8) == (("trays+",), -1)
    assert said(celsius=289.75, trays=8) == (("celsius+", "trays+"), 0)
    assert said(steam=True) == (("steam+",), 0)


def test_a_silent_pack_is_no_kin() -> None:
    """What has nothing to say, or speaks of little, does not steer the planner."""
    silent, little, known = (
        crafted(OVEN, **words) for words in ({"celsius": 0, "trays": 0}, {"celsius": 1}, {"celsius": 1, "steam": -1})
    )
    found = [
        advising.kin_of(heard) if (heard := advising.hear(pack, OVEN)) else None for pack in (silent, little, known)
    ]
    assert found[:2] == [None, None]
    kin = found[2]
    assert kin is not None
    assert str(kin) == "a pack of north"
    assert not kin.told
    best = kin.settings[kin.scores.index(max(kin.scores))]
    assert best["celsius"] > 220
    assert not best["steam"]


# ── attacks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_attack_finds_a_run_where_there_is_no_noise_to_hide_it() -> None:
    """An attack that cannot win shows nothing: without noise it tells, with a pack's own noise it does not."""
    owner = small((True, "u", 2.0), (False, "v", 1.0), (False, "v", 0.0), (True, "v", 0.5))
    open_ = siege.membership([owner], (0, 0), 1, shadows=150, chance=random.Random(2))
    kept = siege.membership([owner], (0, 0), packs.scale_of([owner], terms()), shadows=150, chance=random.Random(2))
    assert open_.exact is not None
    assert kept.exact is not None
    assert open_.exact > 0.6
    assert kept.exact <= 0.55
    assert open_.shadow == pytest.approx(open_.exact, abs=0.07)


def test_an_optimum_is_placed_no_better_than_by_a_tenth_of_each_range() -> None:
    """By all answers of a pack of three hundred runs, where noise hides little: halves are all there is to know."""
    found = siege.locate(2, 300, terms(), shadows=40, owners=60, seed=4, chance=random.Random(4))
    assert (found.error > 0.1).all()
    assert found.blind > 0.2


def test_the_exact_ratio_agrees_with_shadow_packs() -> None:
    """The slow attack and the sum over all packs there are find the same."""
    sides = [[3, -2], [1, 0]]
    rng = random.Random(6)
    seen = [[tuple(packs.words(side, 2, rng)) for _ in range(3000)] for side in sides]
    ratio = {}
    for words in itertools.product((-1, 0, 1), repeat=2):
        p, q = (math.prod(siege.word_chances(c, 2)[w + 1] for c, w in zip(side, words, strict=True)) for side in sides)
        ratio[words] = math.log(p / q)
    import numpy as np

    measured = siege.auc(*(np.array([ratio[words] for words in one]) for one in seen))
    assert siege.exact(sides, 2) == pytest.approx(measured, abs=0.03)


def test_cells_are_one_for_each_number_and_value() -> None:
    """Three that are no choice, and three values of one."""
    counted = tally(oven_runs(10), random.Random(1))
    assert len(counted) == 6
    assert Cell("celsius", "number", "degC") in counted
