"""Which warnings are withdrawn once the standard has moved, and how many of those would have been wrong.

    python -m benchmarks.veteran.expiry --members 2 --seeds 2
    python -m benchmarks.veteran.expiry --families FILE… --data DIR

One process for each member of a family, its own first metric exact: runs under the other members' conditions come first, each
behind a run of the standard there, then so many small changes of the standard under its own. The standard moves to the first of
them that is better; every third change is run again against the new one, so that outcomes tell what a repeat is worth; and the others are
asked about, as they were before. A warning is wrong where the table has the change better than the standard of the moment,
by something worthwhile. Twice: as it is, and with the scope of conditions and parameters not learned.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy

import numpy as np  # noqa: E402

from benchmarks.planner.convert import NoData  # noqa: E402
from benchmarks.planner.tasks import draw_setting  # noqa: E402
from benchmarks.planner.world import World  # noqa: E402
from benchmarks.report.page import columns  # noqa: E402
from benchmarks.veteran.courses import process_of  # noqa: E402
from benchmarks.veteran.families import Family, Member, others, past, read_family, world  # noqa: E402
from kaizen.journal import History, Journal  # noqa: E402
from kaizen.ledger import Adopted, Described, Reported  # noqa: E402
from kaizen.ledgers.memory import MemoryLedger  # noqa: E402
from kaizen.process import Process  # noqa: E402
from kaizen.setting import Numbers, Setting, Texts  # noqa: E402
from kaizen.standard import Increment, Standard  # noqa: E402
from kaizen.testing.clock import VirtualClock  # noqa: E402
from kaizen.trial import Fault, Outcome, Reading  # noqa: E402
from kaizen.veteran.learning import Learned, learned  # noqa: E402
from kaizen.veteran.nod import consult  # noqa: E402
from kaizen.veteran.recall import Recall  # noqa: E402
from kaizen.veteran.scope import Scope  # noqa: E402

HERE = Path(__file__).with_name("families")
_ASKED = 45  # changes of the first standard
_AGAIN = 3  # every so manieth of them is run against the second one, too
_TRIES = 400


class Asked(NamedTuple):
    """One change: what was said of it against both standards, and what is true."""

    before: bool
    """Whether it was warned of against the first standard."""
    after: bool
    wrong_before: bool
    """Whether it is better than the first standard, by something worthwhile."""
    wrong_after: bool


class Bench:
    """A member's process with its past, asked and told."""

    def __init__(self, here: World, name: str) -> None:
        """Describe it."""
        self.here, self.clock = here, VirtualClock()
        self.ledger = MemoryLedger(clock=self.clock.wall, monotonic=self.clock.monotonic)
        self.process: Process = process_of(here, name, memory=True)
        self.ledger.append(name, [Described(process=self.process)], by="bench", after=0)
        self.recall = Recall(self.ledger)

    def tell(self, setting: Mapping[str, Any], value: float | None, conditions: Texts) -> None:
        """Report one run."""
        head = self.ledger.head(self.process.name)
        assert head is not None, "described"
        told: Outcome = Fault(reason="crash")
        if value is not None:
            told = Reading(values=Numbers({self.here.first.name: value}))
        kept = self.process.setting(setting)
        entry = Reported(run=head.next_run, setting=kept, outcome=told, source="a history", conditions=conditions)
        self.ledger.append(self.process.name, [entry], by="bench", after=head.seq)

    def move(self, setting: Setting) -> None:
        """Make a setting the next standard."""
        head = self.ledger.head(self.process.name)
        assert head is not None, "described"
        standard = Standard(number=2, setting=setting, evidence="declared", because="it is better", by="bench", of=1)
        self.ledger.append(self.process.name, [Adopted(standard=standard)], by="bench", after=head.seq)

    def warned(self, after: Setting, *, scope: bool) -> bool:
        """Ask the veteran about a setting; ``scope`` is whether it may use what it has learned of scope."""
        name = self.process.name
        head, kept = self.ledger.head(name), self.recall.of(name)
        assert head is not None, "described"
        assert kept is not None, "it has runs"
        found = learned(self.recall, kept)
        stamp = kept.cache["learned"][0]
        plain = Learned(found.weights, found.trust, Scope(of=found.weights.conditions))
        kept.cache["learned"] = (stamp, found if scope else plain)
        journal = Journal(head=head, history=History(self.ledger, name))
        made = Increment(of=head.standard.number, before=head.standard.setting, after=after, because="", by="")
        said = consult(journal, made, self.recall).warns
        kept.cache["learned"] = (stamp, found)
        return said


def ran(family: Family, member: Member, data: Path | None, seed: int) -> dict[bool, list[Asked]]:
    """Return what was said of each change, with the scope learned and without."""
    here = world(member.path, data)
    bench = Bench(here, f"expiry{seed}")
    first = Setting(bench.process.standard)
    _remember(bench, family, member, (data, seed))
    own = Texts(dict(member.conditions))
    rng = np.random.default_rng([seed, 51])
    settings = list(_changes(bench, first, rng))
    for setting in (first, *settings):
        bench.tell(setting, _value(here, setting), own)
    before = {scope: [bench.warned(setting, scope=scope) for setting in settings] for scope in (True, False)}
    better = (setting for setting in settings if _better(here, bench.process, first, setting))
    second = next(better, None) or min(settings, key=lambda setting: _loss(here, setting))
    bench.move(second)
    bench.tell(second, _value(here, second), own)
    again = [_onto(bench, first, second, setting) for setting in settings]
    for setting in again[::_AGAIN]:
        if setting is not None and setting != second:
            bench.tell(setting, _value(here, setting), own)
    found: dict[bool, list[Asked]] = {True: [], False: []}
    for number, (was, now) in enumerate(zip(settings, again, strict=True)):
        if number % _AGAIN and now is not None and now != second:
            truth = (_better(here, bench.process, first, was), _better(here, bench.process, second, now))
            for scope in (True, False):
                found[scope].append(Asked(before[scope][number], bench.warned(now, scope=scope), *truth))
    return found


