"""What is wanted of the planner against each peer, as runs to the peer's own result, and whether it is met."""

from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.report.facts import Facts, of_kind
from benchmarks.report.page import Table, interval
from benchmarks.report.ratios import Ratio, compare
from benchmarks.report.results import Cells


class Wanted(NamedTuple):
    """One target: the ratio to a peer over the tasks of a kind, and the most that its interval may reach."""

    peer: str
    most: float
    upper: float | None = None
    kind: str = "all"


WANTED = (
    Wanted("random", 0.30),
    Wanted("tpe", 0.40),
    Wanted("auto", 0.40, kind="mixed"),
    Wanted("gp", 0.70),
    Wanted("smac", 0.75),
    Wanted("openbox", 0.75),
    Wanted("ax", 0.90, upper=1.3),
    Wanted("ax", 0.70, kind="3+ choices"),
    Wanted("hebo", 0.90, upper=1.3),
    Wanted("baybe", 0.90, upper=1.3),
    Wanted("vizier", 0.90, upper=1.3),
)


def verdict(wanted: Wanted, got: Ratio) -> str:
    """Say whether a target is met; an upper bound that was not drawn cannot be."""
    if got.value > wanted.most:
        return "missed"
    return "met" if wanted.upper is None or got.high <= wanted.upper else "missed: interval"


def target_table(found: Cells, known: Mapping[str, Facts], ours: str, boot: int) -> Table:
    """Return each target that the results can be held to, and in a note those they cannot."""
    body, absent = [], []
    for wanted in WANTED:
        got = compare(found, ours, wanted.peer, boot=boot, tasks=of_kind(known, wanted.kind))
        if got is None:
            absent.append(wanted.peer if wanted.kind == "all" else f"{wanted.peer} on {wanted.kind}")
            continue
        limit = f"{wanted.most:.2f}" + (f", upper {wanted.upper:.1f}" if wanted.upper else "")
        range_ = interval(got.low, got.high)
        counts = [str(len(got.tasks)), got.seeds, got.peer_seeds]
        body.append([wanted.peer, wanted.kind, f"{got.value:.2f}", range_, limit, verdict(wanted, got), *counts])
    head = ["peer", "tasks", "ratio", "95 % interval", "wanted", "said", "tasks", f"{ours} seeds", "peer seeds"]
    notes = [f"Not run: {', '.join(absent)}."] if absent else []
    return Table(f"Targets: runs of {ours} to the peer's own median result, as a share of its runs", head, body, notes)
