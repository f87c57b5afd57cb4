"""The same agent with and without the hook, on a benchmark that always repeats: trials to the target, and wins lost.

The agent has a list of ideas: knobs set to values, switches turned, in words that vary. It is drawn so that about as many are
kept, and about as many come again, as in 1,412 trials of public logs (34 % kept; 8.6 % the same idea that had failed, 3.6 % with
nothing kept since). What a setting is worth is a sum of bumps, one for each knob, with interactions, so that an idea that failed
may work after others were kept. The agent commits each idea, measures, keeps what is better by anything at all, and resets the
rest. With the hook it obeys: an idea that it is warned of is left out, and the next one taken.

The target of a seed is nine tenths of what the agent without the hook gains with its whole list. A win is lost where the
idea that was left out would have been kept there and then.
"""

import difflib
import math
import random
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.hook.repository import PROCESS, begin, git
from kaizen.hinting import Heard, hint, print_of, remember

KNOBS = (
    "matrix lr",
    "embedding lr",
    "weight decay",
    "warmdown",
    "batch size",
    "depth",
    "head dim",
    "softcap",
    "rope base",
    "init scale",
)
SWITCHES = ("dropout", "value embeddings", "weight tying", "z loss", "grad clip", "label smoothing")
LISTS = {"as public logs are": 0.13, "as the worst of them is": 0.8}
"""How much of the list comes again: of all trials, about as many then try again what had failed as in such logs."""
_SENSE = 0.9  # so that about as many are kept
_LENGTH = 120
_REAL = 3  # seeds that also go through real git
_WARNINGS = {"failed before": ("failed_before",), "any warning": ("failed_before", "think_again")}

Setting = Mapping[str, float]


class Idea(NamedTuple):
    """One thing to change, and to what; said in one of several ways."""

    name: str
    value: float
    way: int

    def said(self, now: Setting) -> str:
        """Return the sentence of its commit."""
        if self.name in SWITCHES:
            verb = (("remove", "drop", "disable"), ("add", "enable", "turn on"))[int(self.value)][self.way % 3]
            return f"{verb} {self.name}"
        old, new = f"{now[self.name]:g}", f"{self.value:g}"
        up = self.value > now[self.name]
        return (f"{self.name} {old} to {new}", f"{self.name} {old}->{new}", f"{'raise' if up else 'lower'} {self.name} from {old} to {new}",
                f"{self.name.upper().replace(' ', '_')} {old} -> {new}")[self.way % 4]  # fmt: skip


class World(NamedTuple):
    """What settings are worth; the same one always reads the same."""

    aims: Mapping[str, float]
    sharp: Mapping[str, float]
    pairs: Sequence[tuple[str, str, float]]

    def worth(self, at: Setting) -> float:
        """Return what a setting is worth: more is better."""
        off = {name: (math.log(at[name] / aim) if name in KNOBS else at[name] - aim) for name, aim in self.aims.items()}
        return -sum(self.sharp[name] * off[name] ** 2 for name in off) - sum(
            by * off[one] * off[other] for one, other, by in self.pairs
        )


class Drawn(NamedTuple):
    """What a seed gives: what settings are worth, where the loop begins, and the agent's list."""

    world: World
    begins: Mapping[str, float]
    ideas: Sequence[Idea]

    @property
    def target(self) -> float:
        """Return nine tenths of the way from the beginning to where the list leads without a hook."""
        return 0.1 * self.world.worth(self.begins) + 0.9 * loop(self, Plain()).worths[-1]


class Came(NamedTuple):
    """One run of a loop."""

    trials: int
    reached: int | None
    """After how many trials it was at the target; nothing where it never was."""
    repeats: int
    """Trials of an idea that had failed."""
    again: int
    """Of these, with nothing kept since."""
    skipped: int
    lost: int
    worths: tuple[float, ...]
    """After each trial."""
    choices: tuple[str, ...]
    """What was done with each idea of the list."""


def draw(seed: int, again: float = LISTS["as public logs are"]) -> Drawn:
    """Draw a world, where it begins, and the agent's list."""
    chance = random.Random(seed)
    begins = {name: float(f"{chance.lognormvariate(0, 1):.3g}") for name in KNOBS} | dict.fromkeys(SWITCHES, 0.0)
    aims = {name: begins[name] * chance.lognormvariate(0, 1) for name in KNOBS}
    aims |= {name: float(chance.random() < 0.4) for name in SWITCHES}
    names = [*KNOBS, *SWITCHES]
    world = World(
        aims,
        {name: chance.lognormvariate(0, 1) for name in names},
        [(*chance.sample(names, 2), chance.gauss(0, 0.5)) for _ in range(12)],  # type: ignore[misc] # two names and a number
    )
    ideas: list[Idea] = []
    for _ in range(_LENGTH):
        if len(ideas) > 3 and chance.random() < again:
            near, far = chance.choices(((1, 3), (4, 10), (11, _LENGTH)), (0.31, 0.21, 0.48))[0]
            back = chance.randint(min(near, len(ideas)), min(far, len(ideas)))
            ideas.append(ideas[-back]._replace(way=chance.randrange(12)))
            continue
        ideas.append(_fresh(chance.choice(names), begins, aims, chance))
    return Drawn(world, begins, ideas)


