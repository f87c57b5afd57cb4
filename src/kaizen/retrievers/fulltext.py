"""Trials of one process by their words and code, in a SQLite file with a full-text index: disposable, never truth.

A question is recalled by its rarest words (BM25 over stems), by knobs and their values as words of their own, and by bands of
the diff's fingerprint; what is recalled is then compared one by one, as ``likeness.Sentences`` does it. So a question costs
about the same whether hundreds or a hundred thousand trials are remembered.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from zlib import crc32

from kaizen.veteran.likeness import SCALES, Scales, likeness, rarity
from kaizen.veteran.prints import alike, bands
from kaizen.veteran.retrieving import Asked, Match, Remembered, by_code
from kaizen.veteran.words import Bit, Knob, Words, parse, settled

_FORM: Final = 2  # counts up with any change of the tables, of the words' normal form, or of fingerprints
_RECALLED = 200  # trials that are compared with what is asked
_POSTINGS = 12_000  # places of words that are looked at; the rarest words come first
_BUSY = 0.25  # s to wait for another writer
_TABLES = (
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE trial (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, outcome TEXT NOT NULL, standard INTEGER NOT NULL,
        heard INTEGER NOT NULL, short TEXT NOT NULL, form INTEGER NOT NULL, tokens TEXT NOT NULL, body TEXT NOT NULL
    )""",
    "CREATE VIEW told AS SELECT id, key, outcome, standard, heard, body FROM trial",
    "CREATE INDEX trial_heard ON trial (short) WHERE heard = 1",
    "CREATE INDEX trial_lately ON trial (standard, outcome) WHERE heard = 1",
    "CREATE INDEX trial_form ON trial (form)",
    "CREATE TABLE term (word TEXT PRIMARY KEY, had INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE band (number INTEGER, trial INTEGER, PRIMARY KEY (number, trial)) WITHOUT ROWID",
    "CREATE TABLE knob (name TEXT PRIMARY KEY, stands TEXT NOT NULL) WITHOUT ROWID",
    """CREATE VIRTUAL TABLE found USING fts5(
        tokens, content = 'trial', content_rowid = 'id', tokenize = 'porter unicode61')""",
)
_BY_RANK = """SELECT told.* FROM (SELECT rowid AS place FROM found WHERE found MATCH ?
    ORDER BY bm25(found), rowid DESC LIMIT ?) JOIN told ON told.id = place"""
_AMONG = """SELECT told.* FROM found JOIN told ON told.id = found.rowid WHERE found MATCH ?
    AND told.outcome IN (SELECT value FROM json_each(?)) ORDER BY bm25(found), told.id DESC LIMIT ?"""
_BY_BAND = """SELECT * FROM told WHERE id IN (SELECT trial FROM band
    WHERE number IN (SELECT value FROM json_each(?)) ORDER BY trial DESC LIMIT ?)"""
_LATELY = """SELECT ifnull(latest + EXISTS (SELECT 1 FROM trial WHERE heard = 1 AND standard = latest AND outcome = 'kept'), 0)
    FROM (SELECT max(standard) AS latest FROM trial WHERE heard = 1)"""  # max(standard + kept), by two looks into the index

Row = tuple[Any, ...]


