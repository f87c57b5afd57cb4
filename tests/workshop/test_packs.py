"""Packs beside a ledger: made once, counted, attached, asked within their budget, and believed as far as they were right."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import kaizen
from kaizen import (
    Clash,
    Malformed,
    Mistake,
    OutOfRange,
    OutOfTurn,
    Policy,
    Process,
    Setting,
    Stuck,
    Undeclared,
    higher,
    lower,
)
from kaizen.ledger import Reported
from kaizen.parameter import Choice, Real, Switch
from kaizen.process import check_process
from kaizen.setting import Numbers
from kaizen.trial import Fault, Reading
from kaizen.veteran.packs import Pack, Said, hashed, sealed
from kaizen.workshop import Workshop


def oven(name: str, **parts: Any) -> Process:
    return check_process(Process(
        name=name,
        parameters=(Real(name="celsius", low=150.0, high=290.0), Real(name="minutes", low=10.0, high=60.0), Switch(name="steam")),
        metrics=parts.pop("metrics", (lower("burnt", scale="difference", worthwhile=0.02, exact=True),)),
        standard=Setting(celsius=170.0, minutes=50.0, steam=False),
        policy=Policy(changes=3, **parts),
    ))  # fmt: skip


def burnt(setting: Setting) -> float:
    return 3.0 - (setting["celsius"] - 150.0) / 70.0 + setting["minutes"] / 50.0


def report(shop: Workshop, process: Process, runs: int, *, seed: int = 0, turn: float = 1.0) -> None:
    """Describe a process and report runs of it made by chance."""
    rng = random.Random(seed)
    bench = shop.describe(process)
    made: list[Any] = []
    for number in range(bench.head.next_run, bench.head.next_run + runs):
        at = {"celsius": rng.uniform(150, 290), "minutes": rng.uniform(10, 60), "steam": rng.random() < 0.5}
        setting = process.setting(at)
        made.append(
            Reported(
                run=number, setting=setting, outcome=Reading(values=Numbers(burnt=turn * burnt(setting))), source="test"
            )
        )
    shop.ledger.append(process.name, made, by="test", after=bench.head.seq)


@pytest.fixture
def north(tmp_path: Path) -> Iterator[Workshop]:
    """The ledger of an owner: two lines, 150 runs of each."""
    with kaizen.open(tmp_path / "north" / "ledger.db") as shop:
        for number, name in enumerate(("line_a", "line_b")):
            report(shop, oven(name), 150, seed=number)
        yield shop


@pytest.fixture
def file(north: Workshop, tmp_path: Path) -> Path:
    """Their pack."""
    north.pack("line_a", "line_b", file=tmp_path / "north.json", answers=3, chance=random.Random(1))
    return tmp_path / "north.json"


@pytest.fixture
def south(tmp_path: Path) -> Iterator[Workshop]:
    """The ledger of a partner who has described the same work, and run nothing."""
    with kaizen.open(tmp_path / "south" / "ledger.db") as shop:
        shop.describe(oven("mine"))
        yield shop


def crafted(**words: int) -> Pack:
    """A pack that says just this."""
    salt = "ab" * 16
    said = tuple(
        Said(key=hashed(salt, "switch" if name == "steam" else "number", name), says=word)
        for name, word in words.items()
    )
    return sealed(Pack(name="liar", salt=salt, better="lower", epsilon=1.0, moved=6, scale=6, answers=250, said=said))


# ── given away ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_same_runs_give_the_same_pack_and_cost_nothing_more(north: Workshop) -> None:
    """Noise is thrown once; whoever asks for it again could else average it away."""
    packs = [north.pack("line_a", "line_b", name="north") for _ in range(3)]
    assert packs[0] == packs[1] == packs[2]
    other = north.pack("line_a", "line_b", name="other")
    assert (other.name, other.said) == ("other", packs[0].said)
    assert other.sum != packs[0].sum
    assert north.packs.account.spent() == {"line_a": packs[0].epsilon, "line_b": packs[0].epsilon}


def test_what_packs_have_told_together_is_counted_and_limited(north: Workshop) -> None:
    """Every new pack tells ε more of the runs that it has in common with those before; the account outlives the ledger's closing."""
    one = north.pack("line_a", name="north", told=1.0)
    report(north, oven("line_a"), 1, seed=7)
    two = north.pack("line_a", name="north", told=1.0, total=2)
    assert (one.epsilon, two.epsilon) == (1.0, 1.0)
    assert one.salt != two.salt
    report(north, oven("line_a"), 1, seed=8)
    with kaizen.open(north.ledger.path) as again:  # type: ignore[attr-defined]
        assert again.packs.account.spent() == {"line_a": 2.0}
        with pytest.raises(OutOfRange, match="ε 2 at most, all together; got 3 with this one"):
            again.pack("line_a", name="north", told=1.0, total=2)