def _fresh(name: str, begins: Setting, aims: Setting, chance: random.Random) -> Idea:
    """Draw an idea; in as many of them as ``_SENSE`` the agent knows which way is better."""
    knows = chance.random() < _SENSE
    if name in SWITCHES:
        return Idea(name, aims[name] if knows else float(chance.random() < 0.5), chance.randrange(12))
    way = math.log(aims[name] / begins[name]) * chance.random() if knows else chance.gauss(0, 1)
    return Idea(name, float(f"{begins[name] * math.exp(way):.3g}"), chance.randrange(12))


class Plain:
    """No hook."""

    def ask(self, said: str, now: Setting, tried: Setting) -> str:
        """Say nothing."""
        del said, now, tried
        return "go"

    def settle(self, *, kept: bool, left: bool = False) -> None:
        """Take note of nothing."""
        del kept, left


class InProcess(Plain):
    """The hook's function, without git around it: what it would have said and written down."""

    def __init__(self, folder: Path) -> None:
        self._ledger = folder / "ledger.db"
        self._standard, self._count = 1, 0
        self._last: Heard | None = None

    def ask(self, said: str, now: Setting, tried: Setting) -> str:
        """Return the nod's answer."""
        diff = diff_of(now, tried)
        found = hint(self._ledger, PROCESS, said, diff)
        self._count += 1
        self._last = Heard(
            f"c{self._count}", said, print_of(diff), f"{self._count:040x}", self._count, "open", None, self._standard
        )
        return found.answer if found is not None and found.lines else "go"

    def settle(self, *, kept: bool, left: bool = False) -> None:
        """Remember what became of it; what was left out was never tried."""
        assert self._last is not None, "it was asked about"
        if not left:
            remember(self._ledger, PROCESS, [self._last._replace(outcome="kept" if kept else "discarded")])
            self._standard += kept


class ThroughGit(Plain):
    """Real commits in an attached repository; what is left out is reset away before anything is run."""

    def __init__(self, folder: Path, begins: Setting) -> None:
        self._top = folder / "loop"
        begin(self._top, attached=False)
        self._write(begins)
        git(self._top, "add", "-A")
        git(self._top, "commit", "-q", "-m", "begin")
        begin_attached(self._top)

    def _write(self, setting: Setting) -> None:
        (self._top / "train.py").write_text("".join(lines_of(setting)))

    def ask(self, said: str, now: Setting, tried: Setting) -> str:
        """Commit, and read what is printed."""
        del now
        self._write(tried)
        git(self._top, "add", "-A")
        told = git(self._top, "commit", "-q", "--allow-empty", "-m", said).stderr.decode()
        return told.removeprefix("☝ ").partition(":")[0].replace(" ", "_") if told.startswith("☝ ") else "go"

    def settle(self, *, kept: bool, left: bool = False) -> None:
        """Keep the commit, or reset it away."""
        del left
        if not kept:
            git(self._top, "reset", "-q", "--hard", "HEAD~1")


def begin_attached(top: Path) -> None:
    """Attach a repository that is there."""
    import sys

    from kaizen.workshop.attaching import place_at, plan
    from kaizen.workshop.attaching.doing import perform
    from kaizen.workshop.attaching.hooks import runs_here

    settings = {"process": PROCESS, "strict": False, "log": "", "ledger": "ledger.db"}
    perform(plan(place_at(top), settings, runs=runs_here(sys.executable), command="kaizen"))


def lines_of(setting: Setting) -> list[str]:
    """Return a setting as the file that the agent edits."""
    return [f"{name.replace(' ', '_')} = {value:g}\n" for name, value in setting.items()]


def diff_of(now: Setting, tried: Setting) -> bytes:
    """Return what ``git diff`` says of two settings."""
    lines = list(difflib.unified_diff(lines_of(now), lines_of(tried), "a/train.py", "b/train.py"))
    return "".join(["diff --git a/train.py b/train.py\n", *lines]).encode() if lines else b""