class Fulltext:
    """The trials of one process in a file; what cannot be read is not mended here, but made again by whoever fills it."""

    def __init__(
        self, path: Path, *, glossary: Mapping[str, str] | None = None, make: bool = False, patience: float = _BUSY
    ) -> None:
        """Open the file; with ``make``, one that is not there or of another form or glossary is begun anew.

        Without, the glossary is that of the file. ``patience`` is how many seconds other writers are waited for;
        ``:memory:`` is a file that is nowhere.

        Raises:
            OSError, ValueError: it is not there, or it is of another form.
        """
        self.path = path
        self._glossary = dict(glossary or {})
        self._patience = patience
        if make:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.is_file():
            raise FileNotFoundError(path)
        self._library = _library()
        self._db = self._connect()
        try:
            self._look(make=make)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Use the index in a ``with`` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def is_broken(self, error: Exception) -> bool:
        """Tell whether an error means that the file is damaged or no index: it must be begun anew."""
        lacking = isinstance(error, self._library.OperationalError) and "no such" in str(error)
        return lacking or type(error) is self._library.DatabaseError

    # ── telling ─────────────────────────────────────────────────────────────────────────────────────────────────────
    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write all that is told inside at once, or nothing of it."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("PRAGMA synchronous = OFF")  # what a power cut damages is made again
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(self._library.Error):
                self._db.execute("ROLLBACK")
            raise

    def tell(self, trials: Sequence[Remembered]) -> None:
        """Take in trials; one told again under the same key is updated, and what was only heard gives way to the ledger."""
        with self.writing():
            counts = Counter(self.fact("counts", {}))
            for trial in trials:
                if not trial.heard:
                    for id_, key, outcome, *_ in self._superseded(trial):
                        if key != trial.key:
                            counts[outcome] -= 1
                            self._remove(id_)
                old = self._db.execute("SELECT * FROM told WHERE key = ?", (trial.key,)).fetchone()
                if old is not None:
                    counts[old[2]] -= 1
                counts[trial.outcome] += 1
                self._put(trial, old)
            self.note("counts", {outcome: count for outcome, count in counts.items() if count})

    def note(self, name: str, value: Any) -> None:
        """Keep one fact of the process."""
        self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, json.dumps(value)))

    def fact(self, name: str, otherwise: Any = None) -> Any:
        """Return one fact of the process."""
        found = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return otherwise if found is None else json.loads(found[0])

    def lately(self) -> int:
        """Return the number of the standard that what was only heard leads to; 0 where nothing was."""
        return int(self._db.execute(_LATELY).fetchone()[0])

    def get(self, key: str) -> Remembered | None:
        """Return the trial of that key."""
        row = self._db.execute("SELECT * FROM told WHERE key = ?", (key,)).fetchone()
        return None if row is None else _trial(row)[0]

    def remove(self, key: str) -> None:
        """Forget the trial of that key, if there is one."""
        with self.writing():
            row = self._db.execute("SELECT id, outcome FROM trial WHERE key = ?", (key,)).fetchone()
            if row is not None:
                counts = Counter(self.fact("counts", {}))
                counts[row[1]] -= 1
                self.note("counts", {outcome: count for outcome, count in counts.items() if count})
                self._remove(row[0])

    def same(self, said: str) -> tuple[Remembered, ...]:
        """Return the trials whose sentence says the very same thing, oldest first."""
        words = self._settled(said)
        rows = self._db.execute(
            "SELECT * FROM told WHERE id IN (SELECT id FROM trial WHERE form = ?) ORDER BY id", (_form_of(words),)
        )
        return tuple(_trial(row)[0] for row in rows.fetchall())

    def _superseded(self, trial: Remembered) -> list[Row]:
        """Return what was only heard of a trial that the ledger tells of now."""
        short = trial.commit[:7]
        found: list[Row] = []
        if short:
            rows = self._db.execute(
                "SELECT * FROM told WHERE id IN (SELECT id FROM trial WHERE heard = 1 AND short = ?)", (short,)
            ).fetchall()
            for row in rows:
                told = _trial(row)[0].commit
                if told.startswith(trial.commit) or trial.commit.startswith(told):
                    found.append(row)
        return found

    def _put(self, trial: Remembered, old: Row | None) -> None:
        """Write a trial; one whose words are the same keeps its place and its words as they were settled."""
        before, words = _trial(old) if old is not None else (None, None)
        if old is not None and before is not None and words is not None:
            if (before.said, before.print) == (trial.said, trial.print):
                values = (
                    trial.outcome,
                    trial.standard,
                    int(trial.heard),
                    trial.commit[:7],
                    _body(trial, words),
                    old[0],
                )
                self._db.execute(
                    "UPDATE trial SET outcome = ?, standard = ?, heard = ?, short = ?, body = ? WHERE id = ?", values
                )
                self._stand(trial, words)
                return
            self._remove(old[0])
        words = self._settled(trial.said)
        if trial.failure:
            words = words._replace(failure=trial.failure)
        tokens = _tokens(words)
        made = self._db.execute(
            "INSERT INTO trial VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (None if old is None else old[0], trial.key, trial.outcome, trial.standard, int(trial.heard), trial.commit[:7],
             _form_of(words), " ".join(tokens), _body(trial, words)),
        ).lastrowid  # fmt: skip
        self._db.execute("INSERT INTO found (rowid, tokens) VALUES (?, ?)", (made, " ".join(tokens)))
        self._count(tokens, 1)
        if trial.print:
            self._db.executemany(
                "INSERT OR IGNORE INTO band VALUES (?, ?)", [(one, made) for one in bands(trial.print)]
            )
        self._stand(trial, words)

    def _remove(self, place: int) -> None:
        tokens, body = self._db.execute("SELECT tokens, body FROM trial WHERE id = ?", (place,)).fetchone()
        self._db.execute("INSERT INTO found (found, rowid, tokens) VALUES ('delete', ?, ?)", (place, tokens))
        self._count(tokens.split(), -1)
        pairs = [(one, place) for one in bands(json.loads(body)[1][4])]
        self._db.executemany("DELETE FROM band WHERE number = ? AND trial = ?", pairs)
        self._db.execute("DELETE FROM trial WHERE id = ?", (place,))

    def _count(self, tokens: Iterable[str], more: int) -> None:
        statement = "INSERT INTO term VALUES (?1, ?2) ON CONFLICT (word) DO UPDATE SET had = had + ?2"
        self._db.executemany(statement, [(token, more) for token in tokens])
        self.note("seen", self.fact("seen", 0) + more)

    def _settled(self, said: str) -> Words:
        words = parse(said, self._glossary)
        standing: dict[tuple[str, ...], Bit] = {}
        for knob in words.knobs:
            row = self._db.execute("SELECT stands FROM knob WHERE name = ?", (" ".join(knob.name),)).fetchone()
            if row is not None:
                standing[knob.name] = json.loads(row[0])
        return settled(words, standing)

    def _stand(self, trial: Remembered, words: Words) -> None:
        """Note where knobs stand after a trial, as ``history.walk`` does."""
        for knob in words.knobs:
            name = " ".join(knob.name)
            if trial.outcome in ("kept", "baseline") and knob.after is not None:
                self._db.execute("INSERT OR REPLACE INTO knob VALUES (?, ?)", (name, json.dumps(knob.after)))
            elif knob.before is not None:
                self._db.execute("INSERT OR IGNORE INTO knob VALUES (?, ?)", (name, json.dumps(knob.before)))

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def asked(self, said: str, print_: str = "") -> Asked:
        """Return what a sentence and a diff ask; a knob comes from where it stands."""
        return Asked(self._settled(said), print_)

    def nearest(
        self, asked: Asked, *, among: Sequence[str] = (), count: int = 3, scales: Scales = SCALES
    ) -> list[Match]:
        """Return the likest trials, likest first, the later one of equals; ``among`` limits what became of them."""
        recalled = {row[0]: _trial(row) for row in self._recalled(asked, among)}
        terms = {term for _, words in recalled.values() for term in words.terms} | set(asked.words.terms)
        had, seen = self._had(terms), self.fact("seen", 0)
        rare = {term: rarity(seen, had.get(term, 0)) for term in terms}
        found = []
        for place, (trial, words) in recalled.items():
            said, knob = likeness(asked.words, words, rare.__getitem__, scales)
            code = alike(asked.print, trial.print) if asked.print and trial.print else 0.0
            found.append((place, Match(trial, words, max(said, by_code(code, scales)), knob, code, place)))
        found.sort(key=lambda one: (-one[1].likeness, -one[0]))
        return [match for _, match in found if match.likeness > 0][:count]

    def _recalled(self, asked: Asked, among: Sequence[str]) -> list[Row]:
        rows: list[Row] = []
        tokens = self._rare(_tokens(asked.words))
        if tokens:
            query = " OR ".join(f'"{token}"' for token in tokens)
            if among:
                rows += self._db.execute(_AMONG, (query, json.dumps(list(among)), _RECALLED)).fetchall()
            else:
                rows += self._db.execute(_BY_RANK, (query, _RECALLED)).fetchall()
        if asked.print:
            rows += self._db.execute(_BY_BAND, (json.dumps(bands(asked.print)), _RECALLED)).fetchall()
        return [row for row in rows if not among or row[2] in among]

    def _rare(self, tokens: Sequence[str]) -> list[str]:
        """Return the rarest of the words that are known at all, as many as can be looked through quickly."""
        had = self._had(tokens)
        rare: list[str] = []
        places = 0
        for token in sorted(had, key=lambda token: had[token]):
            places += had[token]
            if rare and places > _POSTINGS:
                break
            rare.append(token)
        return rare

    def _had(self, terms: Iterable[str]) -> dict[str, int]:
        statement = "SELECT word, had FROM term WHERE had > 0 AND word IN (SELECT value FROM json_each(?))"
        return dict(self._db.execute(statement, (json.dumps(list(terms)),)).fetchall())

    # ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _connect(self) -> Any:
        return self._library.connect(str(self.path), isolation_level=None, timeout=self._patience)

    def _look(self, *, make: bool) -> None:
        known, wanted = self._form(), [_FORM, self._glossary]
        if make and known != wanted:
            self.begin_anew()
        elif known[:1] != wanted[:1]:
            raise ValueError(f"{self.path} must be an index of form {_FORM}; got {known[:1]}")
        else:
            self._glossary = known[1]

    def _form(self) -> list[Any]:
        """Return form and glossary of the file; empty ones where it is no index."""
        try:
            found = self.fact("form")
        except (self._library.DatabaseError, ValueError) as error:
            if isinstance(error, self._library.OperationalError) and "no such" not in str(error):
                raise  # busy, or not to be read: not ours to replace
            return []
        return found if isinstance(found, list) and len(found) == 2 else []

    def begin_anew(self) -> None:
        """Forget everything."""
        self.close()
        for path in (self.path, self.path.with_name(f"{self.path.name}-journal")):
            path.unlink(missing_ok=True)
        self._db = self._connect()
        with self.writing():
            for statement in _TABLES:
                self._db.execute(statement)
            self.note("form", [_FORM, self._glossary])


