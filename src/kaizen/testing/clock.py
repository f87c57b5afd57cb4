"""A clock that stands still until it is moved: leases run out, drifts go by and no test sleeps."""


class VirtualClock:
    """One time for all: µs since 1970 for records, seconds for leases."""

    def __init__(self, start: int = 1_767_225_600_000_000) -> None:
        """Begin at ``start``, in µs since 1970 (2026 by default)."""
        self._start = start
        self._elapsed = 0.0

    def wall(self) -> int:
        """Return µs since 1970, for a ledger's ``clock``."""
        return self._start + round(self._elapsed * 1e6)

    def monotonic(self) -> float:
        """Return seconds since the beginning, for a ledger's ``monotonic``."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let so many seconds go by.

        Raises:
            ValueError: time does not go back.
        """
        if not seconds >= 0:
            raise ValueError(f"seconds must be zero or more; got {seconds}")
        self._elapsed += seconds
