"""Make the golden ledger of a release: every kind of entry, by fixed clocks.

    python -m tests.golden.make 0.1.0

Run it before a release, never after: a released golden ledger stays as it is, for ever.
"""

import sys
import tempfile
from pathlib import Path

from kaizen.ledger import Asked
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.testing.ledgers import Clocks, scout, tell_story

HERE = Path(__file__).parent


def make(release: str) -> Path:
    """Write ``RELEASE.db``; return its path."""
    path = HERE / f"{release}.db"
    path.unlink(missing_ok=True)
    clocks = Clocks()
    with (
        tempfile.TemporaryDirectory() as place,
        SqliteLedger(Path(place) / "ledger.db", clock=clocks.at, monotonic=clocks.monotonic) as ledger,
    ):
        tell_story(ledger)
        asked = Asked(runs=(scout(3, heat=250.0, attempt=1, by="w2"),), lease=60.0, holder="host:2")
        ledger.append("loaf", [asked], by="w2", key="the key", request="the request")
        ledger.backup(path)
    return path


if __name__ == "__main__":
    print(make(*sys.argv[1:]))  # noqa: T201 - a script
