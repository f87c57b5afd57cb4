"""An autopsy told: a summary in plain text, a document for programs, and a page that needs nothing but a browser."""

import importlib.metadata
import math
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from kaizen.autopsy import Autopsy, Stretch, TriedAgain, Warned
from kaizen.foreign import Row
from kaizen.reports.lines import WIDTH, count, fold_text

_PAIRS = 6  # of what was tried again, the summary lists so many
_LIST = 200  # rows of a list on the page
_SIZE = (832, 260)  # of the picture
_ANSWERS = {"failed_before": "failed before", "think_again": "think again", "go": "go"}


# ── in plain text ─────────────────────────────────────────────────────────────────────────────────────────────────────


def summary(found: Autopsy) -> str:
    """Return what was found in at most 100 columns."""
    parts = [
        headline(found),
        _tried_again(found),
        _luck(found),
        _why(found),
        _standard(found),
        _nod(found),
        _beside(found),
    ]
    return "\n".join(line for part in parts for line in part)


def together(found: Sequence[Autopsy]) -> list[str]:
    """Return what several logs come to in all."""
    trials, again, warned, lost = (
        sum(values)
        for values in zip(*((len(one.rows), len(one.tried_again), one.saved, one.lost) for one in found), strict=True)
    )
    hours = [one.saved * one.each for one in found if one.each is not None]
    took = f", {duration(math.fsum(hours))} where that is known" if hours else ""
    said = f"All {len(found)} logs: {count(trials, 'trial')}, {again} tried again after they had failed"
    price = f"at the price of {count(lost, 'keep')}" if lost else "and no keep lost"
    return fold_text(f"{said}; the nod would have warned of {warned}{took}, {price}")


def headline(found: Autopsy) -> list[str]:
    """Return the counts in a line or two."""
    counts = found.counts
    said = " · ".join(count(counts[name], name.rstrip("s")) if name in ("trials", "baselines") else f"{counts[name]} {name}"
                      for name in counts if counts[name] or name in ("trials", "kept", "rejected", "crashed"))  # fmt: skip
    way = (
        f"{found.metric}, {found.better} is better ({found.direction})"
        if found.metric and found.better
        else found.metric
    )
    if found.metric and not found.better:
        way = f"{found.metric}; which way is better is not known: {found.direction}"
    return [*fold_text(found.source), *fold_text(said, indent="  "), *(fold_text(way, indent="  ") if way else [])]


def _tried_again(found: Autopsy) -> list[str]:
    exact, near = _kinds(found.tried_again)
    lines = [
        "",
        *fold_text(
            f"Tried again after it had failed: {_share(exact, 'the same idea')}; "
            f"{_share(near, 'the same knob the same way, or nearly the same idea')}"
        ),
    ]
    shown = [*exact, *near][:_PAIRS]
    for one in sorted(shown, key=lambda one: one.place):
        again, prior = found.rows[one.place], found.rows[one.prior]
        after = "none kept since" if not one.since else f"{one.since} kept since"
        pair = f"{_cut(f'#{one.place + 1} {brief(again)}', 46):<46}  #{one.prior + 1} {_cut(brief(prior), 22):<22}"
        lines.append(f"  {pair}  {after}{', kept' if one.kept else ''}"[:WIDTH])
    more = len(found.tried_again) - len(shown)
    return [*lines, *([f"  and {more} more; --json and -o list them all"] if more > 0 else [])]


def _luck(found: Autopsy) -> list[str]:
    lines = ["", *fold_text(noise_words(found))]
    if found.noise.differ is not None and found.keeps:
        shown = f"{len(found.small)} of {count(len(found.keeps), 'keep')} gained less than that"
        said = f"{shown}, {len(found.doubtful)} less than twice that: they may be luck"
        lines += fold_text(said, indent="  ", first="  ")
        if found.doubtful and any(found.rows[keep.place].revision for keep in found.keeps):
            lines.append("  kaizen prove OLD..NEW -- COMMAND tells luck from a gain")
    worse = sum(keep.gain < 0 for keep in found.keeps)
    if worse:
        lines += fold_text(
            f"{count(worse, 'trial')} kept though {'it' if worse == 1 else 'they'} read worse than what stood",
            indent="  ",
            first="  ",
        )
    return lines


def noise_words(found: Autopsy) -> str:
    """Say what two readings of one thing differ by, and how that is known."""
    if found.noise.differ is None:
        return f"Noise: {found.noise.how}"
    return f"Noise: two readings of one thing differ by {found.noise.differ:.3g}: {found.noise.how}"


