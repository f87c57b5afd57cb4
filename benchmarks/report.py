"""Read results of planner benches: regret, faults, cost, and how many runs each method needs to reach its peers.

    python -m benchmarks.report results.jsonl [more.jsonl] [--picture curves.svg] [--boot 2000]

*Runs to target*: for every peer, the target on a task is the peer's own median regret at its budget. A method's runs to it
are the median over seeds of the first run at or below the target, by true values; a course that never gets there is
censored, counted as one and a half budgets, and said. The ratio is runs / budget, its geometric mean taken over tasks; the
interval is a 95 % bootstrap of tasks and, within each, of the seeds of both.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Row = Mapping[str, Any]
Cells = dict[tuple[str, str], list[Row]]
"""Results by task and method."""

_CENSORED = 1.5  # budgets that a course counts which never reaches the target
_SLACK = 1e-9
_COLOURS = ("#1b6ca8", "#d1495b", "#edae49", "#3c8d5a", "#7a5195", "#555555", "#00798c", "#b5651d")


class BadResults(Exception):
    """A file cannot be read as results; the message is one sentence."""


def read(paths: Sequence[Path]) -> list[Row]:
    """Read result lines; the later of two same ones counts.

    Raises:
        BadResults: a file or a line cannot be read.
    """
    found: dict[tuple[Any, ...], Row] = {}
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise BadResults(f"{path} must be a file of results; got {type(error).__name__}: {error}") from error
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                key = (row["task"], row["method"], row["seed"], row["budget"], row.get("goals", "first"))
                len(row["regret"]), int(row["faults"])
            except (ValueError, KeyError, TypeError) as error:
                raise BadResults(f"{path} must hold one result a line; line {number} is none: {error}") from error
            found[key] = row
    return list(found.values())


def cells(rows: Sequence[Row], budget: int, goals: str) -> Cells:
    """Gather the results of one budget by task and method, by seed."""
    made: Cells = {}
    for row in sorted(rows, key=lambda row: row["seed"]):
        if row["budget"] == budget and row.get("goals", "first") == goals:
            made.setdefault((row["task"], row["method"]), []).append(row)
    return made


def traces(rows: Sequence[Row]) -> Floats:
    """Return regret by seed and run, ``(seeds, budget)``; infinite before the first sound run."""
    return np.array([[math.inf if r is None else r for r in row["regret"]] for row in rows], dtype=float)


def runs_to(regret: Floats, target: float) -> Floats:
    """Return each seed's first run at or below ``target``, ``(seeds,)``; 1.5 budgets where there is none."""
    reached = regret <= target + _SLACK
    budget = regret.shape[1]
    return np.asarray(np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, _CENSORED * budget))


def ratio(ours: Floats, peers: Floats) -> tuple[float, int]:
    """Return the median runs to the peer's median final regret by budget, and how many courses are censored."""
    budget = peers.shape[1]
    runs = runs_to(ours, float(np.median(peers[:, -1])))
    return float(np.median(runs)) / budget, int((runs > budget).sum())


def compare(found: Cells, method: str, peer: str, *, boot: int) -> dict[str, Any] | None:
    """Return the geometric mean of a method's ratios to a peer, its interval and what was censored."""
    tasks = sorted({task for task, name in found if name == method} & {task for task, name in found if name == peer})
    pairs = [(traces(found[task, method]), traces(found[task, peer])) for task in tasks]
    if not pairs:
        return None
    each = [ratio(ours, peers) for ours, peers in pairs]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(boot):
        logs = [math.log(_resampled(pairs[k][0], pairs[k][1], rng)) for k in rng.integers(len(pairs), size=len(pairs))]
        drawn.append(math.exp(sum(logs) / len(logs)))
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn else (math.nan, math.nan)
    return {
        "ratio": math.exp(sum(math.log(value) for value, _ in each) / len(each)),
        "low": float(low),
        "high": float(high),
        "censored": sum(count for _, count in each),
        "courses": sum(len(ours) for ours, _ in pairs),
        "tasks": dict(zip(tasks, (value for value, _ in each), strict=True)),
    }