def _remember(bench: Bench, family: Family, member: Member, from_: tuple[Path | None, int]) -> None:
    data, seed = from_
    first = Setting(bench.process.standard)
    for other in others(family, member.path):
        there, under = world(other.path, data), Texts(dict(other.conditions))
        made = past(other.path, data, family.name, seed)
        bench.tell(first, _value(there, first), under)
        for setting, value in zip(made.settings, made.readings, strict=True):
            if bench.process.allows(setting):
                bench.tell(setting, value, under)


def _changes(bench: Bench, first: Setting, rng: np.random.Generator) -> Iterator[Setting]:
    """Draw changes of one or two parameters, as the table has them."""
    seen = {first}
    for _ in range(_TRIES):
        other = draw_setting(bench.here.task, rng)
        names = [name for name in first if name in other]
        moved = {names[int(at)] for at in rng.integers(len(names), size=int(rng.integers(1, 3)))}
        setting = _there(bench, {**first, **{name: other[name] for name in moved}})
        if setting is not None and setting not in seen:
            seen.add(setting)
            yield setting
        if len(seen) > _ASKED:
            return


def _onto(bench: Bench, first: Setting, second: Setting, setting: Setting) -> Setting | None:
    """Return the same change of the second standard."""
    changes = {name: value for name, value in setting.items() if first.get(name) != value}
    return _there(bench, {**second, **changes})


def _there(bench: Bench, wanted: Mapping[str, Any]) -> Setting | None:
    """Return the nearest setting that the table has, if the process allows it."""
    table = bench.here.table
    found = dict(wanted) if table is None else table.settings[table.nearest(wanted)]
    return bench.process.setting(found) if bench.process.allows(found) else None


def _value(here: World, setting: Mapping[str, Any]) -> float | None:
    true, _ = here.truth(dict(setting))
    return None if true is None else true[here.first.name]


def _loss(here: World, setting: Setting) -> float:
    value = _value(here, setting)
    return float("inf") if value is None else value if here.first.better == "lower" else -value


def _better(here: World, process: Process, standard: Setting, setting: Setting) -> bool:
    metric, values = process.metrics[0], (_value(here, setting), _value(here, standard))
    if values[0] is None or values[1] is None:
        return False
    return metric.gain(values[0], values[1]) >= metric.as_gain(metric.worthwhile)


def count(asked: Sequence[Asked]) -> Counter[str]:
    """Count warnings: made before, withdrawn, kept and new after; and those of each that are wrong."""
    made: Counter[str] = Counter(asked=len(asked), better=sum(one.wrong_after for one in asked))
    for one in asked:
        made["warned"] += one.before
        made["warned, wrong"] += one.before and one.wrong_before
        kind = {(True, False): "withdrawn", (True, True): "kept", (False, True): "new"}.get((one.before, one.after))
        if kind is not None:
            made[kind] += 1
            made[f"{kind}, wrong"] += one.wrong_after
    return made


def table(rows: Mapping[tuple[str, bool], Counter[str]]) -> str:
    """Return the figures by family, with the scope learned and without, and all together."""
    body = []
    total = {
        scope: sum((made for (_, this), made in rows.items() if this == scope), Counter()) for scope in (True, False)
    }
    named = [*rows.items(), *((("all", scope), made) for scope, made in total.items())]
    for (family, scope), made in named:
        shares = [f"{made[kind]} ({made[f'{kind}, wrong']})" for kind in ("warned", "withdrawn", "kept", "new")]
        body.append([family, "learned" if scope else "not", str(made["asked"]), str(made["better"]), *shares])
    head = [
        "family",
        "scope",
        "asked",
        "better now",
        "warned (wrong)",
        "withdrawn (would be wrong)",
        "kept (wrong)",
        "new (wrong)",
    ]
    return columns(head, body)


def main(words: Sequence[str] | None = None) -> int:
    """Ask, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--families", nargs="+", type=Path, default=sorted(HERE.glob("*.json")), metavar="FILE")
    parser.add_argument("--members", type=int, default=2, help="of a family that are the present, at most")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--data", type=Path, default=None, help="folder of real data; or KAIZEN_BENCH_DATA")
    given = parser.parse_args(words)
    named = given.data or os.environ.get("KAIZEN_BENCH_DATA")
    data = Path(named).resolve() if named else None
    rows: dict[tuple[str, bool], Counter[str]] = {}
    for path in given.families:
        family = read_family(path.resolve())
        step = max(1, len(family.members) // given.members)
        try:
            for member in family.members[::step][: given.members]:
                for seed in range(given.seeds):
                    for scope, asked in ran(family, member, data, seed).items():
                        rows[family.name, scope] = rows.get((family.name, scope), Counter()) + count(asked)
        except NoData as error:
            print(f"left out: {error}", file=sys.stderr)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
