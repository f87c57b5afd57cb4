"""The tables of one budget: regret, ratios, costs, faults and what is recommended."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from benchmarks.report.facts import KINDS, Facts, of_kind
from benchmarks.report.page import Table, figure, interval
from benchmarks.report.ratios import CENSORED, Courses, Ratio, by_regret, compare
from benchmarks.report.results import Cells, Floats, Row, names, traces

_SHORT = {"with faults": "faults", "without": "no faults"}
_UNSOUND = 1.0  # the regret of a recommendation that fails or is none: that of the median setting
_PEERS_OF_FAULTS = ("random", "tpe")
_ENOUGH = 30  # seeds that a ratio of faults wants


def regret_table(found: Cells, budget: int, ours: str) -> Table:
    """Return the median final regret of each method on each task."""
    tasks, methods = names(found, ours)
    body = [
        [task, *(figure(float(np.median(traces(rows)[:, -1])) if (rows := found.get((task, m))) else None) for m in methods)]
        for task in tasks
    ]  # fmt: skip
    least = ", ".join(f"{m} {min(len(found[t, m]) for t in tasks if (t, m) in found)}" for m in methods)
    title = f"Regret after {budget} runs, median over seeds (0 optimum, 1 the median setting); least seeds: {least}"
    return Table(title, ["task", *methods], body)


def ratio_table(
    found: Cells,
    budget: int,
    ours: str,
    *,
    boot: int,
    courses: Courses = by_regret,
    tasks: Collection[str] | None = None,
    what: str = "median result",
) -> Table:
    """Return our ratio to each peer, and each peer's to us."""
    _, methods = names(found, ours)
    body = []
    for peer in methods:
        got = compare(found, ours, peer, boot=boot, courses=courses, tasks=tasks) if peer != ours else None
        back = compare(found, peer, ours, boot=boot, courses=courses, tasks=tasks) if peer != ours else None
        if got is not None and back is not None:
            body.append([f"{ours} / {peer}", *_said(got), f"{back.value:.2f}", interval(back.low, back.high)])
    head = ["", "ratio", "95 % interval", "censored", "tasks", "our seeds", "its seeds", "it / us", "95 % interval"]
    title = (
        f"Runs of {ours} to reach the peer's own {what} at {budget} runs, by {budget} (lower is better; geometric mean over "
        f"the tasks that both ran, courses that never do counted as {CENSORED:g}); then the peer's to reach ours"
    )
    return Table(title, head, body)


def _said(got: Ratio) -> list[str]:
    censored = f"{got.censored} of {got.courses}"
    return [f"{got.value:.2f}", interval(got.low, got.high), censored, str(len(got.tasks)), got.seeds, got.peer_seeds]


def pair_table(found: Cells, ours: str, boot: int) -> Table:
    """Return every method's ratio to every peer."""
    _, methods = names(found, ours)
    body = []
    for method in methods:
        for peer in methods:
            got = compare(found, method, peer, boot=boot) if method != peer else None
            if got is not None:
                body.append([method, peer, *_said(got)])
    head = ["method", "peer", "ratio", "95 % interval", "censored", "tasks", "seeds", "peer seeds"]
    return Table("Runs of every method to every other's median result", head, body)


def kind_table(found: Cells, known: Mapping[str, Facts], ours: str, boot: int) -> Table:
    """Return our ratio to each peer by kind of task, with its interval and the number of tasks."""
    _, methods = names(found, ours)
    body = []
    for peer in methods:
        each = [compare(found, ours, peer, boot=boot, tasks=of_kind(known, kind)) for kind in KINDS]
        if peer != ours and any(each):
            body.append([peer, *("·" if got is None else _brief(got) for got in each)])
    present = sorted({task for task, _ in found})
    counts = {kind: len(of_kind(known, kind) & set(present)) for kind in KINDS}
    title = f"Ratios of {ours} by kind of task, with 95 % intervals and the number of tasks that both ran"
    return Table(title, ["peer", *(f"{_SHORT.get(kind, kind)} ({counts[kind]})" for kind in KINDS)], body)


