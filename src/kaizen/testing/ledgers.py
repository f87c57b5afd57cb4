"""The contract of every ledger, as tests to inherit.

    class TestMine(LedgerContract):
        def make_ledger(self, place, clock, monotonic):
            return MyLedger(place / "ledger.db", clock=clock, monotonic=monotonic)

``place`` is an empty directory of the test's own; making a ledger there again opens the same one.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Barrier, Thread
from typing import Any, Protocol

import msgspec
import pytest

from kaizen.errors import Clash, Contested, Damaged, KaizenError, Malformed
from kaizen.folding import fold, rows
from kaizen.journal import Head, Kept, Memory, Row, Tested, Tried
from kaizen.ledger import (
    Adopted,
    Advised,
    Amended,
    Asked,
    Cleared,
    Consented,
    Corrected,
    Described,
    Entry,
    Faulted,
    Judged,
    Late,
    Learned,
    Lease,
    Leases,
    Ledger,
    Opened,
    Proposed,
    Pulled,
    Record,
    Refused,
    Reported,
    Retracted,
    RolledBack,
    Scouted,
    Taught,
    Told,
    Turns,
    Voiced,
)  # fmt: skip
from kaizen.metric import Guard, higher, lower
from kaizen.parameter import Choice, Real, Switch, When, Whole
from kaizen.process import Policy, Process, Shell, check_process
from kaizen.setting import Numbers, Setting, Texts
from kaizen.standard import Increment, Standard
from kaizen.trial import Design, Fault, Outcome, Reading, Run, Spend, Trial
from kaizen.verdict import Effect, Lesson, Odds, Stopped, Verdict
from kaizen.voice import Andon, Voice


class Clocks:
    """A wall clock (µs) and a monotonic clock (s) that stand still until they are moved."""

    def __init__(self) -> None:
        """Begin on 2026-01-01."""
        self.now = 1_767_225_600_000_000
        self.elapsed = 1_000.0

    def at(self) -> int:
        """Return µs since 1970; each look is one later, so that the order of looks shows."""
        self.now += 1
        return self.now

    def monotonic(self) -> float:
        """Return seconds since boot."""
        return self.elapsed


class AnyLedger(Ledger, Turns, Leases, Memory, Protocol):
    """All four ports in one."""


# ── a process, and its story with every kind of entry ─────────────────────────────────────────────────────────────────
def sample(name: str = "loaf") -> Process:
    """Return a small process with every kind of parameter that a numeric planner knows."""
    return check_process(
        Process(
            name=name,
            parameters=(
                Real(name="heat", low=160.0, high=260.0, unit="degC"),
                Whole(name="minutes", low=20, high=60),
                Switch(name="steam"),
                Real(name="water", low=0.1, high=2.0, log=True, unit="l", when=(When("steam", (True,)),)),
                Choice(name="flour", values=("rye", "wheat", 550)),
            ),
            metrics=(
                lower("waste", unit="kg", kind="price"),
                higher("taste", scale="difference", worthwhile=0.5, low=0.0, high=10.0),
            ),
            standard=Setting(heat=220.0, minutes=40, steam=False, flour="rye"),
            constraints=("heat * minutes <= 12000",),
            guards=(Guard(metric="taste", at_least=4.0),),
            work=Shell(command="bake", reads=Texts(waste="json", taste="json"), within=7200.0),
            policy=Policy(consent="ana", runs=1000),
            about="Ünser Bröt ☺",
        )
    )


def scout(number: int, *, heat: float = 200.0, attempt: int = 0, by: str = "") -> Run:
    """Return a run made to learn."""
    setting = Setting(heat=heat, minutes=40, steam=False, flour="rye")
    return Run(id=number, setting=setting, purpose="scout", of=1, because="to see", attempt=attempt, by=by)


def told(number: int, *, attempt: int = 1, waste: float = 1.5) -> Told:
    """Return an answer to a run."""
    reading = Reading(values=Numbers(waste=waste, taste=7.0))
    return Told(run=number, attempt=attempt, reading=reading, spend=Spend(runs=1, seconds=2.5))


def story(name: str = "loaf") -> Iterator[tuple[str, tuple[Entry, ...]]]:
    """Tell who writes what, batch by batch: one valid history with every kind of entry."""
    process = sample(name)
    first = process.standard
    hotter = Setting({**first, "heat": 240.0})
    change = Increment(
        of=1, before=first, after=hotter, because="a darker crust", by="ana", words="hotter", files=("oven.py",)
    )
    design = Design(metrics=process.metrics, guards=process.guards, alpha=0.025, pairs=40, coins=7, method="sign 1")
    asked = Setting({**first, "steam": True, "water": 0.5})
    fault = Fault(reason="crash", note="exit status 3", tail="no oven\n")
    side = Run(
        id=4, setting=first, purpose="trial", of=1, trial=1, block=1, side="standard", seed=9, attempt=1, by="w1"
    )
    effect = Effect(metric="waste", gain=0.1, low=0.05, high=None, level=0.05)
    better = Verdict(
        decision="better",
        settled=True,
        reason="proven",
        effects=(effect,),
        pairs=1,
        evidence=3.7,
        needed=3.6,
        method="sign 1",
    )
    second = Standard(number=2, setting=hotter, evidence="proven", because="proven in trial 1", by="ana", of=1, trial=1)
    yield "ana", (Described(process=process),)
    yield "planner", (Scouted(runs=(scout(1), scout(2, heat=180.5), scout(3, heat=250.0))),)
    yield (
        "w1",
        (
            Asked(
                runs=(scout(1, attempt=1, by="w1"), scout(2, heat=180.5, attempt=1, by="w1")),
                lease=30.0,
                holder="host:1",
            ),
        ),
    )
    yield "w1", (told(1),)
    yield "w1", (Faulted(run=2, attempt=1, fault=fault, spend=Spend(runs=1, seconds=0.5)),)
    yield "w1", (Late(run=2, attempt=1, outcome=told(2, waste=2.0).reading, spend=Spend(seconds=9.0), by="w1"),)
    yield "ana", (Corrected(run=1, outcome=Reading(values=Numbers(waste=1.25, taste=7.0)), because="a comma"),)
    yield (
        "ana",
        (
            Proposed(id=1, increment=change),
            Advised(
                increment=change,
                answer="go",
                because="nothing like it failed",
                proposal=1,
                odds=Odds(better=0.37, faults=0.03),
            ),
        ),
    )
    yield "judge", (Opened(trial=Trial(id=1, increment=change, design=design), hash=design.hash, proposal=1),)
    yield "w1", (Asked(runs=(side, msgspec.structs.replace(side, id=5, setting=hotter, side="increment")), lease=None),)
    yield "w1", (told(4), told(5, waste=1.1))
    yield "judge", (Judged(trial=1, verdict=better),)
    yield "ana", (Consented(trial=1, note="tasty"), Adopted(standard=second))
    yield (
        "bo",
        (
            Proposed(id=2, increment=msgspec.structs.replace(change, of=2, before=hotter, after=first)),
            Refused(proposal=2, note="no"),
        ),
    )
    yield "agent", (Reported(run=6, setting=asked, outcome=fault, source="log.tsv:3", conditions=Texts(machine="m1")),)
    null = Increment(of=2, before=hotter, after=hotter, because="a copy", by="judge")
    trial = Trial(id=2, increment=null, design=msgspec.structs.replace(design, alpha=0.0, coins=8), purpose="null")
    yield "judge", (Opened(trial=trial, hash=trial.design.hash), Judged(trial=2, stopped=Stopped(reason="superseded")))
    yield "judge", (Learned(lesson=Lesson(id=1, text="steam does nothing", scope="rye", grade="one run", trial=2)),)
    yield (
        "ana",
        (
            Retracted(lesson=1, because="the valve was shut"),
            Taught(text="never open the door", confidence=0.9, that="heat <= 250", near=Setting(heat=240.0)),
        ),
    )
    yield "customer", (Voiced(voice=Voice(text="too dark", by="cy", theme="crust", standard=2)),)
    yield "cy", (Pulled(andon=Andon(because="it smells burnt", by="cy")),)
    yield "ana", (Cleared(note="door was open"),)
    back = Standard(number=3, setting=first, evidence="given", because="too dark", by="ana", of=2)
    yield "ana", (RolledBack(standard=back, to=1),)
    amended = msgspec.structs.replace(process, about="our bread", policy=Policy(consent="ana", runs=2000))
    yield "ana", (Amended(process=amended, because="more runs"),)


def tell_story(ledger: AnyLedger, name: str = "loaf") -> list[Record]:
    """Write the whole story; return its records."""
    return [record for by, entries in story(name) for record in ledger.append(name, entries, by=by)]


def follows(records: Sequence[Record]) -> tuple[Head | None, dict[tuple[type[Row], int], Row]]:
    """Return the head and the history rows of one process, worked out here and now from its records."""
    head: Head | None = None
    kept: dict[tuple[type[Row], int], Row] = {}
    for record in records:
        for row in rows(head, record, lambda kind, number: kept.get((kind, number))):
            kept[type(row), row.standard.number if isinstance(row, Kept) else row.id] = row
        head = fold((record,), head)
    return head, kept


def compare(ledger: AnyLedger) -> None:
    """Assert that every read model is what follows from ``ledger.read()``."""
    for name in ledger.processes():
        head, kept = follows(tuple(ledger.read(name)))
        assert ledger.head(name) == head
        assert list(ledger.runs(name)) == sorted(
            (r for r in kept.values() if isinstance(r, Tried)), key=lambda r: r.seq
        )
        assert list(ledger.trials(name)) == sorted(
            (r for r in kept.values() if isinstance(r, Tested)), key=lambda r: r.id
        )
        assert list(ledger.lessons(name)) == sorted(
            (r for r in kept.values() if isinstance(r, Lesson)), key=lambda r: r.id
        )
        numbers = [kept_.standard.number for kept_ in ledger.standards(name)]
        assert numbers == sorted(numbers)
        assert all(kept[Kept, row.standard.number] == row for row in ledger.standards(name))


# ── the contract ──────────────────────────────────────────────────────────────────────────────────────────────────────
class LedgerContract:
    """What every ledger must do."""

    keeps = True
    """Whether a second ledger at the same place is the same ledger."""

    def make_ledger(self, place: Path, clock: Callable[[], int], monotonic: Callable[[], float]) -> AnyLedger:
        """Return the ledger at ``place``."""
        raise NotImplementedError

    @pytest.fixture
    def clocks(self) -> Clocks:
        """Clocks that the test moves."""
        return Clocks()

    @pytest.fixture
    def ledger(self, tmp_path: Path, clocks: Clocks) -> Iterator[AnyLedger]:
        """Give an empty ledger."""
        made = self.make_ledger(tmp_path, clocks.at, clocks.monotonic)
        yield made
        self._close(made)

    @pytest.fixture
    def loaf(self, ledger: AnyLedger) -> AnyLedger:
        """Give a ledger with one process, three waiting runs, and the first two handed out for 30 s."""
        ledger.append("loaf", [Described(process=sample())], by="ana")
        ledger.append("loaf", [Scouted(runs=(scout(1), scout(2), scout(3)))], by="planner")
        asked = Asked(runs=(scout(1, attempt=1), scout(2, attempt=1)), lease=30.0, holder="host:1")
        ledger.append("loaf", [asked], by="w1")
        return ledger

    @staticmethod
    def _close(ledger: Any) -> None:
        if hasattr(ledger, "close"):
            ledger.close()

    # ── records ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def test_an_empty_ledger_knows_nothing(self, ledger: AnyLedger) -> None:
        """Every question about an unknown process has an empty answer."""
        assert list(ledger.read()) == list(ledger.read("loaf")) == []
        assert ledger.processes() == ()
        assert ledger.head("loaf") is None
        assert not ledger.runs("loaf")
        assert not ledger.trials("loaf")
        assert not ledger.standards("loaf")
        assert not ledger.lessons("loaf")
        assert ledger.leases("loaf") == ()
        assert ledger.renew("loaf", "host:1", 30.0) == 0

    def test_records_say_what_was_appended(self, ledger: AnyLedger, clocks: Clocks) -> None:
        """A record is its entry, with place, time, writer and key."""
        start = clocks.now
        (record,) = ledger.append("loaf", [Described(process=sample())], by="ana", key="k", request="r")
        assert (record.seq, record.process, record.by, record.key) == (1, "loaf", "ana", "k")
        assert start < record.at <= clocks.now
        assert record.entry == Described(process=sample())
        assert list(ledger.read()) == [record]

    def test_every_kind_of_entry_is_kept(self, ledger: AnyLedger) -> None:
        """What is read is what was appended, without gaps, for every kind."""
        written = tell_story(ledger)
        assert [record.entry for record in written] == [entry for _, entries in story() for entry in entries]
        assert list(ledger.read()) == list(ledger.read("loaf")) == written
        assert [record.seq for record in written] == list(range(1, len(written) + 1))

    def test_one_order_for_all_processes(self, ledger: AnyLedger) -> None:
        """Processes share one sequence and nothing else."""
        stories = {name: list(story(name)) for name in ("loaf", "roll")}
        for batches in zip(*stories.values(), strict=True):
            for name, (by, entries) in zip(stories, batches, strict=True):
                ledger.append(name, entries, by=by)
        everything = list(ledger.read())
        assert [record.seq for record in everything] == list(range(1, len(everything) + 1))
        for name in stories:
            assert list(ledger.read(name)) == [record for record in everything if record.process == name]
        assert ledger.processes() == ("loaf", "roll")
        compare(ledger)

    @pytest.mark.parametrize("name", ["loaf", None])
    def test_reading_behind_and_at_most(self, ledger: AnyLedger, name: str | None) -> None:
        """``after`` and ``limit`` cut as they say."""
        written = tell_story(ledger)
        for after in (0, 1, 7, len(written), len(written) + 5):
            assert list(ledger.read(name, after=after)) == written[after:]
            assert list(ledger.read(name, after=after, limit=3)) == written[after : after + 3]
        assert list(ledger.read(name, limit=0)) == []

    def test_a_batch_is_all_or_nothing(self, loaf: AnyLedger) -> None:
        """When one entry of a batch cannot follow, none is written, and the ledger goes on."""
        before = list(loaf.read()), loaf.head("loaf"), loaf.leases("loaf"), list(loaf.runs("loaf"))
        for bad in (told(1), told(9), Judged(trial=1), Described(process=sample())):
            with pytest.raises((Contested, Damaged)):
                loaf.append("loaf", [told(1), bad], by="w1", key="bad")
        assert (list(loaf.read()), loaf.head("loaf"), loaf.leases("loaf"), list(loaf.runs("loaf"))) == before
        loaf.append("loaf", [told(1), told(2)], by="w1", key="bad")
        compare(loaf)

    def test_the_first_entry_describes(self, ledger: AnyLedger) -> None:
        """Nothing happens to a process that nobody described."""
        with pytest.raises(Damaged):
            ledger.append("loaf", [Taught(text="hm")], by="ana")
        assert ledger.processes() == ()
        assert list(ledger.read()) == []

    def test_what_cannot_be_stored_is_refused(self, loaf: AnyLedger) -> None:
        """No entries, no number, no Unicode, or no word of ours: refused, and nothing is written."""
        before = list(loaf.read())
        nan = float("nan")
        for entries in (
            [],
            [Taught(text="hm", confidence=nan)],
            [Taught(text="\ud800")],
            [msgspec.structs.replace(told(1), spend=Spend(seconds=float("inf")))],
            [Learned(lesson=Lesson(id=1, text="", scope="", grade="certain"))],  # type: ignore[arg-type] # on purpose
        ):
            with pytest.raises(Malformed):
                loaf.append("loaf", entries, by="w1")
        with pytest.raises(Malformed):
            loaf.append("loaf", [told(1)], by="\ud800")
        with pytest.raises(Malformed):
            loaf.append("", [Described(process=sample())], by="ana")
        assert list(loaf.read()) == before

    def test_entries_are_read_as_their_kinds_say(self, loaf: AnyLedger) -> None:
        """A whole number in the place of a real one is a real one, in the answer as in every later reading."""
        (record,) = loaf.append(
            "loaf", [Told(run=1, attempt=1, reading=told(1).reading, spend=Spend(seconds=3))], by="w"
        )
        for one in (record, *loaf.read(after=record.seq - 1)):
            assert isinstance(one.entry, Told)
            assert type(one.entry.spend.seconds) is float

    # ── locks, keys, fences ───────────────────────────────────────────────────────────────────────────────────────────
    def test_after_is_an_optimistic_lock(self, loaf: AnyLedger) -> None:
        """Whoever has not seen the last record of the process writes nothing."""
        seen = 3
        loaf.append("loaf", [told(1)], by="w1", after=seen)
        with pytest.raises(Contested):
            loaf.append("loaf", [told(2)], by="w1", after=seen)
        loaf.append("roll", [Described(process=sample("roll"))], by="ana", after=0)
        loaf.append("loaf", [told(2)], by="w1", after=seen + 1)  # another process's records do not count
        with pytest.raises(Contested):
            loaf.append("roll", [Taught(text="hm")], by="ana", after=0)

    def test_the_same_key_writes_once(self, loaf: AnyLedger) -> None:
        """A repeated command gets the first answer, whatever has happened since."""
        first = loaf.append("loaf", [told(1), Taught(text="hm")], by="w1", after=3, key="a", request="r")
        loaf.append("loaf", [told(2)], by="w1")
        assert loaf.append("loaf", [told(1), Taught(text="hm")], by="w1", after=3, key="a", request="r") == first
        assert len(list(loaf.read())) == 6
        with pytest.raises(Clash) as caught:
            loaf.append("loaf", [told(1)], by="w1", key="a", request="other")
        assert caught.value.hint
        assert len(list(loaf.read())) == 6

    def test_a_key_tells_what_it_wrote(self, loaf: AnyLedger) -> None:
        """The first record and the request of a command, by its key; nothing for a key never used."""
        first, _ = loaf.append("loaf", [told(1), Taught(text="hm")], by="w1", key="a", request="r")
        assert loaf.answered("loaf", "a") == (first, "r")
        assert loaf.answered("loaf", "b") is None
        assert loaf.answered("loaf", "") is None
        assert loaf.answered("roll", "a") is None

    def test_keys_are_of_one_process(self, loaf: AnyLedger) -> None:
        """Two processes may use the same key; no key is no key."""
        loaf.append("loaf", [Taught(text="a")], by="w1", key="a", request="1")
        loaf.append("roll", [Described(process=sample("roll"))], by="ana", key="a", request="2")
        loaf.append("loaf", [Taught(text="b")], by="w1")
        loaf.append("loaf", [Taught(text="b")], by="w1")
        assert len(list(loaf.read())) == 7

    def test_a_key_of_a_failed_command_is_free(self, loaf: AnyLedger) -> None:
        """Only what was written answers a repeat."""
        with pytest.raises(Contested):
            loaf.append("loaf", [told(3, attempt=7)], by="w1", key="a", request="1")
        loaf.append("loaf", [told(1)], by="w1", key="a", request="2")

    @pytest.mark.parametrize("run", [1, 2])
    def test_the_fence(self, loaf: AnyLedger, run: int) -> None:
        """Only the attempt that has a run may answer it, once."""
        loaf.append("loaf", [Asked(runs=(scout(run, attempt=2),), lease=30.0)], by="w2")
        for attempt in (0, 1, 3):
            for answer in (
                told(run, attempt=attempt),
                Faulted(run=run, attempt=attempt, fault=Fault(reason="told"), spend=Spend()),
            ):
                with pytest.raises(Contested):
                    loaf.append("loaf", [answer], by="w1")
        loaf.append("loaf", [told(run, attempt=2)], by="w2")
        with pytest.raises(Contested):
            loaf.append("loaf", [told(run, attempt=2)], by="w2")
        with pytest.raises(Contested):
            loaf.append("loaf", [told(99)], by="w2")

    def test_a_run_is_handed_out_under_a_new_number_each_time(self, loaf: AnyLedger) -> None:
        """Two who look at the same moment do not both get it."""
        with pytest.raises(Contested):
            loaf.append("loaf", [Asked(runs=(scout(1, attempt=1),), lease=30.0)], by="w2")

    def test_a_late_answer_may_come_while_another_has_the_run(self, loaf: AnyLedger) -> None:
        """It is kept, and stays beside the answer that counts."""
        late: Outcome = told(1, waste=9.0).reading
        loaf.append("loaf", [Asked(runs=(scout(1, attempt=2),), lease=30.0)], by="w2")
        loaf.append("loaf", [Late(run=1, attempt=1, outcome=late, spend=Spend(seconds=1.0), by="w1")], by="w1")
        assert [run.late for run in loaf.runs("loaf")] == [(late,)]
        loaf.append("loaf", [told(1, attempt=2)], by="w2")
        (run,) = loaf.runs("loaf")
        assert (run.outcome, run.late) == (told(1).reading, (late,))
        with pytest.raises(Damaged):
            loaf.append("loaf", [Late(run=77, attempt=1, outcome=late, spend=Spend())], by="w1")
        compare(loaf)

    # ── leases ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def test_leases_run_out(self, loaf: AnyLedger, clocks: Clocks) -> None:
        """A hold begins when asked, loses time, and is never below nothing."""
        whole = tuple(Lease(process="loaf", run=run, attempt=1, holder="host:1", left=30.0) for run in (1, 2))
        assert loaf.leases("loaf") == whole
        clocks.elapsed += 29.0
        assert [lease.left for lease in loaf.leases("loaf")] == [1.0, 1.0]
        clocks.elapsed += 29.0
        assert [lease.left for lease in loaf.leases("loaf")] == [0.0, 0.0]

    def test_heartbeats_prolong(self, loaf: AnyLedger, clocks: Clocks) -> None:
        """Renewing counts from now, writes no record, and can give up."""
        before = list(loaf.read())
        clocks.elapsed += 40.0
        assert loaf.renew("loaf", "host:1", 30.0) == 2
        assert [lease.left for lease in loaf.leases("loaf")] == [30.0, 30.0]
        assert loaf.renew("loaf", "host:2", 30.0) == 0
        assert loaf.renew("roll", "host:1", 30.0) == 0
        assert loaf.renew("loaf", "host:1", 0) == 2
        assert [lease.left for lease in loaf.leases("loaf")] == [0.0, 0.0]
        assert list(loaf.read()) == before

    def test_peoples_leases_do_not_run_out(self, loaf: AnyLedger, clocks: Clocks) -> None:
        """A hold without a limit is never lost by time; it can be given up."""
        loaf.append("loaf", [Asked(runs=(scout(3, attempt=1),))], by="ana")
        clocks.elapsed += 1e6
        assert loaf.leases("loaf")[2] == Lease(process="loaf", run=3, attempt=1, holder="ana", left=None)
        assert loaf.renew("loaf", "ana", 30.0) == 0
        assert loaf.leases("loaf")[2].left is None
        assert loaf.renew("loaf", "ana", 0) == 1
        assert loaf.leases("loaf")[2].left == 0.0

    def test_an_answer_ends_its_hold(self, loaf: AnyLedger) -> None:
        """Told or faulted, the hold is gone; handed out again, it is the new holder's."""
        loaf.append("loaf", [told(1)], by="w1")
        loaf.append("loaf", [Asked(runs=(scout(2, attempt=2),), lease=60.0)], by="w2")
        assert loaf.leases("loaf") == (Lease(process="loaf", run=2, attempt=2, holder="w2", left=60.0),)
        loaf.append("loaf", [Faulted(run=2, attempt=2, fault=Fault(reason="crash"), spend=Spend(runs=1))], by="w2")
        assert loaf.leases("loaf") == ()

    # ── read models ───────────────────────────────────────────────────────────────────────────────────────────────────
    def test_read_models_follow_from_the_records(self, ledger: AnyLedger) -> None:
        """After every batch of the story, head and history are what folding gives."""
        for by, entries in story():
            ledger.append("loaf", entries, by=by)
            compare(ledger)
        assert [row.standard.number for row in ledger.standards("loaf")] == [1, 2, 3]
        assert [row.id for row in ledger.trials("loaf")] == [1, 2]
        assert [row.id for row in ledger.lessons("loaf")] == [1]

    def test_runs_are_found(self, ledger: AnyLedger) -> None:
        """By setting, trial and standard, behind a place, and the latest few; in order of ``seq``."""
        tell_story(ledger)
        runs = list(ledger.runs("loaf"))
        assert [run.id for run in runs] == [1, 2, 4, 5, 6]
        first = runs[0].setting.fingerprint
        assert [run.id for run in ledger.runs("loaf", fingerprint=first)] == [1]
        assert [run.id for run in ledger.runs("loaf", number=4)] == [4]
        assert not ledger.runs("loaf", number=4, fingerprint=first)
        assert [run.id for run in ledger.runs("loaf", trial=1)] == [4, 5]
        assert [run.id for run in ledger.runs("loaf", of=2)] == [6]
        assert [run.id for run in ledger.runs("loaf", after=runs[1].seq)] == [4, 5, 6]
        assert [run.id for run in ledger.runs("loaf", latest=2)] == [5, 6]
        assert [run.id for run in ledger.runs("loaf", latest=0)] == []
        assert [run.id for run in ledger.runs("loaf", latest=99)] == [1, 2, 4, 5, 6]
        assert [run.id for run in ledger.runs("loaf", first=2)] == [1, 2]
        assert [run.id for run in ledger.runs("loaf", first=2, after=runs[1].seq)] == [4, 5]
        assert [run.id for run in ledger.runs("loaf", first=0)] == []
        assert [run.id for run in ledger.runs("loaf", trial=1, of=1, after=runs[2].seq, latest=5)] == [5]
        assert not ledger.runs("loaf", fingerprint="0" * 32)

    # ── together ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def test_turns_are_one_at_a_time(self, loaf: AnyLedger) -> None:
        """Look, think and append in a turn: nobody comes between, and no one's lock is refused."""
        start, failures = Barrier(4), []

        def work(name: str) -> None:
            start.wait()
            try:
                for _ in range(5):
                    with loaf.turn(), loaf.turn():
                        head = loaf.head("loaf")
                        assert head is not None
                        loaf.append("loaf", [Taught(text=name)], by=name, after=head.seq)
            except KaizenError as error:  # pragma: no cover - what the test is against
                failures.append(error)

        threads = [Thread(target=work, args=(f"t{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert len(list(loaf.read())) == 23
        compare(loaf)

    def test_a_ledger_opens_again(self, tmp_path: Path, clocks: Clocks) -> None:
        """Closed and opened, it is the same, leases and keys included."""
        if not self.keeps:
            pytest.skip("does not outlive its process")
        first = self.make_ledger(tmp_path, clocks.at, clocks.monotonic)
        written = tell_story(first)
        asked = Asked(runs=(scout(3, heat=250.0, attempt=1),), lease=30.0)
        (record,) = first.append("loaf", [asked], by="w1", key="k", request="r")
        head, leases = first.head("loaf"), first.leases("loaf")
        self._close(first)
        again = self.make_ledger(tmp_path, clocks.at, clocks.monotonic)
        assert list(again.read()) == [*written, record]
        assert (again.head("loaf"), again.leases("loaf")) == (head, leases)
        assert again.append("loaf", [asked], by="w1", key="k", request="r") == (record,)
        compare(again)
        self._close(again)

    def test_two_ledgers_at_one_place_are_one(self, tmp_path: Path, clocks: Clocks) -> None:
        """What one writes the other reads, and builds on."""
        if not self.keeps:
            pytest.skip("does not outlive its process")
        one, other = (self.make_ledger(tmp_path, clocks.at, clocks.monotonic) for _ in range(2))
        for number, (by, entries) in enumerate(story()):
            (one, other)[number % 2].append("loaf", entries, by=by)
            assert one.head("loaf") == other.head("loaf")
        assert list(one.read()) == list(other.read())
        compare(one)
        compare(other)
        self._close(one)
        self._close(other)