def _resampled(ours: Floats, peers: Floats, rng: np.random.Generator) -> float:
    one, other = (rng.integers(len(block), size=len(block)) for block in (ours, peers))
    return ratio(ours[one], peers[other])[0]


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[k]) for row in (head, *body)) for k in range(len(head))]
    lines = [
        "  ".join(cell.ljust(widths[0]) if k == 0 else cell.rjust(widths[k]) for k, cell in enumerate(row))
        for row in (head, *body)
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _names(found: Cells) -> tuple[list[str], list[str]]:
    """Return tasks and methods, Kaizen first."""
    methods = sorted({method for _, method in found}, key=lambda name: (name != "kaizen", name))
    return sorted({task for task, _ in found}), methods


def regret_table(found: Cells, budget: int) -> str:
    """Return the median final regret of each method on each task."""
    tasks, methods = _names(found)
    body = [
        [
            task,
            *(
                _shown(found.get((task, method)), lambda rows: float(np.median(traces(rows)[:, -1])))
                for method in methods
            ),
        ]
        for task in tasks
    ]
    seeds = ", ".join(f"{m} {min(len(found[t, m]) for t in tasks if (t, m) in found)}" for m in methods)
    title = f"Regret after {budget} runs, median over seeds (0 optimum, 1 the median setting); least seeds: {seeds}"
    return f"{title}\n\n{_table(['task', *methods], body)}"


def _shown(rows: Sequence[Row] | None, figure: Any) -> str:
    if not rows:
        return "·"
    value = figure(rows)
    return "none" if value is None or not math.isfinite(value) else f"{value:.4f}"


def ratio_table(found: Cells, budget: int, boot: int) -> str:
    """Return every method's runs-to-target ratio to every peer."""
    _, methods = _names(found)
    body = []
    for method in methods:
        for peer in methods:
            got = compare(found, method, peer, boot=boot) if method != peer else None
            if got is not None:
                interval = f"{got['low']:.2f} to {got['high']:.2f}" if boot else "not drawn"
                censored = f"{got['censored']} of {got['courses']}"
                body.append([method, peer, f"{got['ratio']:.2f}", interval, censored, str(len(got["tasks"]))])
    title = (
        f"Runs to reach the peer's own median result at {budget} runs, by {budget} (lower is better); "
        f"geometric mean over tasks, courses that never do counted as {_CENSORED:g}"
    )
    return f"{title}\n\n{_table(['method', 'peer', 'ratio', '95 % interval', 'censored', 'tasks'], body)}"


def task_ratios(found: Cells, method: str) -> str:
    """Return one method's ratio to each peer on each task."""
    tasks, methods = _names(found)
    peers = [name for name in methods if name != method]
    by_peer = {peer: compare(found, method, peer, boot=0) for peer in peers}
    body = [
        [task, *(f"{got['tasks'][task]:.2f}" if (got := by_peer[p]) and task in got["tasks"] else "·" for p in peers)]
        for task in tasks
    ]
    return f"Ratios of {method} by task\n\n{_table(['task', *peers], body)}"


def method_table(found: Cells, budget: int) -> str:
    """Return what each method costs and wastes, and how true its recommendation is."""
    tasks, methods = _names(found)
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
    where = ", ".join(faulty) or "no task"
    title = (
        f"Faults: share of runs on {where}. Chosen: true regret of the recommended setting. "
        "Unsound: recommendations that fail or are none. CPU-s: of one suggestion"
    )
    return f"{title}\n\n{_table(head, body)}"


def fault_table(found: Cells) -> str:
    """Return the mean number of faults of each method on the tasks that have any."""
    tasks, methods = _names(found)
    body = []
    for task in tasks:
        means = [np.mean([r["faults"] for r in found[task, m]]) if (task, m) in found else math.nan for m in methods]
        if any(mean > 0 for mean in means):
            body.append([task, *("·" if math.isnan(mean) else f"{mean:.1f}" for mean in means)])
    return f"Faults of a course, mean over seeds\n\n{_table(['task', *methods], body)}" if body else ""


def picture(found: Cells) -> str:
    """Return median regret by run as an SVG, one panel a task, on a scale of logarithms."""
    tasks, methods = _names(found)
    across, wide, high = 4, 260, 190
    down = math.ceil(len(tasks) / across)
    parts = [_panel(found, task, methods, k % across * wide, 30 + k // across * high) for k, task in enumerate(tasks)]
    legend = "".join(
        f'<rect x="{10 + 110 * k}" y="9" width="12" height="12" fill="{_colour(k)}"/>'
        f'<text x="{26 + 110 * k}" y="19">{name}</text>'
        for k, name in enumerate(methods)
    )
    size = f'width="{across * wide}" height="{30 + down * high}"'
    style = 'font-family="sans-serif" font-size="11" fill="#222"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{legend}{"".join(parts)}</svg>\n'


def _colour(k: int) -> str:
    return _COLOURS[k % len(_COLOURS)]


def _panel(found: Cells, task: str, methods: Sequence[str], x: int, y: int) -> str:
    left, top, width, height = x + 34, y + 18, 215, 140
    lines = {m: np.median(traces(found[task, m]), axis=0) for m in methods if (task, m) in found}
    sound = np.concatenate([line[np.isfinite(line) & (line > 0)] for line in lines.values()])
    high = math.log10(sound.max()) if len(sound) else 0.0
    low = max(math.log10(sound.min()), high - 4.0) if len(sound) else -1.0
    span = (high - low) or 1.0
    drawn = [f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#ccc"/>']
    drawn.append(f'<text x="{left}" y="{top - 5}">{task}</text>')
    for share in (0.0, 1.0):
        value = 10 ** (high - share * span)
        drawn.append(f'<text x="{x}" y="{top + 8 + share * (height - 8):.0f}" font-size="9">{value:.2g}</text>')
    for k, method in enumerate(methods):
        if method not in lines:
            continue
        points = " ".join(
            f"{left + width * run / max(1, len(lines[method]) - 1):.1f},"
            f"{top + height * min(1.0, (high - math.log10(max(value, 10**low))) / span):.1f}"
            for run, value in enumerate(lines[method])
            if math.isfinite(value)
        )
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{_colour(k)}" stroke-width="1.6"/>')
    return "".join(drawn)


def report(rows: Sequence[Row], *, boot: int) -> str:
    """Return the whole report in words and tables."""
    parts = []
    for goals in sorted({row.get("goals", "first") for row in rows}, reverse=True):
        for budget in sorted({row["budget"] for row in rows if row.get("goals", "first") == goals}):
            found = cells(rows, budget, goals)
            what = "the first metric" if goals == "first" else "all metrics"
            parts += [f"# Budget {budget}, {what} to be improved", regret_table(found, budget)]
            parts += [ratio_table(found, budget, boot), task_ratios(found, _names(found)[1][0])]
            parts += [method_table(found, budget), fault_table(found)]
    errors = {row["task"]: row["emulator_error"] for row in rows if row.get("emulator_error")}
    parts += [
        f"{task} is emulated, not measured: cross-validated error "
        + ", ".join(f"{name} {error:.3g}" for name, error in found_errors.items())
        for task, found_errors in sorted(errors.items())
    ]
    return "\n\n".join(part for part in parts if part)


def main(words: Sequence[str] | None = None) -> int:
    """Return 0, or 2 when a file cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("results", nargs="+", type=Path, help="result files")
    parser.add_argument("--picture", type=Path, default=None, help="write regret curves of the first budget as SVG")
    parser.add_argument("--boot", type=int, default=2_000, help="bootstrap draws; 0 for none")
    asked = parser.parse_args(words)
    try:
        rows = read(asked.results)
    except BadResults as error:
        print(error, file=sys.stderr)
        return 2
    if not rows:
        print("the files hold no results yet", file=sys.stderr)
        return 2
    print(report(rows, boot=asked.boot))
    if asked.picture is not None:
        budget = min(row["budget"] for row in rows)
        asked.picture.write_text(picture(cells(rows, budget, "first")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