def _brief(got: Ratio) -> str:
    spread = "" if math.isnan(got.low) else f" {got.low:.2f}-{got.high:.2f}"
    return f"{got.value:.2f}{spread} x{len(got.tasks)}"


def task_ratios(found: Cells, known: Mapping[str, Facts], ours: str, courses: Courses = by_regret) -> Table:
    """Return our ratio to each peer on each task."""
    tasks, methods = names(found, ours)
    by_peer = {peer: compare(found, ours, peer, boot=0, courses=courses) for peer in methods if peer != ours}
    body = [
        [
            task,
            _kind(known[task]),
            *("·" if got is None else figure(got.tasks.get(task), ".2f") for got in by_peer.values()),
        ]
        for task in tasks
    ]
    return Table(f"Ratios of {ours} by task", ["task", "kind", *by_peer], body if by_peer else [])


def _kind(fact: Facts) -> str:
    words = ["mixed" if fact.mixed else "numeric", "noisy" if fact.noisy else "", "faults" if fact.faulty else ""]
    return ", ".join(word for word in words if word)


def method_table(found: Cells, budget: int, ours: str) -> Table:
    """Return what each method costs and wastes, and how true its recommendation is."""
    tasks, methods = names(found, ours)
    faulty = [task for task in tasks if any(row["faults"] for m in methods for row in found.get((task, m), ()))]
    body = []
    for method in methods:
        rows = [row for (_, name), some in found.items() if name == method for row in some]
        wasted = [row["faults"] / budget for row in rows if row["task"] in faulty]
        chosen = [r for row in rows if (r := row.get("recommended_regret")) is not None]
        cpu = [float(np.mean(row["cpu"])) for row in rows if row.get("cpu")]
        body.append([
            method, f"{np.mean(wasted):.1%}" if wasted else "·", f"{np.median(chosen):.4f}" if chosen else "·",
            f"{np.mean(chosen):.4f}" if chosen else "·", str(len(rows) - len(chosen)),
            f"{np.mean(cpu):.4f}" if cpu else "·", str(len(rows)), ", ".join(sorted({row.get("version", "?") for row in rows})),
        ])  # fmt: skip
    head = ["method", "faults", "chosen median", "chosen mean", "unsound", "CPU-s", "courses", "version"]
    title = (
        f"Faults: share of runs on {', '.join(faulty) or 'no task'}. Chosen: true regret of the recommended setting. "
        "Unsound: recommendations that fail or are none. CPU-s: of one suggestion"
    )
    return Table(title, head, body)


def recommended(rows: Sequence[Row]) -> dict[int, float]:
    """Return the true regret of what each seed recommends; one that fails or is none counts as the median setting."""
    chosen = {row["seed"]: row.get("recommended_regret") for row in rows}
    return {seed: _UNSOUND if value is None else float(value) for seed, value in chosen.items()}


def paired(ours: Sequence[Row], peers: Sequence[Row]) -> Floats:
    """Return ours less the peer's of every seed that both ran, ``(n,)``."""
    one, other = recommended(ours), recommended(peers)
    return np.array([one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())])


def mean_interval(samples: Sequence[Floats], boot: int) -> tuple[float, float, float]:
    """Return the mean over tasks of the mean over seeds, and its 95 % bootstrap over seeds and, of several, tasks."""
    value = float(np.mean([sample.mean() for sample in samples]))
    if not boot:
        return value, math.nan, math.nan
    rng = np.random.default_rng(0)
    drawn = np.array([s[rng.integers(len(s), size=(boot, len(s)))].mean(axis=1) for s in samples])
    size = (boot, len(samples))
    means = drawn[rng.integers(len(samples), size=size), rng.integers(boot, size=size)].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return value, float(low), float(high)


