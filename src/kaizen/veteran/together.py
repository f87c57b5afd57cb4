"""A nod on words and a nod on values, in one form; where there are both, the one that says more speaks."""

from typing import Final, get_args

import msgspec

from kaizen.errors import Malformed
from kaizen.trial import Spend
from kaizen.verdict import Odds
from kaizen.veteran.nod import Answer, Nod
from kaizen.veteran.precedent import Precedent
from kaizen.veteran.retrieving import Facts
from kaizen.veteran.wording import Told, Worded, differences, happened

_SAYS: Final = ("go", "worked_before", "think_again", "failed_before", "in_flight")
_NAMED = 3
_UNLIKELY = 0.3  # odds below which it is said how they are known


def as_nod(worded: Worded, facts: Facts, process: str) -> Nod:
    """Return the answer on words as a nod like any other."""
    answer = next((one for one in get_args(Answer) if one == worded.answer), None)
    if answer is None:
        raise Malformed(f"an answer must be one of {', '.join(get_args(Answer))}; got {worded.answer!r}")
    warned = worded.answer in ("think_again", "failed_before")
    known = (
        f"{worded.because}; {worded.basis}"
        if warned or (worded.odds < _UNLIKELY and worded.precedents)
        else worded.because
    )
    return Nod(
        answer=answer,
        because=known,
        precedents=tuple(_precedent(one, facts, process) for one in worded.precedents),
        spend=Spend(runs=facts.runs, seconds=facts.seconds, money=facts.money),
        odds=Odds(better=worded.odds, faults=worded.faults),
        grade=worded.precedents[0].grade if worded.precedents else "",
        changes_my_mind=_changes(worded, facts) if warned else (),
    )


def both(values: Nod, words: Nod) -> Nod:
    """Return the one that says more, with what the other remembers behind its own precedents."""
    first, second = (words, values) if _SAYS.index(words.answer) > _SAYS.index(values.answer) else (values, words)
    named = list(first.precedents)
    known = {(one.trial, one.run) for one in named}
    named += [one for one in second.precedents if (one.trial, one.run) not in known]
    return msgspec.structs.replace(
        first,
        precedents=tuple(named[:_NAMED]),
        spend=values.spend,
        nods=values.nods,
        exceptions=(*first.exceptions, *second.exceptions),
        harm=first.harm or second.harm,
    )


def _precedent(told: Told, facts: Facts, process: str) -> Precedent:
    kind, _, number = told.trial.key.partition(" ")
    named = int(number) if number.isdigit() else None
    return Precedent(
        process=process, said=happened(told, facts), grade=told.grade, distance=round(1.0 - told.match.likeness, 3),
        trial=named if kind == "trial" else None, run=named if kind == "run" else None, differs=differences(told),
        then=told.trial.standard, now=facts.standard,
    )  # fmt: skip


def _changes(worded: Worded, facts: Facts) -> tuple[str, ...]:
    """Say what would make a warning another answer."""
    said = [f"another standard than {facts.standard}: a failure speaks of the standard it was compared with"]
    if any(isinstance(knob.after, float) for one in worded.precedents for knob in one.match.words.knobs):
        said.append("a shorter step: a failure says nothing of half the way")
    return tuple(said)
