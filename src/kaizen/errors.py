"""Everything Kaizen raises, split by what the caller should do.

    KaizenError                     one sentence (what must be what; got what) and a hint (how to mend it)
    ├── Mistake                     fix what you gave; exit status 2
    │   ├── Undeclared              a name nobody declared
    │   ├── OutOfRange              a value outside what was declared
    │   ├── Malformed               a recipe, expression or file that cannot be read
    │   ├── Clash                   the same key, name or number with other content
    │   ├── Unexplained             a reason that the policy asks for, where the veteran warns
    │   └── Newer                   a ledger written by a later version
    ├── OutOfTurn                   wait, or do the step that comes first; exit status 2
    ├── Contested                   someone moved first: look again and retry; exit status 2
    ├── Stuck                       the machine refuses (disk full, read-only, no such command); exit status 2
    └── Damaged                     the ledger does not add up; exit status 1

A run that fails is none of these: it is a ``Fault``, a value (see ``kaizen.trial``).
"""


class KaizenError(Exception):
    """Something went wrong in Kaizen."""

    exit_status = 1

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        """Say ``message`` (one sentence) and keep ``hint`` (how to mend it)."""
        self.message = message or (type(self).__doc__ or "").strip()
        self.hint = hint
        super().__init__(self.message)

    def __str__(self) -> str:
        """Return the sentence and, behind it, the hint."""
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class Mistake(KaizenError, ValueError):
    """What was given cannot be right."""

    exit_status = 2


class Undeclared(Mistake):
    """A name that nobody declared."""

    @classmethod
    def numbered(cls, what: str, *, last: int, got: object) -> "Undeclared":
        """Say that there is no ``what`` of the number got; they go from 1 to ``last``."""
        there = f"one of 1 to {last}" if last else "one that there is, and there is none yet"
        return cls(f"{what} must be {there}; got {got}")


class OutOfRange(Mistake):
    """A value outside what was declared."""


class Malformed(Mistake):
    """Text that cannot be read as what it should be."""


class Clash(Mistake):
    """The same key with other content."""


class Unexplained(Mistake):
    """A reason that the policy asks for and nobody gave."""


class Newer(Mistake):
    """The ledger was written by a later version of Kaizen."""


class OutOfTurn(KaizenError):
    """It is not this step's turn."""

    exit_status = 2


class Contested(KaizenError):
    """Someone else moved first."""

    exit_status = 2


class Stuck(KaizenError):
    """The machine refuses."""

    exit_status = 2


class Damaged(KaizenError):
    """The ledger does not add up."""

    exit_status = 1
