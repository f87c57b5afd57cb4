"""What is remembered that is like an increment, in words."""

import msgspec


class Precedent(msgspec.Struct, frozen=True, kw_only=True):
    """One trial or run that is like the increment, and what differs."""

    process: str
    said: str
    grade: str
    """``replicated``, ``one run``, ``within noise`` (not a failure), ``reopened`` or ``invalid`` (neither counts)."""
    distance: float
    """Between the two settings; 0.1 is a tenth of one parameter's range."""
    trial: int | None = None
    run: int | None = None
    differs: tuple[str, ...] = ()
    then: int
    """The standard it was compared with."""
    now: int
    """Today's."""

    def __str__(self) -> str:
        """Return what happened, the grade of that, and what differs."""
        return f"{self.said} ({'; '.join((self.grade, *self.differs))})"