def _why(found: Autopsy) -> list[str]:
    lines: list[str] = []
    if found.failures:
        said = ", ".join(f"{name} {n}×" for name, n in found.failures[:6])
        lines += ["", *fold_text(f"Why it failed: {said}")]
    for one in found.stretches[:3]:
        lines += fold_text(stretch_words(one), indent="  ", first="  ")
    return lines


def stretch_words(one: Stretch) -> str:
    """Say how long nothing was kept, and what the reasons have in common."""
    named = [f"{name} ({n}×)" for name, n in one.failures] + [f"“{name}” is named {n}×" for name, n in one.names]
    common = f": {', '.join(named)}" if named else "; their reasons have nothing in common that words show"
    return f"#{one.first + 1} to #{one.last + 1}: {one.count} in a row in vain{common}"


def _standard(found: Autopsy) -> list[str]:
    if not found.decided:
        return []
    return ["", *fold_text(standard_words(found))]


def standard_words(found: Autopsy) -> str:
    """Say how often the standard was measured again."""
    times = len(found.remeasured)
    if not found.metric:
        return "Standard: this log has no numbers"
    if not times:
        reach = max(
            (b - a for a, b in zip(_keep_places(found), [*_keep_places(found)[1:], len(found.rows)], strict=True)),
            default=len(found.rows),
        )
        old = f"single readings were compared with one up to {count(reach, 'trial')} old"
        return f"Standard: never measured again; {old}, so drift cannot be told from gain"
    last = found.remeasured[-1]
    return f"Standard: measured again {times}×, the last time at #{last + 1} of {len(found.rows)}"


def _keep_places(found: Autopsy) -> list[int]:
    return [0, *(keep.place for keep in found.keeps)]


def _nod(found: Autopsy) -> list[str]:
    warned = found.saved
    if not found.decided:
        return []
    lost = f", at the price of {count(found.lost, 'keep')}" if found.lost else ", and no keep lost"
    lines = ["", *fold_text(f"The nod would have warned {warned}×: {spent(found, warned)}{lost if warned else ''}")]
    for one in found.nods:
        if one.trials:
            lines += fold_text(answer_words(one), indent="    ", first="  ")
    return lines


def answer_words(one: Warned) -> str:
    """Say what one answer was about, and how often such trials are kept."""
    return f"{_ANSWERS[one.answer]}: {count(one.trials, 'trial')}, {one.kept} kept (public logs would have foretold {one.foretold * one.trials:.1f})"


def spent(found: Autopsy, trials: int) -> str:
    """Say what so many trials cost."""
    share = f"{trials / len(found.rows):.0%} of all trials" if found.rows else "nothing"
    if found.each is None:
        return f"{share} ({found.cost}: --each tells it)"
    return f"{share}, {duration(trials * found.each)} ({found.cost})"


def duration(seconds: float) -> str:
    """Say a time as people do."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _beside(found: Autopsy) -> list[str]:
    lines = [line for note in found.notes for line in fold_text(f"Note: {note}")]
    if found.unread:
        lines += fold_text(f"Not read: {count(len(found.unread), 'row')}")
        lines += [line for one in found.unread[:5] for line in fold_text(str(one), indent="    ", first="  ")]
    return ["", *lines] if lines else []


def _kinds(tried: Sequence[TriedAgain]) -> tuple[list[TriedAgain], list[TriedAgain]]:
    return [one for one in tried if one.kind == "exact"], [one for one in tried if one.kind == "near"]


def _share(tried: Sequence[TriedAgain], what: str) -> str:
    kept = sum(one.kept for one in tried)
    return f"{what} {len(tried)}×{f' ({kept} kept)' if tried else ''}"


def brief(row: Row) -> str:
    """Return a trial's sentence, or its setting, in one line."""
    said = " ".join((row.words or str(row.setting) or row.revision or "?").split())
    return said if said.isprintable() else "".join(letter if letter.isprintable() else "�" for letter in said)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def as_document(found: Autopsy) -> dict[str, Any]:
    """Return it for programs: places are numbers of trials from 1, lines are the source's own."""
    rows = found.rows

    def named(place: int) -> dict[str, Any]:
        row = rows[place]
        return {"trial": place + 1, "line": row.line, "words": row.words, "reading": row.metrics.get(found.metric)}

    return {
        "source": found.source, "form": found.form, "metric": found.metric or None, "better": found.better, "direction": found.direction,
        **found.counts, "each": found.each, "cost": found.cost,
        "tried_again": [{"kind": one.kind, "trial": named(one.place), "failed": named(one.prior), "kept_since": one.since, "kept": one.kept,
                     "likeness": round(one.likeness, 3), "knob": one.knob or None} for one in found.tried_again],
        "noise": {"differ": found.noise.differ, "pairs": [[a + 1, b + 1] for a, b in found.noise.pairs], "how": found.noise.how},
        "keeps": [{**named(one.place), "gain": one.gain, "before": one.standing} for one in found.keeps],
        "keeps_below_noise": None if found.noise.differ is None else len(found.small),
        "keeps_below_twice_noise": None if found.noise.differ is None else len(found.doubtful),
        "stretches": [{"first": one.first + 1, "last": one.last + 1, "rejected": one.count, "failures": dict(one.failures), "named": dict(one.names)}
                      for one in found.stretches],
        "failures": dict(found.failures), "standard_measured_again": [place + 1 for place in found.remeasured],
        "nods": found.nods, "saved_trials": found.saved, "saved_seconds": None if found.each is None else found.saved * found.each,
        "lost_keeps": found.lost, "notes": found.notes, "unread": found.unread,
    }  # fmt: skip


