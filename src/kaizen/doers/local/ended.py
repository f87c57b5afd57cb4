"""How a run's work ended, as whoever watched over it saw it."""

import msgspec


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a run's work ended, and what running it used."""

    ended: str
    """``exit``, ``timeout``, ``error`` (it never began) or ``guardian`` (the guardian itself was killed)."""
    status: int = 0
    """As ``os.wait`` gives it; on Windows the exit status."""
    seconds: float = 0.0
    cpu_seconds: float | None = None
    peak_memory: float | None = None
    """MiB; ``None`` where nobody measures it."""
    note: str = ""