def test_what_packs_have_told_adds_up_as_it_is_written(north: Workshop) -> None:
    """Three times 0.1 is 0.3, and no more."""
    for answers in (1, 2, 3):
        north.pack("line_a", name="north", epsilon="0.1", told=1.0, answers=answers, total="0.3")
    assert north.packs.account.spent() == {"line_a": 0.3}
    with pytest.raises(OutOfRange, match=r"got 0\.4 with this one"):
        north.pack("line_a", name="north", epsilon="0.1", told=1.0, answers=4, total="0.3")


def test_an_account_that_cannot_be_read_stops_new_packs(north: Workshop, tmp_path: Path) -> None:
    """Without it nobody knows what was told."""
    north.pack("line_a", name="north")
    (tmp_path / "north" / "ledger.given").write_text("lost\n")
    with pytest.raises(Malformed, match="must list the packs"):
        north.pack("line_b", name="other")


def test_what_cannot_be_packed_together_is_refused(north: Workshop) -> None:
    """Processes nobody described, directions that differ, none at all, a name that is none."""
    north.describe(oven("line_c", metrics=(higher("crisp", scale="difference", worthwhile=0.1),)))
    for names, name, kind in (
        (("line_z",), "n", Undeclared),
        (("line_a", "line_c"), "n", Clash),
        ((), "n", Mistake),
        (("line_a",), "a b", Malformed),
    ):
        with pytest.raises(kind):
            north.pack(*names, name=name)


def test_faults_count_as_worst_and_lost_workers_not_at_all(tmp_path: Path) -> None:
    """A fault says something of its setting; a worker that went silent does not."""
    from kaizen.workshop.giving import owners

    shop = kaizen.open("memory:")
    bench = shop.describe(oven("line_a"))
    faults = [Fault(reason="crash"), Fault(reason="lost")]
    entries = [
        Reported(run=n, setting=bench.standard.setting, outcome=one, source="test")
        for n, one in enumerate(faults, start=1)
    ]
    shop.ledger.append("line_a", entries, by="test", after=bench.head.seq)
    found = owners(shop.ledger, ["line_a"])[0]
    assert [vote.merit for vote in found[0].votes] == [float("-inf")]


# ── attached ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_attached_pack_is_a_copy_that_nobody_writes_to(south: Workshop, file: Path, tmp_path: Path) -> None:
    """It lies beside the ledger, read-only, and is found again when the ledger is opened again."""
    south.packs.attach(file)
    copy = tmp_path / "south" / "ledger.packs" / "north.json"
    assert copy.read_bytes() == file.read_bytes()
    assert copy.stat().st_mode & 0o222 == 0
    with kaizen.open(tmp_path / "south" / "ledger.db") as again:
        assert [one.name for one in again.packs.attached()] == ["north"]
        again.packs.detach("north")
        with pytest.raises(Undeclared):
            again.packs.detach("north")


def test_a_broken_pack_beside_a_ledger_is_left_out_and_said(south: Workshop, file: Path, tmp_path: Path) -> None:
    """No nod fails for it."""
    south.packs.attach(file)
    copy = tmp_path / "south" / "ledger.packs" / "north.json"
    copy.chmod(0o600)
    copy.write_bytes(file.read_bytes()[:100])
    with kaizen.open(tmp_path / "south" / "ledger.db") as again:
        nod = again["mine"].consult(celsius=280.0)
        assert nod.answer == "go"
        assert any("pack north is left out" in one for one in nod.packs)


def test_two_packs_cannot_share_a_name_nor_one_have_two(
    south: Workshop, north: Workshop, file: Path, tmp_path: Path
) -> None:
    """Both are clashes; the same one may be attached again with other renames."""
    north.pack("line_a", file=tmp_path / "other.json")
    south.packs.attach(file)
    with pytest.raises(Clash):
        south.packs.attach(tmp_path / "other.json", name="north")
    with pytest.raises(Clash):
        south.packs.attach(file, name="nord")
    north.pack("line_a", "line_b", file=tmp_path / "nord.json", answers=3)
    with pytest.raises(Clash):  # the same words, which would be heard twice
        south.packs.attach(tmp_path / "nord.json")
    assert south.packs.attach(file, rename=["heat=celsius"]).renames == {"celsius": "heat"}