# ── as a page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Mark(NamedTuple):
    """One trial in the picture."""

    x: float
    y: float
    shape: str
    said: str


def page(autopsies: Sequence[Autopsy]) -> str:
    """Tell autopsies as one HTML page: nothing in it runs, nothing is loaded, and the same logs give the same bytes."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kaizen.reports", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("autopsy.jinja")
    return template.render(
        logs=[_told(found) for found in autopsies], version=importlib.metadata.version("kaizen-engine"), limit=_LIST
    )


def _told(found: Autopsy) -> dict[str, Any]:
    exact, near = _kinds(found.tried_again)
    warned = found.saved
    small, doubtful = ({keep.place for keep in keeps} for keeps in (found.small, found.doubtful))
    return {
        "found": found, "counts": found.counts, "exact": exact, "near": near,
        "tried_again": sorted(found.tried_again, key=lambda one: (one.kind, one.place)),
        "noise": noise_words(found), "standard": standard_words(found), "stretches": [stretch_words(one) for one in found.stretches],
        "answers": [answer_words(one) for one in found.nods if one.trials], "spent": spent(found, warned), "brief": brief, "small": small,
        "doubtful": doubtful, "picture": _picture(found), "percent": f"{len(found.tried_again) / max(1, found.decided):.0%}",
    }  # fmt: skip


def _picture(found: Autopsy) -> dict[str, Any] | None:
    """Lay out every trial by number and reading; what lies far off is drawn at the edge."""
    read = [row.metrics[found.metric] for row in found.rows if found.metric in row.metrics and row.fault is None]
    if len(read) < 3:
        return None
    low, high = _range(read, found)
    width, height = _SIZE
    again = {one.place for one in found.tried_again}

    def x(place: int) -> float:
        return round(56 + (width - 64) * (place + 0.5) / len(found.rows), 1)

    def y(value: float) -> float:
        share = (min(high, max(low, value)) - low) / (high - low)
        return round(12 + (height - 44) * (1 - share), 1)

    marks: list[Mark] = []
    level: list[str] = []
    for place, row in enumerate(found.rows):
        value = row.metrics.get(found.metric)
        said = f"#{place + 1} {row.status or row.decision}: {brief(row)}"
        if row.fault is not None or value is None:
            marks.append(Mark(x(place), height - 20, "cross", said))
            continue
        kept = row.decision in ("kept", "baseline")
        shape = "disc" if kept else "triangle" if place in again else "ring"
        marks.append(Mark(x(place), y(value), shape, f"{said} ({value:g})"))
        if kept:
            level.append(f"H{x(place)}V{y(value)}" if level else f"M{x(place)} {y(value)}")
    if level:
        level.append(f"H{x(len(found.rows) - 1)}")
    ticks = [(y(at), f"{at:g}") for at in _ticks(low, high)]
    return {"width": width, "height": height, "marks": marks, "level": "".join(level), "ticks": ticks}


def _range(read: Sequence[float], found: Autopsy) -> tuple[float, float]:
    """Return what the picture spans: everything that was kept, and the middle of the rest."""
    kept = [
        row.metrics[found.metric]
        for row in found.rows
        if row.decision in ("kept", "baseline") and row.fault is None and found.metric in row.metrics
    ]
    cuts = statistics.quantiles(read, n=20)
    low, high = min([cuts[0], *kept]), max([cuts[-1], *kept])
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float) -> list[float]:
    step = 10 ** math.floor(math.log10(high - low))
    step = next(step * times for times in (0.1, 0.2, 0.5, 1, 2, 5) if (high - low) / (step * times) <= 6)
    first = math.ceil(low / step)
    return [float(f"{n * step:.12g}") for n in range(first, math.floor(high / step) + 1)]