def loop(drawn: Drawn, hook: Plain, heeds: Sequence[str] = (), target: float = math.inf) -> Came:
    """Turn the agent's list once."""
    world, begins, ideas = drawn
    now, worths, choices = dict(begins), [], []
    failed: dict[tuple[str, float], int] = {}
    standard = repeats = again = skipped = lost = 0
    reached: int | None = None
    for idea in ideas:
        if now[idea.name] == idea.value:
            choices.append("stands already")
            continue
        tried = now | {idea.name: idea.value}
        better = world.worth(tried) > world.worth(now)
        if hook.ask(idea.said(now), now, tried) in heeds:
            hook.settle(kept=False, left=True)
            skipped, lost = skipped + 1, lost + better
            choices.append("left out")
            continue
        hook.settle(kept=better)
        repeats += idea[:2] in failed
        again += failed.get(idea[:2]) == standard
        choices.append("kept" if better else "discarded")
        if better:
            now, standard = tried, standard + 1
        else:
            failed[idea[:2]] = standard
        worths.append(world.worth(now))
        if reached is None and worths[-1] >= target:
            reached = len(worths)
    return Came(len(worths), reached, repeats, again, skipped, lost, tuple(worths), tuple(choices))


def loops(seeds: int) -> None:
    """Run both arms on all seeds and both kinds of lists, and print what came of it, whatever it is."""
    for name, again in LISTS.items():
        _both(name, [draw(seed, again) for seed in range(seeds)])
    print(_through_git([draw(seed) for seed in range(min(_REAL, seeds))]))


def _both(name: str, drawn: Sequence[Drawn]) -> None:
    """Run the loops of one kind of lists with and without the hook."""
    targets = [one.target for one in drawn]
    plain = [loop(one, Plain(), target=target) for one, target in zip(drawn, targets, strict=True)]
    trials, repeats, again = (sum(getattr(one, what) for one in plain) for what in ("trials", "repeats", "again"))
    wins = sum(one.choices.count("kept") for one in plain)
    print(
        f"\n{name}: {len(drawn)} loops of {_LENGTH} ideas without the hook: {trials / len(drawn):.1f} trials, {wins / trials:.0%} kept; "
        f"{repeats / trials:.1%} try again\n  what had failed, {again / trials:.1%} with nothing kept since; "
        f"at the target after {_mean(plain):.1f} trials"
    )
    heads = (
        ("trials", 8),
        ("to target", 11),
        ("saved", 8),
        ("95 %", 16),
        ("reached", 9),
        ("left out", 10),
        ("wins lost", 14),
        ("again", 7),
    )
    print(f"{'the agent leaves out':<22}" + "".join(f"{head:>{wide}}" for head, wide in heads), flush=True)
    for what, heeds in _WARNINGS.items():
        with tempfile.TemporaryDirectory() as folder:
            made = [
                loop(one, InProcess(Path(folder) / str(place)), heeds, targets[place])
                for place, one in enumerate(drawn)
            ]
        _row(what, plain, made)


def _mean(found: Sequence[Came]) -> float:
    return statistics.fmean(one.reached for one in found if one.reached is not None)


def _row(name: str, plain: Sequence[Came], made: Sequence[Came]) -> None:
    """Print one arm beside the one without the hook; saved trials of the seeds that reach the target in both."""
    both = [(a.reached, b.reached) for a, b in zip(plain, made, strict=True) if a.reached and b.reached]
    saved = [a - b for a, b in both]
    off = 1.96 * statistics.stdev(saved) / math.sqrt(len(saved)) if len(saved) > 1 else math.nan
    mean, wins = statistics.fmean(saved), sum(one.choices.count("kept") for one in plain)
    print(
        f"{name:<22}{sum(one.trials for one in made) / len(made):>8.1f}{statistics.fmean(b for _, b in both):>11.1f}{mean:>8.2f}"
        f"{f'{mean - off:.2f} to {mean + off:.2f}':>16}{f'{len(both)}/{len(made)}':>9}{sum(one.skipped for one in made):>10}"
        f"{f'{sum(one.lost for one in made)} of {wins}':>14}{sum(one.again for one in made):>7}"
    )


def _through_git(drawn: Sequence[Drawn]) -> str:
    """Turn a few lists through real commits, and say whether every choice was the same."""
    same = asked = 0
    heeds = _WARNINGS["failed before"]
    for one in drawn:
        with tempfile.TemporaryDirectory() as folder:
            there = loop(one, ThroughGit(Path(folder), one.begins), heeds)
            here = loop(one, InProcess(Path(folder) / "in"), heeds)
        same += sum(a == b for a, b in zip(here.choices, there.choices, strict=True))
        asked += len(here.choices)
    return f"\nthrough real git, {len(drawn)} lists: {same} of {asked} choices are the same as in process"