def test_a_ledger_in_memory_takes_packs_while_it_is_open(file: Path) -> None:
    """There is no folder beside it, so they are given as it is opened."""
    shop = kaizen.open("memory:", packs=[file])
    bench = shop.describe(oven("mine"))
    assert bench.consult(celsius=280.0).packs == ("a pack of north says: for it",)
    with pytest.raises(Stuck):
        shop.packs.attach(file)
    with pytest.raises(Stuck, match="must be a pack that can be read"):
        kaizen.open("memory:", packs=["nowhere.json"])


# ── asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_nod_tells_what_a_pack_says_and_weighs_it_without_naming_a_precedent(south: Workshop, file: Path) -> None:
    """One sentence, odds that move toward it, and no run or number of anybody's."""
    bench = south["mine"]
    before = bench.consult(celsius=280.0)
    south.packs.attach(file)
    good, bad = bench.consult(celsius=280.0), bench.consult(celsius=280.0, minutes=55.0, steam=True)
    assert good.packs == ("a pack of north says: for it",)
    assert good.precedents == ()
    assert good.odds is not None
    assert before.odds is not None
    assert good.odds.better > before.odds.better
    assert "pack       a pack of north says: for it" in good.lines()
    assert bad.packs  # minutes=55 lies in the same half as the standard: only what moves is asked of
    assert bench.consult(minutes=55.0).packs == ()


def test_the_same_question_has_the_same_answer_and_costs_once(south: Workshop, file: Path) -> None:
    """However far within the half, however often, in whatever process of this ledger's turn."""
    south.packs.attach(file)
    said = {south["mine"].consult(celsius=value).packs for value in (221.0, 250.0, 290.0) for _ in range(3)}
    assert said == {("a pack of north says: for it",)}
    assert south.packs.attached()[0].given == 1


def test_answers_beyond_the_budget_are_refused_and_stay_refused(south: Workshop, file: Path, tmp_path: Path) -> None:
    """Three were promised: the fourth question raises, what was answered is answered again, and detaching forgives nothing."""
    south.packs.attach(file)
    process, setting = south["mine"].process, south["mine"].standard.setting

    def ask(shop: Workshop, **changes: Any) -> str:
        return shop.packs.ask("north", process, setting, Setting({**setting, **changes}))

    first = ask(south, celsius=280.0)
    ask(south, minutes=20.0)
    ask(south, steam=True)
    for shop in (south, kaizen.open(tmp_path / "south" / "ledger.db")):
        with pytest.raises(OutOfRange, match="must be asked 3 different questions at most"):
            ask(shop, celsius=280.0, minutes=20.0)
        assert ask(shop, celsius=230.0) == first
    south.packs.detach("north")
    south.packs.attach(file, name="again")
    nod = south["mine"].consult(celsius=280.0, minutes=20.0)
    assert nod.packs == ("pack again must be asked 3 different questions at most; got another one",)
    assert nod.answer == "go"
    with pytest.raises(Undeclared):
        ask(south)


def test_a_silenced_pack_moves_no_odds(south: Workshop, file: Path) -> None:
    """What is refused in words is refused in figures."""
    bench = south["mine"]
    plain = bench.consult(celsius=280.0, minutes=20.0)
    south.packs.attach(file)
    for changes in ({"celsius": 280.0}, {"minutes": 20.0}, {"steam": True}):
        bench.consult(changes)
    assert bench.consult(celsius=280.0, minutes=20.0).odds == plain.odds


# ── believed ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_pack_that_is_wrong_comes_to_count_less_than_one_that_is_right() -> None:
    """Its weight is learned from this process's own runs, like that of another process."""
    counts = {}
    for name, word in (("right", 1), ("wrong", -1)):
        shop = kaizen.open("memory:", packs=[crafted(celsius=word, minutes=-word)])
        report(shop, oven("mine"), 60, seed=3)
        row = [
            Reported(
                run=61,
                setting=oven("mine").standard,
                outcome=Reading(values=Numbers(burnt=burnt(oven("mine").standard))),
                source="test",
            )
        ]
        shop.ledger.append("mine", row, by="test", after=shop["mine"].head.seq)
        known = shop["mine"].veteran()
        counts[name] = known.trust["pack liar"]
        assert any(
            "a pack of liar, which speaks of 2 of its parameters; what it says counts" in one for one in known.packs
        )
    assert counts["wrong"] < 0.1
    assert counts["wrong"] < counts["right"] / 1.5


