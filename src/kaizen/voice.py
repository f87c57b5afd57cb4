"""What people say to the wheel: a customer's word, a pull of the andon cord."""

import msgspec


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's word about the process or its product."""

    text: str
    by: str
    theme: str = ""
    standard: int | None = None
    """The standard in force when it was said."""


class Andon(msgspec.Struct, frozen=True, kw_only=True):
    """The stop cord, pulled: nothing new is handed out until somebody clears it by name."""

    because: str
    by: str

    def __str__(self) -> str:
        """Return ``andon pulled by ana: it smells burnt``."""
        return f"andon pulled by {self.by}: {self.because}"
