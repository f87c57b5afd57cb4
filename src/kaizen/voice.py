"""What people say to the wheel: a customer's word, an elder's, a pull of the andon cord."""

import msgspec

from kaizen.setting import Setting


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's word about the process or its product."""

    text: str
    by: str
    theme: str = ""
    standard: int | None = None
    """The standard in force when it was said."""


class Testimony(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody knows without data: a belief with a name, until data say otherwise."""

    id: int
    text: str
    by: str
    at: int
    """When it was given, in µs since 1970."""
    confidence: float | None = None
    """The chance that it is right, as the person sees it."""
    that: str = ""
    """What a setting should keep, as a constraint; where it does not, worse readings or faults are expected."""
    near: Setting = Setting()
    """Values near which good settings are expected."""


class Andon(msgspec.Struct, frozen=True, kw_only=True):
    """The stop cord, pulled: nothing new is handed out until somebody clears it by name."""

    because: str
    by: str

    def __str__(self) -> str:
        """Return ``andon pulled by ana: it smells burnt``."""
        return f"andon pulled by {self.by}: {self.because}"
