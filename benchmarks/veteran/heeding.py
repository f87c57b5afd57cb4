"""What heeding the veteran does to the wheel: how many trials of its planner it warns of, how many of those were good, what is gained.

    python -m benchmarks.veteran.heeding --noise 0,0.05 --seeds 3
    python -m benchmarks.veteran.heeding --tasks FILE… --arms model,steps,prove-any --runs 300 --data DIR

Courses of ``benchmarks.wheel`` with two changes at most, to the end of their budget: the policy heeds the veteran, or every nod
is made a *go* before the wheel hears it. A warning is wrong where the table has the increment better than its standard by
one part in a hundred.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy

import msgspec  # noqa: E402

from benchmarks.planner.convert import NoData  # noqa: E402
from benchmarks.report.page import columns  # noqa: E402
from benchmarks.wheel.courses import Course, Job  # noqa: E402
from kaizen.journal import Journal  # noqa: E402
from kaizen.ledger import Advised  # noqa: E402
from kaizen.process import Function  # noqa: E402
from kaizen.standard import Increment  # noqa: E402
from kaizen.veteran.nod import Nod  # noqa: E402

TASKS = ("storm_ss_k", "hartmann6")
HERE = Path(__file__).parents[1] / "planner" / "tasks"
_WORTH = 0.01


class Heeding:
    """A course whose nods are counted, and heeded or not."""

    def __init__(self, job: Job, *, heed: bool) -> None:
        """Describe its process as a machine's: over people's hands no coin is thrown."""
        self.course, self.heed = Course(job), heed
        process = self.course.bench.process
        policy = msgspec.structs.replace(process.policy, heed=True)
        self.course.bench.amend(
            msgspec.structs.replace(process, work=Function(name="bench"), policy=policy), because="heeding"
        )
        self._consult = self.course.bench.wheel.consult
        self.course.bench.wheel.consult = self.consult
        self.made: Counter[str] = Counter(courses=1)

    def consult(self, journal: Journal, plan: Increment) -> Nod:
        """Ask, count, and say *go* where nobody heeds it."""
        assert self._consult is not None, "a bench has one"
        nod = self._consult(journal, plan)
        self.made["asked"] += 1
        self.made["good"] += self.good(plan)
        self.made["warned"] += nod.warns
        self.made["wrong"] += nod.warns and self.good(plan)
        return nod if self.heed else msgspec.structs.replace(nod, answer="go")

    def good(self, plan: Increment) -> bool:
        """Tell whether the table has an increment better than its standard."""
        here, (after, before) = self.course.here, map(self.course.value, (plan.after, plan.before))
        gained = before - after if here.first.better == "lower" else after - before
        return gained > _WORTH * abs(before)

    def turn(self) -> Counter[str]:
        """Turn to the end, and count."""
        self.course.turn()
        bench = self.course.bench
        told = [record.entry for record in bench.log if isinstance(record.entry, Advised)]
        self.made["trials"] = sum(test.trial.purpose == "trial" for test in bench.trials)
        self.made["left"] = sum(one.heeded for one in told)
        self.made["coin"] = sum(one.coin is not None and one.coin.anyway for one in told)
        self.made["gained"] = round(1000 * max(share for _, share in self.course.curve))
        return self.made


def table(rows: Mapping[tuple[str, float, bool], Counter[str]]) -> str:
    """Return the counts by planner, noise and whether nods were heeded."""
    body: list[list[Any]] = []
    for (arm, noise, heed), made in rows.items():
        named = [str(made[name]) for name in ("courses", "trials", "warned", "wrong", "left", "coin")]
        body.append(
            [arm, f"{noise:g}", "yes" if heed else "no", *named, f"{made['gained'] / 1000 / made['courses']:.2f}"]
        )
    head = [
        "planner",
        "noise",
        "heeded",
        "courses",
        "trials",
        "warned",
        "wrongly",
        "left alone",
        "by coin",
        "gained of what there is",
    ]
    return columns(head, body)


def main(words: Sequence[str] | None = None) -> int:
    """Run courses, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--tasks", nargs="+", type=Path, default=[HERE / f"{name}.json" for name in TASKS], metavar="FILE"
    )
    parser.add_argument("--arms", default="model,steps,prove-any", help="planners, as benchmarks.wheel has them")
    parser.add_argument("--noise", default="0.05", help="standard deviations, as shares of a reading; 0 is exact")
    parser.add_argument("--runs", type=int, default=300, help="budget of a course")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=None, help="folder of real data; or KAIZEN_BENCH_DATA")
    given = parser.parse_args(words)
    named = given.data or os.environ.get("KAIZEN_BENCH_DATA")
    data = Path(named).resolve() if named else None
    rows: dict[tuple[str, float, bool], Counter[str]] = {}
    for arm in given.arms.split(","):
        for noise in map(float, given.noise.split(",")):
            for path, seed, heed in ((p, s, h) for p in given.tasks for s in range(given.seeds) for h in (False, True)):
                job = Job(path=path.resolve(), task=path.stem, arm=arm, noise=noise, seed=seed, budget=given.runs, changes=2,
                          on=True, data=data)  # fmt: skip
                try:
                    made = Heeding(job, heed=heed).turn()
                except NoData as error:
                    print(f"left out: {error}", file=sys.stderr)
                    continue
                rows[arm, noise, heed] = rows.get((arm, noise, heed), Counter()) + made
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