def _library() -> Any:
    """Return the SQLite at hand that has a full-text index."""
    try:
        return import_module("pysqlite3")
    except ImportError:
        return import_module("sqlite3")


def _tokens(words: Words) -> list[str]:
    """Return what a sentence is found by: its words, each knob with its direction, and each of its values."""
    found = dict.fromkeys(words.terms)
    for knob in words.knobs:
        name = " ".join(knob.name)
        found[f"k{crc32(f'{name}:{knob.direction}'.encode()):08x}0"] = None  # its last digit keeps stemming off
        if knob.after is not None:
            found[f"v{crc32(f'{name}={knob.after!r}'.encode()):08x}0"] = None
    return list(found)


def _form_of(words: Words) -> int:
    """Return a number that two sentences share if they say the very same thing."""
    told = (sorted(words.terms.items()), sorted(map(repr, words.knobs)), sorted(words.numbers))
    return crc32(repr(told).encode())


def _body(trial: Remembered, words: Words) -> str:
    told = [
        trial.said,
        words.knobs,
        dict(words.terms),
        sorted(words.numbers),
        words.files,
        words.symbols,
        words.failure,
    ]
    more = [trial.effect, trial.came, trial.grade, trial.commit, trial.print, trial.files, trial.failure, trial.at]
    return json.dumps([told, more], ensure_ascii=False, separators=(",", ":"))


def _trial(row: Row) -> tuple[Remembered, Words]:
    _, key, outcome, standard, heard, body = row
    told, (effect, came, grade, commit, print_, files, failure, at) = json.loads(body)
    said, knobs, terms, numbers, named, symbols, wrong = told
    words = Words(
        said, "", "", tuple(Knob(tuple(name), *rest) for name, *rest in knobs), terms, frozenset(numbers), tuple(named),
        tuple(symbols), wrong,
    )  # fmt: skip
    trial = Remembered(
        key, said, outcome, standard, effect=effect, came=came, grade=grade, commit=commit, print=print_, files=tuple(files),
        failure=failure, at=at, heard=bool(heard),
    )  # fmt: skip
    return trial, words
