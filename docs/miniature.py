"""Kaizen in miniature: the whole idea, in fewer lines than a licence.

    python docs/miniature.py

A process has a standard: the numbered best way we know. An increment changes it a little. A trial runs the two side
by side, in pairs whose order a coin throws; if the increment does nothing, which one reads better *is* that coin. We
bet on the coin, and adopt when the bet has grown so much that luck would do it once in 1/alpha. Everything that
happens is a line in the ledger; whatever is not adopted is a lesson.

What is left out: many metrics, exact ones and margins, guards, faults, stopping early, people, workers, durability,
and all the care in between.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist

Setting = dict[str, int]

LIMIT, SHARE = 0.10, 0.25  # the error budget: the chance of ever being fooled, and the share one trial may use
BETS = [0.15 * (8 / 0.15) ** (j / 11) for j in range(12)]
TRUST = [bet / (1 + bet * bet) for bet in BETS]


@dataclass
class Process:
    """What may change (name: lowest, highest), how to try it, and today's standard; lower readings are better."""

    may: dict[str, tuple[int, int]]
    measure: Callable[[Setting], float]
    standard: Setting
    ledger: list[tuple[str, object]] = field(default_factory=list)

    def said(self, kind: str) -> list[object]:
        """Return what the ledger says of one kind."""
        return [what for said, what in self.ledger if said == kind]


# ── PLAN ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def plan(process: Process, chance: random.Random) -> Setting:
    """Propose a small step from today's standard that has not been tried against it."""
    for _ in range(1_000):
        name, (low, high) = chance.choice(sorted(process.may.items()))
        step = chance.choice([-1, 1]) * chance.randint(1, max(1, (high - low) // 4))
        setting = {**process.standard, name: min(high, max(low, process.standard[name] + step))}
        if setting != process.standard and (process.standard, setting) not in process.said("opened"):
            return setting
    raise StopIteration("every small step has been tried")


# ── DO ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def pair(process: Process, increment: Setting, chance: random.Random) -> float:
    """Run both sides close together, in the order of a fair coin; return how much better the increment read."""
    order = [process.standard, increment] if chance.random() < 0.5 else [increment, process.standard]
    readings = [process.measure(setting) for setting in order]
    process.ledger += [("told", (setting, reading)) for setting, reading in zip(order, readings, strict=True)]
    return (readings[0] - readings[1]) * (1 if order[1] is increment else -1)


# ── CHECK ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def evidence(differences: list[float]) -> float:
    """Return ln of how much bets against "no better" have grown (signed normal scores, sequentially)."""
    scores = []
    for t, difference in enumerate(differences, 1):
        sizes = [abs(other) for other in differences[:t]]
        rank = sum(size < abs(difference) for size in sizes) + (sum(size == abs(difference) for size in sizes) + 1) / 2
        sign = (difference > 0) - (difference < 0)
        scores.append(sign * NormalDist().inv_cdf(1 / 2 + (rank - 1 / 2) / (2 * t)))
    grown = [
        trust * math.prod(1 + math.tanh(bet * score) for score in scores)
        for bet, trust in zip(BETS, TRUST, strict=True)
    ]
    return math.log(sum(grown) / sum(TRUST))


def alpha(process: Process) -> float:
    """Return what the next trial may risk: more after every adoption, less after every trial."""
    spent = math.fsum(risk for risk in process.said("charged") if isinstance(risk, float))
    earned = LIMIT * (len(process.said("adopted")) + 1)
    return SHARE * (earned - spent) ** 2 / earned


def check(differences: list[float], risk: float) -> str:
    """Judge the pairs so far: better, worse, or go on."""
    if evidence(differences) >= math.log(1 / risk):
        return "better"
    return "worse" if evidence([-d for d in differences]) >= math.log(20) else "go on"


# ── ACT, and round again ────────────────────────────────────────────────────────────────────────────────────────────
def turn(process: Process, chance: random.Random, patience: int = 30) -> str:
    """Turn the wheel once: one increment, one trial, and a new standard or a lesson."""
    increment, risk, differences, verdict = plan(process, chance), alpha(process), [], "go on"
    process.ledger += [("opened", (process.standard, increment)), ("charged", risk)]
    while verdict == "go on" and len(differences) < patience:
        differences.append(pair(process, increment, chance))
        verdict = check(differences, risk)
    if verdict == "better":
        process.standard = increment
        process.ledger.append(("adopted", increment))
    else:
        process.ledger.append(("learned", f"{increment} was {'worse' if verdict == 'worse' else 'lost in the noise'}"))
    return verdict


if __name__ == "__main__":
    luck = random.Random(7)
    oven = Process(
        may={"minutes": (5, 40), "celsius": (150, 250)},
        measure=lambda s: abs(s["minutes"] - 22) + abs(s["celsius"] - 205) / 5 + luck.gauss(0, 1),
        standard={"minutes": 10, "celsius": 160},
    )
    for _ in range(25):
        turn(oven, luck)
    for number, setting in enumerate(oven.said("adopted"), 2):
        print(f"standard {number}: {setting}")
    print(f"{len(oven.said('learned'))} lessons, {len(oven.said('told'))} runs")
