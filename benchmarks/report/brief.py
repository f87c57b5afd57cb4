"""One line a peer: what a reader in a hurry wants to know."""

from collections.abc import Mapping

from benchmarks.report.facts import Facts, of_kind
from benchmarks.report.figures import fault_ratio, mean_interval, paired
from benchmarks.report.page import Table, figure, interval
from benchmarks.report.ratios import compare
from benchmarks.report.results import Cells, names
from benchmarks.report.targets import WANTED, verdict


def brief(found: Cells, known: Mapping[str, Facts], ours: str, *, boot: int, targets: bool) -> Table:
    """Return one line of each peer: runs to its result, what is recommended under noise, faults."""
    _, methods = names(found, ours)
    faulty = sorted(of_kind(known, "with faults") & {task for task, _ in found})
    body = []
    for peer in methods:
        got = compare(found, ours, peer, boot=boot) if peer != ours else None
        if got is not None:
            counts = [str(len(got.tasks)), f"{got.seeds} to {got.peer_seeds}"]
            line = [
                peer,
                f"{got.value:.2f}",
                interval(got.low, got.high),
                *counts,
                _chosen(found, known, (ours, peer), boot),
            ]
            pairs = [fault_ratio(found.get((task, ours), ()), found.get((task, peer), ()), 0) for task in faulty]
            line.append(", ".join(figure(pair and pair[0], ".2f") for pair in pairs) or "·")
            body.append([*line, *([_said(found, known, (ours, peer), boot)] if targets else [])])
    head = [
        "peer",
        "runs",
        "95 % interval",
        "tasks",
        "seeds",
        "recommended, noisy",
        "faults",
        *(["wanted"] if targets else []),
    ]
    where = f"faults: its share times this on {', '.join(faulty)}" if faulty else "no task had faults"
    title = (
        f"{ours} needs this share of the peer's runs to reach its result; recommended: true regret under noise, ours less the "
        f"peer's; {where}"
    )
    return Table(title, head, body)


def _chosen(found: Cells, known: Mapping[str, Facts], pair: tuple[str, str], boot: int) -> str:
    noisy = [task for task in sorted(of_kind(known, "noisy")) if all((task, method) in found for method in pair)]
    gaps = [both for task in noisy if len(both := paired(found[task, pair[0]], found[task, pair[1]]))]
    if not gaps:
        return "·"
    value, low, high = mean_interval(gaps, boot)
    return f"{value:+.3f} ({interval(low, high, '+.3f')})"


def _said(found: Cells, known: Mapping[str, Facts], pair: tuple[str, str], boot: int) -> str:
    said = []
    for wanted in WANTED:
        got = None
        if wanted.peer == pair[1]:
            got = compare(found, *pair, boot=boot, tasks=of_kind(known, wanted.kind))
        if got is not None:
            where = "" if wanted.kind == "all" else f" on {wanted.kind} ({got.value:.2f})"
            said.append(f"{wanted.most:.2f}{where}: {verdict(wanted, got)}")
    return "; ".join(said) or "·"
