"""A hundred ideas in a row, one in ten good: junk among what is adopted, and what it delivers of what was promised.

Ideas are as in ``streams``; each changes the standard it is adopted into by its own true gain. A reading's noise is that
of one run, and a pair has two.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.judge import foils, ours
from benchmarks.judge.noises import Floats
from benchmarks.judge.rows import Chance, Row, Size
from benchmarks.judge.streams import CAP, SHARES, WORTHWHILE, Stream, effects, judged, screened
from benchmarks.judge.table import Line, met
from kaizen import evidence
from kaizen.check import promised
from kaizen.evidence.honest import FIRST
from kaizen.process import Policy

IDEAS = 100
GOOD = 0.1
_RUN = float(np.sqrt(0.5))  # sd of a reading


class Taken(NamedTuple):
    """One adoption: what was promised, what it truly brings, and what its readings claimed."""

    promised: float
    true: float
    claimed: float


def taken(true: Floats, stream: Stream) -> list[Taken]:
    """Return the adoptions of a stream, with the promises that the judge makes of them (``check.promised``)."""
    frozen = ours.design(0.05, margins=(0.0,), worthwhile=(WORTHWHILE,), cap=CAP, seed=0)
    past = [ours.trial(frozen, test.gains[None, :FIRST]) for test in stream.tests]
    made = []
    for at, test in enumerate(stream.tests):
        if test.adopted:
            gains = promised(ours.trial(frozen, test.gains[None]), past[:at])
            raw = evidence.typical(test.gains.tolist())
            made.append(Taken(gains.get("m0", raw), float(true[test.candidate]), raw))
    return made


def _by_budget(chance: Chance, size: Size) -> list[Line]:
    """Stream ideas under the error budget, for each ω, with scouts before and without."""
    lines = []
    for scouted in (False, True):
        for part in SHARES:
            rng, found = chance.rng(str(scouted)), list[Taken]()
            of, good = size.count(40, 400), 0
            for _ in range(of):
                own = rng.spawn(1)[0]
                true = effects(own, IDEAS, GOOD)
                good += int((true > 0).sum())
                queue = screened(true, own) if scouted else list(range(IDEAS))
                found += taken(true, judged(true, queue, own, part=part, at_once=1, coins=chance.coins))
            lines += _lines(f"{'scouted' if scouted else 'not scouted'}, ω {part:g}", found, of, good,
                            wanted=part == Policy().share)  # fmt: skip
    return lines


def _lines(how: str, found: Sequence[Taken], of: int, good: int, *, wanted: bool) -> list[Line]:
    junk = sum(one.true <= 0 for one in found) / max(1, len(found))
    harm = sum(-one.true for one in found if one.true < 0) / of
    delivered = sum(one.true for one in found)
    ratio = delivered / max(1e-9, sum(one.promised for one in found))
    raw = delivered / max(1e-9, sum(one.claimed for one in found))
    said = f"{len(found)} adoptions, of {good} good ones"
    return [
        Line(row="ideas", what=f"{how}: junk among adoptions", wanted="≤ 5 %" if wanted else "", of=of,
             figure=f"{junk:.1%}; {said}; harm {harm:.3f} sd a stream", met=met(junk <= 0.05) if wanted else ""),
        Line(row="ideas", what=f"{how}: delivered / promised", wanted=".9 to 1.1" if wanted else "", of=of,
             figure=f"{ratio:.2f}; of the raw gain {raw:.2f}", met=met(0.9 <= ratio <= 1.1) if wanted else ""),
    ]  # fmt: skip


def _by_foils(chance: Chance, size: Size) -> list[Line]:
    """Take the same kind of ideas by the rules of others."""
    rng, of = chance.rng(), size.count(400, 4000)
    names = ("t-test, peeking", "best_trial", "best of 100")
    found: dict[str, list[Taken]] = {name: [] for name in names}
    for _ in range(of):
        true = effects(rng, IDEAS, GOOD)
        found[names[0]] += _peeking(true, rng)
        found[names[1]] += _climbing(true, rng)
        read = true + rng.normal(0.0, _RUN, IDEAS)
        best = int(read.argmax())
        claim = float(read[best] - rng.normal(0.0, _RUN))
        found[names[2]].append(Taken(claim, float(true[best]), claim))
    lines = []
    for name, all_ in found.items():
        junk = sum(one.true <= 0 for one in all_) / max(1, len(all_))
        delivered, claimed = sum(one.true for one in all_), sum(one.claimed for one in all_)
        figure = (
            f"{junk:.0%} junk of {len(all_) / of:.1f} adoptions a stream; delivered / claimed {delivered / claimed:.2f}"
        )
        lines.append(Line(row="ideas", what=f"{IDEAS} ideas", who=name, of=of, figure=figure))
    return lines


def _peeking(true: Floats, rng: np.random.Generator) -> list[Taken]:
    gains = rng.standard_normal((IDEAS, CAP)) + true[:, None]
    return [
        Taken(float(own[:look].mean()), float(effect), float(own[:look].mean()))
        for own, effect, look in zip(gains, true, foils.peeking_t(gains), strict=True) if look
    ]  # fmt: skip


def _climbing(true: Floats, rng: np.random.Generator) -> list[Taken]:
    """Keep whatever reads better than the best reading ever; what it claims is the step of that reading."""
    level, best = 0.0, float(rng.normal(0.0, _RUN))
    made = []
    for effect in true.tolist():
        read = level + effect + float(rng.normal(0.0, _RUN))
        if read > best:
            made.append(Taken(read - best, effect, read - best))
            level, best = level + effect, read
    return made


IDEAS_ROW = Row(f"{IDEAS} ideas, {GOOD:.0%} of them good", {"ours": _by_budget, "foils": _by_foils})
