"""Every pattern of signs that two hundred adversarial sizes can have: proof counted, not simulated."""

import math

import numpy as np

from benchmarks.judge import foils, ours
from benchmarks.judge.ours import LEVELS
from benchmarks.judge.rows import Chance, Row, Size
from benchmarks.judge.table import Line, met
from kaizen.evidence import flips
from tests.evidence.adversaries import PAIRS, SIZES


def _enumerate(chance: Chance, size: Size) -> list[Line]:
    """Walk all 2^12 patterns of every vector: the mean of the evidence, and what share is ever proven."""
    rng = chance.rng()
    names = list(SIZES)[: size.count(len(SIZES), len(SIZES))]
    bits = (np.arange(2**PAIRS)[:, None] >> np.arange(PAIRS)) & 1
    patterns = np.asarray(1.0 - 2.0 * bits, dtype=np.float64)
    off, ever, gone, alike, of = 0.0, dict.fromkeys(LEVELS, 0.0), dict.fromkeys(LEVELS, 0.0), 0, 0
    worst = dict.fromkeys(("t-test, peeking", "plug-in sequence"), 0.0)
    for name in names:
        psi = ours.scores(np.array([SIZES[name]]))
        evidence = ours.log_paths(patterns * psi)
        off = max(off, float(abs(np.exp(evidence).mean(axis=0) - 1).max()))
        rows, _ = flips._walk([np.rint(psi[0] / 1e-9)])  # noqa: SLF001  # all paths at once
        heights = np.stack([np.resize(row, len(patterns)) for row in rows])  # up to a look, the first 2^look are all
        for alpha in LEVELS:
            reached = (evidence >= -math.log(alpha)).any(axis=1).mean()
            ever[alpha] = max(ever[alpha], float(reached))
            limits, there = flips._limits(rows, alpha, PAIRS)  # noqa: SLF001
            gone[alpha] = max(gone[alpha], 1.0 - float(there.mean()))
            for pattern in rng.integers(len(patterns), size=4):
                own = [[sign * height for sign, height in zip(patterns[pattern].tolist(), SIZES[name], strict=True)]]
                real = flips.passage(own, alpha=alpha, cap=PAIRS, seed=chance.coins).proven
                alike += (real is not None) == bool((heights[:, pattern] > limits).any())
                of += 1
        if np.isfinite(SIZES[name]).all() and max(SIZES[name]) < 1e100:
            differences = patterns * np.array(SIZES[name])
            for who, rule in (("t-test, peeking", foils.peeking_t), ("plug-in sequence", foils.plug_in)):
                worst[who] = max(worst[who], float((rule(differences) > 0).mean()))
    where = f"{len(names)} vectors, {len(patterns):,} patterns each"
    lines = [Line(row="exact", what=f"bets: mean of E after 1 to {PAIRS} pairs, {where}", wanted="1 within 1e-9",
                  figure=f"off by {off:.1e} at most", met=met(off <= 1e-9))]  # fmt: skip
    for alpha in LEVELS:
        lines.append(_share(f"bets: patterns that ever reach {1 / alpha:.0f}", ever[alpha], alpha))
        lines.append(_share(f"flips, cap {PAIRS}: patterns that are ever proven at α {alpha:g}", gone[alpha], alpha))
    lines.append(Line(row="exact", what="flips: patterns judged one by one as they were counted", wanted="all",
                      of=of, figure=f"{alike} alike", met=met(alike == of)))  # fmt: skip
    lines += [Line(row="exact", what="patterns ever adopted at p < .05", who=who, figure=f"{most:.2%} at most")
              for who, most in worst.items()]  # fmt: skip
    return lines


def _share(what: str, most: float, alpha: float) -> Line:
    return Line(row="exact", what=what, wanted=f"≤ {alpha:.2%}", figure=f"{most:.2%} at most", met=met(most <= alpha))


EXACT = Row("all patterns of signs that adversarial sizes can have", {"all": _enumerate})