def chosen_table(found: Cells, known: Mapping[str, Facts], ours: str, boot: int) -> Table:
    """Return the true regret of what is recommended on noisy tasks, and the paired difference to each peer."""
    tasks, methods = names(found, ours)
    noisy = [task for task in tasks if known[task].noisy]
    body = []
    for task in [*noisy, "all"] if len(noisy) > 1 else noisy:
        for method in methods:
            cells = [found[t, method] for t in (noisy if task == "all" else [task]) if (t, method) in found]
            own = [[] if method == ours else found.get((rows[0]["task"], ours), []) for rows in cells]
            body += [[task, method, *_chosen(cells, own, boot)]] if cells else []
    head = ["task", "method", "mean", "median", f"{ours} - it", "95 % interval", "seeds", "unsound"]
    title = (
        "True regret of the recommended setting on noisy tasks (unsound ones count 1, the median setting), and ours less the "
        "peer's, paired by seed (below 0: ours is better)"
    )
    return Table(title, head, body)


def _chosen(cells: Sequence[Sequence[Row]], ours: Sequence[Sequence[Row]], boot: int) -> list[str]:
    """Set one method's figures; ``cells`` and ``ours`` are by task."""
    means = [list(recommended(rows).values()) for rows in cells]
    both = [gaps for rows, own in zip(cells, ours, strict=True) if len(gaps := paired(own, rows))]
    unsound = sum(row.get("recommended_regret") is None for rows in cells for row in rows)
    counts = [str(sum(map(len, cells))), str(unsound)]
    middle = [f"{np.mean([np.mean(m) for m in means]):.4f}", f"{np.mean([np.median(m) for m in means]):.4f}"]
    if not both:
        return [*middle, "", "", *counts]
    value, low, high = mean_interval(both, boot)
    return [*middle, f"{value:+.4f}", interval(low, high, "+.4f"), *counts]


def fault_table(found: Cells, ours: str, boot: int) -> Table:
    """Return the share of runs that fail on each task that has any, and our share by random's and by TPE's."""
    tasks, methods = names(found, ours)
    body, few = [], []
    for task in tasks:
        rows = {m: found[task, m] for m in methods if (task, m) in found}
        if not any(row["faults"] for some in rows.values() for row in some):
            continue
        shares = [f"{_shares(rows[m]).mean():.1%}" if m in rows else "·" for m in methods]
        pairs = [_fault_ratio(rows.get(ours), rows.get(peer), boot) for peer in _PEERS_OF_FAULTS]
        body.append([task, *shares, *pairs, _count(rows, ours)])
        if min((len(rows[m]) for m in (ours, *_PEERS_OF_FAULTS) if m in rows), default=0) < _ENOUGH:
            few.append(task)
    head = ["task", *methods, *(f"{ours} / {peer}" for peer in _PEERS_OF_FAULTS), "seeds"]
    notes = [f"Fewer than {_ENOUGH} seeds of one of the three, so wide intervals: {', '.join(few)}."] if few else []
    return Table("Faults: share of runs that fail, and ratios with 95 % intervals over seeds", head, body, notes)


def _count(rows: Mapping[str, Sequence[Row]], ours: str) -> str:
    return ", ".join(str(len(rows[m])) for m in (ours, *_PEERS_OF_FAULTS) if m in rows)


def _shares(rows: Sequence[Row]) -> Floats:
    return np.array([row["faults"] / row["budget"] for row in rows])


def _fault_ratio(ours: Sequence[Row] | None, peers: Sequence[Row] | None, boot: int) -> str:
    got = fault_ratio(ours or (), peers or (), boot)
    return "·" if got is None else f"{got[0]:.2f} ({interval(got[1], got[2])})"


def fault_ratio(ours: Sequence[Row], peers: Sequence[Row], boot: int) -> tuple[float, float, float] | None:
    """Return our share of faults by a peer's and its 95 % bootstrap over the seeds of each; ``None`` if it has none."""
    if not ours or not peers or not _shares(peers).any():
        return None
    one, other = _shares(ours), _shares(peers)
    value = float(one.mean() / other.mean())
    if not boot:
        return value, math.nan, math.nan
    rng = np.random.default_rng(0)
    above = one[rng.integers(len(one), size=(boot, len(one)))].mean(axis=1)
    below = other[rng.integers(len(other), size=(boot, len(other)))].mean(axis=1)
    low, high = np.quantile(above[below > 0.0] / below[below > 0.0], [0.025, 0.975])
    return value, float(low), float(high)
