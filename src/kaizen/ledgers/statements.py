"""The tables of a SQLite ledger, and every statement ever run on them (docs/ledger.md explains them)."""

from typing import Final

APPLICATION: Final = 0x4B41495A
"""``KAIZ``: tells a ledger from any other SQLite file."""
SCHEMA: Final = 1
"""What ``PRAGMA user_version`` says; it rises with any change below."""

ENTRIES: Final = (
    """CREATE TABLE entry (
        seq INTEGER PRIMARY KEY,
        process TEXT NOT NULL,
        at INTEGER NOT NULL,
        "by" TEXT NOT NULL,
        kind TEXT NOT NULL,
        schema INTEGER NOT NULL,
        body TEXT NOT NULL CHECK (json_valid(body)),
        "key" TEXT NOT NULL,
        request TEXT NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT""",
    "CREATE INDEX entry_of ON entry (process)",
    """CREATE INDEX entry_key ON entry (process, "key") WHERE "key" <> ''""",
    """CREATE TRIGGER entry_never_changes BEFORE UPDATE ON entry
        BEGIN SELECT raise(ABORT, 'an entry never changes'); END""",
    """CREATE TRIGGER entry_never_goes BEFORE DELETE ON entry
        BEGIN SELECT raise(ABORT, 'an entry is never removed'); END""",
    """CREATE TRIGGER entry_in_order BEFORE INSERT ON entry
        WHEN new.seq IS NOT (SELECT ifnull(max(seq), 0) + 1 FROM entry)
        BEGIN SELECT raise(ABORT, 'an entry comes behind the last'); END""",
)
"""The truth: appended to, and never changed."""

MODELS: Final = (
    """CREATE TABLE process (
        name TEXT PRIMARY KEY, born INTEGER NOT NULL, body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE head (
        process TEXT PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE run (
        seq INTEGER PRIMARY KEY, process TEXT NOT NULL, id INTEGER NOT NULL, fingerprint TEXT NOT NULL,
        trial INTEGER, "of" INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (process, id)
    ) STRICT""",
    "CREATE INDEX run_in_order ON run (process)",
    "CREATE INDEX run_fingerprint ON run (process, fingerprint)",
    "CREATE INDEX run_trial ON run (process, trial) WHERE trial IS NOT NULL",
    """CREATE INDEX run_standard ON run (process, "of")""",
    """CREATE TABLE trial (
        process TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (process, id)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE standard (
        process TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (process, id)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE lesson (
        process TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (process, id)
    ) STRICT, WITHOUT ROWID""",
)
"""What follows from the entries: can be dropped and built again at any time."""

MODEL_TABLES: Final = ("process", "head", "run", "trial", "standard", "lesson")
IN_ORDER: Final = {
    "process": "SELECT * FROM process ORDER BY name",
    "head": "SELECT * FROM head ORDER BY process",
    "run": "SELECT * FROM run ORDER BY seq",
    "trial": "SELECT * FROM trial ORDER BY process, id",
    "standard": "SELECT * FROM standard ORDER BY process, id",
    "lesson": "SELECT * FROM lesson ORDER BY process, id",
}
"""Each read model row by row, to be compared with what it should be."""

LEASES: Final = """CREATE TABLE lease (
    process TEXT NOT NULL, run INTEGER NOT NULL, attempt INTEGER NOT NULL, holder TEXT NOT NULL,
    lease REAL, deadline REAL, boot TEXT NOT NULL, PRIMARY KEY (process, run)
) STRICT, WITHOUT ROWID"""
"""Who holds which run: ``deadline`` is on the monotonic clock of the boot that wrote it."""

# ── entries ───────────────────────────────────────────────────────────────────────────────────────────────────────────
LAST = "SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1"
APPEND = "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ANSWERED = """SELECT request FROM entry WHERE process = ? AND "key" = ? AND "key" <> '' ORDER BY seq LIMIT 1"""
ANSWER = """SELECT seq, process, at, "by", kind, schema, body, "key" FROM entry
    WHERE process = ? AND "key" = ? AND "key" <> '' ORDER BY seq"""
READ = """SELECT seq, process, at, "by", kind, schema, body, "key" FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"""
READ_OF = """SELECT seq, process, at, "by", kind, schema, body, "key" FROM entry
    WHERE process = ? AND seq > ? ORDER BY seq LIMIT ?"""
EVERYTHING = "SELECT * FROM entry ORDER BY seq"

# ── read models ───────────────────────────────────────────────────────────────────────────────────────────────────────
PROCESSES = "SELECT name FROM process ORDER BY born"
DESCRIBE = """INSERT INTO process VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body"""
HEAD_SEQ = "SELECT seq FROM head WHERE process = ?"
HEAD = "SELECT head.seq, process.body, head.state FROM head JOIN process ON name = process WHERE process = ?"
WRITE_HEAD = "INSERT OR REPLACE INTO head VALUES (?, ?, ?)"
WRITE_RUN = "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?)"
WRITE_ROW = {
    "trial": "INSERT OR REPLACE INTO trial VALUES (?, ?, ?)",
    "standard": "INSERT OR REPLACE INTO standard VALUES (?, ?, ?)",
    "lesson": "INSERT OR REPLACE INTO lesson VALUES (?, ?, ?)",
}
ROW = {
    "run": "SELECT body FROM run WHERE process = ? AND id = ?",
    "trial": "SELECT body FROM trial WHERE process = ? AND id = ?",
    "standard": "SELECT body FROM standard WHERE process = ? AND id = ?",
    "lesson": "SELECT body FROM lesson WHERE process = ? AND id = ?",
}
ROWS = {
    "trial": "SELECT body FROM trial WHERE process = ? ORDER BY id",
    "standard": "SELECT body FROM standard WHERE process = ? ORDER BY id",
    "lesson": "SELECT body FROM lesson WHERE process = ? ORDER BY id",
}
RUNS = "SELECT body FROM run WHERE process = ? AND seq > ?"
OF_NUMBER = " AND id = ?"
OF_FINGERPRINT = " AND fingerprint = ?"
OF_TRIAL = " AND trial = ?"
OF_STANDARD = """ AND "of" = ?"""
OLDEST_FIRST = " ORDER BY seq"
FIRST = " ORDER BY seq LIMIT ?"
LATEST_FIRST = " ORDER BY seq DESC LIMIT ?"

# ── leases ────────────────────────────────────────────────────────────────────────────────────────────────────────────
HOLD = "INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?, ?, ?, ?)"
RELEASE = "DELETE FROM lease WHERE process = ? AND run = ?"
HOLDS = "SELECT run, attempt, holder, deadline, boot FROM lease WHERE process = ? ORDER BY run"
ALL_HOLDS = "SELECT process, run, attempt, holder, lease, deadline, boot FROM lease ORDER BY process, run"
RENEW = """UPDATE lease SET lease = ?, deadline = ?, boot = ?
    WHERE process = ? AND holder = ? AND deadline IS NOT NULL"""
GIVE_UP = "UPDATE lease SET lease = 0.0, deadline = ?, boot = ? WHERE process = ? AND holder = ?"