def test_the_planner_asks_a_pack_and_says_so() -> None:
    """Once three settings are known, as of one kin alone; its scouts name the pack."""
    shop = kaizen.open("memory:", packs=[crafted(celsius=1, minutes=-1)])
    bench = shop.describe(oven("mine"))
    said = []
    for _ in range(9):
        try:
            run = bench.ask()
        except OutOfTurn:
            break
        bench.tell(run, burnt=burnt(run.setting))
        said.append(run.because)
    assert any(one.startswith("as in a pack of liar: ") for one in said)


@pytest.mark.parametrize(
    "pack",
    [crafted(celsius=0, minutes=0, steam=0), msgspec.structs.replace(crafted(celsius=1, minutes=1), better="higher")],
)
def test_a_pack_with_nothing_to_say_changes_no_proposal(pack: Pack) -> None:
    """The planner without it stays whole."""

    def course(packs: list[Pack]) -> list[Setting]:
        bench = kaizen.open("memory:", packs=packs, coins=lambda: 5).describe(oven("mine"))
        made = []
        for _ in range(6):
            run = bench.ask()
            bench.tell(run, burnt=burnt(run.setting))
            made.append(run.setting)
        return made

    assert course([pack]) == course([])


def test_memory_switched_off_switches_packs_off_for_the_planner() -> None:
    """The policy decides."""
    shop = kaizen.open("memory:", packs=[crafted(celsius=1, minutes=-1)])
    assert shop.describe(oven("mine", memory=False)).wheel.advice(shop["mine"].head).kin == ()
    assert len(shop.describe(oven("yours")).wheel.advice(shop["yours"].head).kin) == 1


def test_a_choice_is_asked_by_its_values(tmp_path: Path) -> None:
    """From one value to another, as far as the owner has both."""
    del tmp_path
    salt = "cd" * 16
    values = {hashed(salt, "value", "rack", repr(value)): word for value, word in (("low", -1), ("top", 1))}
    pack = sealed(Pack(name="racks", salt=salt, better="lower", epsilon=1.0, moved=2, scale=2, answers=9,
                       said=(Said(key=hashed(salt, "choice", "rack"), values=values),)))  # fmt: skip
    process = check_process(Process(
        name="mine", parameters=(Choice(name="rack", values=("low", "top", "none")),), standard=Setting(rack="low"),
        metrics=(lower("burnt", scale="difference", worthwhile=0.02, exact=True),),
    ))  # fmt: skip
    bench = kaizen.open("memory:", packs=[pack]).describe(process)
    assert bench.consult(rack="top").packs == ("a pack of racks says: for it",)
    assert bench.consult(rack="none").packs == ()


def test_a_pack_takes_no_part_in_the_account_of_faults() -> None:
    """It knows of none, and would only water down what kin know that have run."""
    from kaizen.planners.model.past import past
    from kaizen.surrogate.regression import Memo
    from kaizen.surrogate.space import Space
    from kaizen.veteran import advising
    from kaizen.veteran.transfer import Kin

    process = oven("mine")
    heard = advising.hear(crafted(celsius=1, minutes=-1), process)
    assert heard is not None
    told = advising.kin_of(heard)
    assert told is not None
    faults = tuple(setting["celsius"] > 250 for setting in told.settings)
    ran = Kin(
        processes=("line_a",), metric="burnt", settings=told.settings, scores=told.scores, faults=faults, digest="ran"
    )
    space = Space(process)
    alone, both = past(space, [ran], Memo(9)), past(space, [ran, told], Memo(9))
    assert alone is not None
    assert both is not None
    points = space.points(space.uniform(20, np.random.default_rng(1)))
    assert len(both.voices) == 2
    assert both.share == alone.share
    assert both.fails(points).tolist() == alone.fails(points).tolist()


def test_a_proposal_brings_what_packs_say() -> None:
    """As its nod does."""
    bench = kaizen.open("memory:", packs=[crafted(celsius=1)]).describe(oven("mine"))
    assert bench.propose(celsius=280.0, because="hotter").nod.packs == ("a pack of liar says: for it",)
    assert bench.pack(name="mine").name == "mine"
