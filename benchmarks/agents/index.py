"""The same questions through the index of words: what it finds, whom the nod warns, and what one hint takes from cold."""

import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

from kaizen.foreign import Row
from kaizen.hinting import index_of, open_index
from kaizen.retrievers.fulltext import Fulltext
from kaizen.veteran.history import Step, walk
from kaizen.veteran.retrieving import FAILED, Asked, Came, Facts, Match, Remembered
from kaizen.veteran.wording import LOOKED, consult

COLD = 0.080
"""Seconds of one processor that a hint may take from cold, the interpreter's start included."""
OWN = 0.040
"""Seconds of these that are the index's own."""
_QUESTIONS = (
    "embedding lr 0.6->0.8", "small nonzero init for c_proj", "increase weight decay", "remove value embeddings", "lr",
    "halve batch 2^16->2^15, warmdown 0.5 to 0.7, depth 12 and no dropout", "MATRIX_LR=0.05", "random seed 137",
    "gelu instead of relu squared", "rope base 10000 to 50000",
)  # fmt: skip
_OUTCOMES: tuple[Came, ...] = ("discarded", "discarded", "discarded", "kept", "crashed")
_ONE = """import resource, sys, time
from pathlib import Path
from kaizen.hinting import hint
began = time.process_time()
found = hint(Path(sys.argv[1]), "loop", sys.argv[2])
assert found is not None
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, time.process_time() - began)
"""


class Found(NamedTuple):
    """One trial as it was asked through the index."""

    step: Step
    among: Sequence[Match]
    """The likest failures."""
    answer: str
    """The nod, from the likest of all."""
    answered: bool
    """Whether the twin was asked, too."""


def through(rows: Sequence[Row]) -> Iterator[Found]:
    """Walk a log: each trial is asked through an index of those before it, and then told to it."""
    kept = 0
    with Fulltext(Path(":memory:"), make=True) as index:
        for place, step in enumerate(walk(rows)):
            asked = Asked(step.words)
            among = index.nearest(asked, among=FAILED, count=5)
            counts = index.fact("counts", {})
            facts = Facts(
                standard=kept + 1, kept=counts.get("kept", 0), crashed=counts.get("crashed", 0),
                decided=sum(counts.get(one, 0) for one in ("kept", *FAILED)),
            )  # fmt: skip
            told = consult(asked, index.nearest(asked, count=LOOKED), facts)
            yield Found(step, among, told.answer, bool(step.precedents))
            index.tell([Remembered(str(place), step.row.words, _came(step.row), kept + 1)])
            kept += step.row.decision == "kept" and step.row.fault is None


def _came(row: Row) -> Came:
    if row.fault is not None:
        return "crashed"
    came = {"rejected": "discarded"}.get(row.decision, row.decision)
    return next(one for one in get_args(Came) if one == came)


def warned(logs: Mapping[str, Sequence[Row]], labels: Mapping[str, Mapping[int, tuple[str, int]]]) -> None:
    """Print what the nod says of repeats and of fresh ideas, and how far index and twin agree."""
    said: dict[str, list[tuple[str, bool]]] = {}
    asked = same = 0
    for name in sorted(logs):
        kept_by: list[int] = []
        failed = False
        for place, found in enumerate(through(logs[name])):
            row = found.step.row
            label, prior = labels[name].get(place, ("", -1))
            since = kept_by[-1] - kept_by[prior] if label else 0
            kind = f"{label}, {'nothing kept since' if since == 0 else 'something kept since'}" if label else "neither"
            if failed and row.decision != "baseline":
                said.setdefault(kind, []).append((found.answer, row.decision == "kept" and row.fault is None))
            if found.answered:
                asked += 1
                mine = [int(match.trial.key) for match in found.among[:3]]
                same += mine == [one.like.place for one in found.step.precedents if one.like.likeness > 0][:3]
            kept_by.append((kept_by[-1] if kept_by else 0) + (row.decision == "kept" and row.fault is None))
            failed = failed or row.failed
    print(f"\nindex and twin name the same three, in the same order, in {same} of {asked} questions")
    print(
        f"{'what the nod says of':<34}{'trials':>7}{'failed before':>15}{'think again':>13}{'kept, though warned':>21}"
    )
    for kind in sorted(said, key=lambda one: ("RDn".index(one[0]), one)):
        answers = [answer for answer, _ in said[kind]]
        lost = sum(kept for answer, kept in said[kind] if answer in ("failed_before", "think_again"))
        shares = [answers.count(one) / len(answers) for one in ("failed_before", "think_again")]
        print(f"{kind:<34}{len(answers):>7}{shares[0]:>14.1%}{shares[1]:>13.1%}{lost:>21}")
    print("the logs hold no diffs: fingerprints of code are held by tests alone")


def cold(logs: Mapping[str, Sequence[Row]], *, trials: int, seed: int) -> bool:
    """Print what one hint takes from cold with so many trials remembered; return whether that is as promised."""
    with tempfile.TemporaryDirectory() as place:
        ledger = Path(place) / "ledger.db"
        began = time.process_time()
        _fill(ledger, [row.words for rows in logs.values() for row in rows if row.words], trials, random.Random(seed))
        built, size = time.process_time() - began, index_of(ledger, "loop").stat().st_size
        took = [_hint(ledger, said) for said in (_QUESTIONS[0], *_QUESTIONS)][1:]
    whole, own = ([one[part] for one in took] for part in (0, 1))
    print(
        f"\n{trials:,} remembered trials: index of {size / 1e6:.0f} MB, made in {built:.0f} s of one processor"
        f"\none hint from cold, over {len(took)} questions: {_spread(whole)} of one processor in all (promised: {1e3 * COLD:.0f} ms),"
        f"\n  of which {_spread(own)} from the call to the answer (promised: {1e3 * OWN:.0f} ms)"
    )
    return max(whole) <= COLD and max(own) <= OWN


def _spread(taken: Sequence[float]) -> str:
    return f"{1e3 * statistics.median(taken):.0f} ms in the middle, {1e3 * max(taken):.0f} ms at most"


def _fill(ledger: Path, said: Sequence[str], trials: int, chance: random.Random) -> None:
    """Make an index of real sentences, their numbers changed at random: the words of one project, over and over."""

    def vary(found: re.Match[str]) -> str:
        return f"{float(found[0]) * chance.choice((0.5, 0.8, 1.0, 1.1, 1.25, 2.0)):.4g}"

    told: list[Any] = []
    with open_index(ledger, "loop") as index:
        for place in range(trials):
            words = re.sub(r"\d+(?:\.\d+)?", vary, chance.choice(said))
            told.append(Remembered(f"run {place}", words, chance.choice(_OUTCOMES), 1 + place // 30, effect=-0.01))
            if len(told) == 2_000 or place == trials - 1:
                index.tell(told)
                told.clear()
        index.note("facts", Facts(standard=1 + trials // 30, metric="loss", ratio=True, noise=0.001)._asdict())


def _hint(ledger: Path, said: str) -> tuple[float, float]:
    made = subprocess.run(
        [sys.executable, "-c", _ONE, str(ledger), said], check=True, capture_output=True, text=True, env={**os.environ}
    )
    whole, own = map(float, made.stdout.split())
    return whole, own
