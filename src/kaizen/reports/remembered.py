"""What memory of other processes contributed, told: the runs that it asked for, what speaks for and against it, what it took."""

import math
from collections.abc import Sequence

import msgspec

from kaizen.explanation import Contribution
from kaizen.journal import Tried
from kaizen.plan import REMEMBERED
from kaizen.reports import Story
from kaizen.reports.budget import percent
from kaizen.reports.lines import count
from kaizen.setting import Numbers, Setting
from kaizen.trial import Spend

_ROWS = 20  # the latest that are shown

_STOOD = {
    "best": ("▲", "the best until then", "good"),
    "sound": ("●", "no worse than half of the others", ""),
    "wasted": ("▼", "wasted", "bad"),
    "fault": ("■", "no reading", "bad"),
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that memory asked for."""

    run: int
    """The first run of it."""
    setting: Setting
    source: str
    """The processes that it is remembered from."""
    believed: str
    """How far memory was believed then."""
    read: tuple[str, ...]
    """Each metric's first reading."""
    sign: str
    stood: str
    tone: str
    spend: Spend
    """Of all its runs that memory had asked for."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it."""

    lead: str
    rows: tuple[Row, ...]
    left: int
    """Earlier settings that are not shown."""


def told(story: Story) -> Told | None:
    """Tell what memory contributed; ``None`` where it asked for nothing, or nobody looked."""
    known = story.explanation.contribution if story.explanation is not None else None
    if known is None:
        return None
    runs = [run for run in story.runs if run.because.startswith(REMEMBERED) and not run.source]
    by_setting: dict[Setting, list[Tried]] = {}
    for run in runs:
        by_setting.setdefault(run.setting, []).append(run)
    rows = [_row(by_setting[one.setting], one.stood) for one in known.asked if one.setting in by_setting]
    return Told(lead=_lead(known, story, _sum(runs)), rows=tuple(rows[-_ROWS:]), left=len(rows[:-_ROWS]))


def _lead(known: Contribution, story: Story, spend: Spend) -> str:
    """Say what speaks for memory, what against it, and what it spent."""
    best = sum(one.stood == "best" for one in known.asked)
    said = f"Memory asked for {count(len(known.asked), 'setting')}, {best} of them the best until then; of {known.others} that "
    said += f"it did not ask for, {known.others_best} {'was' if known.others_best == 1 else 'were'}. "
    said += f"Against it count {known.wasted:g} of the {known.allowed:.3g} wasted settings that it may cost. "
    share = spend.runs / story.head.spent.runs if story.head.spent.runs else 0.0
    took = str(spend) if spend.seconds or spend.money else count(spend.runs, "run")
    return f"{said}It spent {took}: {percent(share)} of all runs."


def _row(runs: Sequence[Tried], stood: str) -> Row:
    first = runs[0]
    sign, words, tone = _STOOD[stood]
    because, _, believed = first.because.rpartition(" (")
    return Row(
        run=first.id, setting=first.setting, source=because.removeprefix(REMEMBERED).partition(":")[0],
        believed=believed.removesuffix(")").partition(" that ")[0],
        read=tuple(f"{name} {value:.6g}" for name, value in (first.values or Numbers()).items()) or (str(first.outcome),),
        sign=sign, stood=words, tone=tone, spend=_sum(runs),
    )  # fmt: skip


def _sum(runs: Sequence[Tried]) -> Spend:
    return Spend(
        runs=sum(run.spend.runs for run in runs), seconds=math.fsum(run.spend.seconds for run in runs),
        money=math.fsum(run.spend.money for run in runs),
    )  # fmt: skip
