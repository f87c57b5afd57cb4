"""Checking at the door what people teach: a region of this process, and how sure they are."""

from collections.abc import Mapping
from typing import Any

from kaizen.constraint import check_names, holds
from kaizen.errors import Malformed, OutOfRange
from kaizen.journal import Head
from kaizen.ledger import Taught
from kaizen.process import Process
from kaizen.setting import Setting, plain_number


def taught(
    head: Head, text: str, *, that: str = "", near: Mapping[str, Any] | None = None, confidence: float | None = None
) -> Taught:
    """Return the entry of somebody's testimony.

    Raises:
        Malformed: no words, both a constraint and values, or an expression that is none.
        Undeclared: a name that is no parameter.
        OutOfRange: a value out of range, or a confidence that is not between 0 and 1.
    """
    if not text.strip():
        raise Malformed("a testimony must be told in words; got none", hint='"never above 200: it burns"')
    if that and near:
        raise Malformed(
            f"a testimony must speak of one region; got that {that!r} and near {dict(near)}", hint="teach it twice"
        )
    if confidence is not None and (plain_number(confidence) is None or not 0 < confidence < 1):
        raise OutOfRange(
            f"a confidence must be above 0 and below 1; got {confidence!r}", hint="0.9 is nine times in ten"
        )
    if that:
        _check_that(head, that)
    return Taught(text=text.strip(), confidence=confidence, that=that.strip(), near=_near(head.process, near or {}))


def _check_that(head: Head, that: str) -> None:
    """Refuse an expression over other names, or one that today's standard cannot be put into."""
    check_names(that, frozenset(parameter.name for parameter in head.process.parameters))
    holds(that, head.standard.setting)


def _near(process: Process, near: Mapping[str, Any]) -> Setting:
    return Setting({name: process.parameter(name).check(value) for name, value in near.items()})
