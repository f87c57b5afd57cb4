"""Where there is no fork (Windows): a command as a plain subprocess.

It has no guardian: a limit kills the command itself and not what it started, memory is not limited, and neither CPU
seconds nor peak memory are measured. Functions are refused.
"""

import subprocess
import time
from pathlib import Path
from typing import BinaryIO

from kaizen.doers.local.ended import Ended


class Bare:
    """A command that runs without a guardian."""

    def __init__(
        self,
        command: str,
        *,
        directory: Path,
        environment: dict[str, str],
        within: float | None,
        out: BinaryIO,
        err: BinaryIO,
    ) -> None:
        """Start it."""
        self.within = within
        self.began = time.monotonic()
        self.note = ""
        self.process: subprocess.Popen[bytes] | None = None
        try:
            self.process = subprocess.Popen(  # noqa: S602 - it is the user's command; no value is ever put into it
                command,
                shell=True,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        except OSError as error:
            self.note = f"the command could not be started: {error}"

    def poll(self) -> Ended | None:
        """Return how it ended, or ``None`` while it runs."""
        if self.process is None:
            return Ended(ended="error", note=self.note)
        status = self.process.poll()
        seconds = time.monotonic() - self.began
        if status is not None:
            return Ended(ended="exit", status=status, seconds=seconds)
        if self.within is not None and seconds > self.within:
            self.kill()
            return Ended(ended="timeout", seconds=seconds)
        return None

    def let_go(self) -> None:
        """Kill the command itself, and do not wait for it."""
        if self.process is not None:
            self.process.kill()

    def kill(self) -> None:
        """Kill the command itself."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
