"""What a loop kept without proof, and how likely luck alone is to have done it.

A keep stands in the ledger as a declared standard, or in the log that the loop wrote; either way it is a commit that
replaced another. What it claims is one reading against one other:

    z = g / D                  g its gain, D what two readings of one thing differ by (``autopsy``, eq. 2)
    p = 1 - Φ(z)               the chance that a change which does nothing gains as much                                     (1)

Where the log cannot tell D, the middle one of its claims stands in for it: then p is no chance, but still puts the small
claims first. Where a keep claims nothing in numbers, p is one half.
"""

import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from kaizen.autopsy import Noise, autopsy
from kaizen.foreign import Foreign, Row
from kaizen.foreign.describing import stand_in
from kaizen.foreign.statuses import decided
from kaizen.journal import Tried
from kaizen.parameter import Revision
from kaizen.setting import Numbers, Setting, Value
from kaizen.standard import Standard
from kaizen.trial import Fault
from kaizen.workshop.looking import Looking

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_EVEN = 0.5
_NAMELESS = ("", "-", "–", "?", "n/a", "none", "0000000")
"""What loops write in the place of a commit."""


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """One change that a loop kept without proof."""

    where: str
    """``standard 3``, or ``line 7``."""
    commit: str
    """As it is written there."""
    before: str
    """The one that it replaced."""
    words: str
    claimed: str = ""
    """What it gained, in words: ``val_bpb -0.0003``."""
    gain: float | None = None
    """The same as a number, above 0 for better."""
    share: float = math.inf
    """Its size beside the reading before."""
    times: float | None = None
    """Its gain in units of noise: z of eq. 1."""
    by_noise: bool = True
    """Whether that unit is noise; else it is the middle claim of the log."""

    @property
    def luck(self) -> float:
        """The chance that a change which does nothing gains as much (eq. 1), as far as noise is known."""
        return _EVEN if self.times is None else 0.5 * math.erfc(self.times / math.sqrt(2.0))


class Keeps(msgspec.Struct, frozen=True, kw_only=True):
    """All keeps of one source, in the order in which they were kept."""

    source: str
    keeps: tuple[Keep, ...]
    noise: str
    """How noise is known, or that it is not."""
    nothing: str = ""
    """Why there is none."""


def keeps_of(bench: Looking) -> Keeps:
    """Return the declared standards of a process that changed its code, and nothing else."""
    code = next((one.name for one in bench.process.parameters if isinstance(one, Revision)), "")
    standards = bench.standards
    rows = [run for run in bench.runs if run.source]
    made = list(_changes_of_code(standards, code)) if code else []
    kept = {standard.setting for standard, _ in made}
    metric = bench.process.metrics[0]
    foreign = Foreign(
        form="a process", source=bench.name, metric=metric.name, better=metric.better,
        rows=tuple(_row(run, kept, standards[0].setting) for run in rows),
    )  # fmt: skip
    places = {run.setting: place for place, run in reversed(list(enumerate(rows)))}
    keys = [run.source.rpartition("#")[2] for run in rows]
    nameless = {stand_in(key, word) for key in keys for word in _NAMELESS}
    found = [
        (places.get(standard.setting), Keep(
            where=f"standard {standard.number}", words=standard.because,
            commit="" if standard.setting[code] in nameless else str(standard.setting[code]),
            before="" if before in nameless else str(before)))
        for standard, before in made
    ]  # fmt: skip
    nothing = "its code is no parameter" if not code else "none of its standards is a commit kept without proof"
    return _claimed(foreign, found, nothing)


def _changes_of_code(standards: Sequence[Standard], code: str) -> Iterator[tuple[Standard, Value]]:
    """Yield what was declared with another commit than the standard before, each commit once: a rollback keeps nothing."""
    by_number = {standard.number: standard for standard in standards}
    seen = {standards[0].setting[code]} if code in standards[0].setting else set()
    for standard in standards:
        before = by_number.get(standard.of or 0)
        if (
            standard.evidence != "declared"
            or before is None
            or code not in standard.setting
            or code not in before.setting
        ):
            continue
        others = [{name: value for name, value in one.setting.items() if name != code} for one in (before, standard)]
        if others[0] == others[1] and standard.setting[code] not in seen:
            yield standard, before.setting[code]
        seen.add(standard.setting[code])


def _row(run: Tried, kept: AbstractSet[Setting], first: Setting) -> Row:
    words = run.conditions.get("words", "")
    told = decided(run.conditions.get("decision", ""), words).decision
    decision = "kept" if run.setting in kept else "baseline" if run.setting == first or told == "kept" else told
    fault = run.outcome if isinstance(run.outcome, Fault) else None
    return Row(line=run.id, words=words, decision=decision, metrics=Numbers(run.values or {}), fault=fault)


def keeps_in(foreign: Foreign) -> Keeps:
    """Return what a log kept, commit by commit: what importing it would declare."""
    found: list[tuple[int | None, Keep]] = []
    standing: Row | None = None
    for place, row in enumerate(foreign.rows):
        if row.fault is not None or (foreign.metric and foreign.metric not in row.metrics):
            continue
        if standing is not None and row.decision == "kept":
            found.append((place, Keep(
                where=f"line {row.line}", commit=row.revision.lower(), before=standing.revision.lower(), words=row.words
            )))  # fmt: skip
        if standing is None or row.decision == "kept":
            standing = row
    return _claimed(foreign, found, "it kept nothing but what it began with")


def named(commit: str) -> bool:
    """Tell whether a word may be a commit."""
    return bool(_COMMIT.fullmatch(commit)) and bool(commit.strip("0"))


def _claimed(foreign: Foreign, found: Sequence[tuple[int | None, Keep]], nothing: str) -> Keeps:
    """Add to each keep what it claims, beside the noise of its log."""
    if not found:
        return Keeps(source=foreign.source, keeps=(), noise="", nothing=nothing)
    known = autopsy(foreign)
    claims: Mapping[int, tuple[float, float]] = {one.place: (one.gain, one.standing) for one in known.keeps}
    sizes = [abs(claims[place][0]) for place, _ in found if place is not None and place in claims]
    unit = known.noise.differ or (statistics.median(sizes) if sizes else 0.0)
    made = []
    for place, keep in found:
        if place is None or place not in claims:
            made.append(keep)
            continue
        gain, standing = claims[place]
        change = (gain if known.better == "higher" else -gain) + 0.0
        made.append(
            msgspec.structs.replace(
                keep,
                claimed=f"{foreign.metric} {change:+.4g}",
                gain=gain,
                share=gain / abs(standing) if standing else math.inf,
                times=gain / unit if unit else None,
                by_noise=known.noise.differ is not None,
            )
        )
    return Keeps(source=foreign.source, keeps=tuple(made), noise=_noise(known.noise))


def _noise(noise: Noise) -> str:
    if noise.differ is None:
        return f"noise {noise.how}; so claims are held against the middle one of them, for the order alone"
    return f"two readings of one thing differ by {noise.differ:.3g}: {noise.how}"
