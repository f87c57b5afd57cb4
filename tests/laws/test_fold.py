"""The law of memory, ``fold(a + b) == fold(b, fold(a))``, and one truth in two ledgers."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.errors import KaizenError
from kaizen.folding import fold
from kaizen.journal import Head
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
    Opened,
    Proposed,
    Pulled,
    Refused,
    Reported,
    Retracted,
    RolledBack,
    Scouted,
    Taught,
    Told,
    Voiced,
)  # fmt: skip
from kaizen.ledgers import codec
from kaizen.ledgers.memory import MemoryLedger
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.setting import Numbers, Setting, Texts
from kaizen.standard import increment, null_increment
from kaizen.testing.ledgers import Clocks, compare, sample
from kaizen.trial import Design, Fault, Outcome, Reading, Run, Seat, Spend, Trial
from kaizen.verdict import Lesson, Stopped, Verdict
from kaizen.voice import Andon, Voice

replace = msgspec.structs.replace
T = TypeVar("T")
Steps = list[tuple[int, int, str]]
"""Which move, a number to choose by, and of which process."""


def entries(op: int, n: int, ledger: MemoryLedger, name: str) -> list[Entry]:
    """Return entries of one kind that may follow now, or none; ``n`` picks among those there are."""
    head = ledger.head(name)
    if head is None:
        return [Described(process=sample(name))]
    return list(MOVES[op](n, head, ledger, name))


def pick(n: int, items: Sequence[T]) -> list[T]:
    """Return one of the items, or none."""
    return [items[n % len(items)]] if items else []


def outcome(n: int) -> Outcome:
    """Return some outcome."""
    if n % 4 == 0:
        return Fault(reason="crash", note=f"status {n}")
    return Reading(values=Numbers(waste=1.0 + n % 7 / 3, taste=float(n % 10)))


def answer(run: Run, n: int) -> Told | Faulted:
    """Return an answer to a run."""
    out, spend = outcome(n), Spend(runs=1, seconds=n / 7, money=n % 3 / 10)
    kind = {"fault": out} if isinstance(out, Fault) else {"reading": out}
    return (Faulted if isinstance(out, Fault) else Told)(
        run=run.id, attempt=run.attempt, spend=spend, conditions=Texts(lot=n % 2) if n % 5 == 0 else Texts(), **kind
    )


def scouted(n: int, head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """Plan a few runs."""
    setting = replace_heat(head, n)
    runs = [
        Run(id=head.next_run + i, setting=setting, purpose="scout", of=head.standard.number) for i in range(1 + n % 3)
    ]
    return [Scouted(runs=tuple(runs))]


def replace_heat(head: Head, n: int) -> Setting:
    """Return some setting."""
    return head.process.changed(
        {**head.standard.setting, "minutes": 41}, {"heat": 160.0 + n % 13, "minutes": 20 + n % 9}
    )


def asked(n: int, head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """Hand out a waiting run, or again one that is out, and now and then a block."""
    runs = [replace(run, attempt=run.attempt + 1, by=f"w{n % 2}") for run in pick(n, head.runs)]
    for open_ in pick(n, head.trials) if n % 2 else []:
        block = len(open_.trial.blocks) + 1
        runs += [
            Run(id=head.next_run + i, setting=open_.trial.increment.before if i == 0 else open_.trial.increment.after,
                purpose="trial", of=head.standard.number, trial=open_.trial.id, block=block, side=side, attempt=1)
            for i, side in enumerate(("standard", "increment"))
        ]  # fmt: skip
        if n % 4 == 1:  # the standard's run serves every other trial that is open, too
            others = [one.trial for one in head.trials if one.trial.id != open_.trial.id]
            seats = tuple(Seat(trial=trial.id, block=len(trial.blocks) + 1) for trial in others)
            first = len(runs) - 2
            runs[first] = replace(runs[first], serves=seats)
            runs += [
                Run(id=head.next_run + 2 + i, setting=trial.increment.after, purpose="trial", of=head.standard.number,
                    trial=trial.id, block=seat.block, side="increment", attempt=1, beside=head.next_run)
                for i, (trial, seat) in enumerate(zip(others, seats, strict=True))
            ]  # fmt: skip
    return (
        [Asked(runs=tuple(runs), lease=None if n % 3 == 0 else 5.0 + n, holder=f"h{n % 3}" if n % 2 else "")]
        if runs
        else []
    )


def told(n: int, head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """Answer a run that is out."""
    return [answer(run, n) for run in pick(n, [run for run in head.runs if run.attempt])]


def late(n: int, head: Head, ledger: MemoryLedger, name: str) -> list[Entry]:
    """Answer late, to a finished run or to one that another has."""
    runs = [run.id for run in head.runs if run.attempt > 1] + [run.id for run in ledger.runs(name)]
    return [Late(run=run, attempt=1, outcome=outcome(n), spend=Spend(seconds=1.0), by="slow") for run in pick(n, runs)]


def corrected(n: int, head: Head, ledger: MemoryLedger, name: str) -> list[Entry]:
    """Correct a finished run."""
    open_runs = {run.id for run in head.runs}
    for run in pick(n, [run for run in ledger.runs(name) if run.id not in open_runs]):
        place = {"trial": run.trial, "block": run.block, "side": run.side, "serves": run.serves}
        return [Corrected(run=run.id, outcome=outcome(n), because="a comma", **place)]
    return []


def proposed(n: int, head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """Propose an increment, with advice or without."""
    heat = 175.5 + n % 9
    changes = {"heat": heat + 10.0 if heat == head.standard.setting["heat"] else heat}
    change = null_increment(head.standard, by="judge")
    if n % 5:
        change = increment(head.process, head.standard, changes, because="why not", by="ana")
    both = [Proposed(id=head.next_proposal, increment=change), Advised(increment=change, answer="go", because="new")]
    return both[: 1 + n % 2]


def opened(n: int, head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """Open a trial."""
    for waiting in pick(n, head.proposals):
        design = Design(metrics=head.process.metrics, guards=(), alpha=0.025 / (n + 1), pairs=9, coins=n)
        trial = Trial(id=head.next_trial, increment=waiting.increment, design=design)
        return [Opened(trial=trial, hash=design.hash, proposal=waiting.id if n % 4 else None)]
    return []


def judged(n: int, head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """End a trial, or say that it goes on."""
    decision = ("better", "worse", "undecided", "futile")[n % 4]
    settled = decision != "undecided"
    verdict = Verdict(
        decision=decision, settled=settled, reason="so", effects=(), pairs=n, evidence=0.5, needed=3.7, method="m"
    )
    ends = {"stopped": Stopped(reason="budget")} if n % 7 == 0 else {"verdict": verdict}
    return [Judged(trial=open_.trial.id, corrected=n % 2 == 0, **ends) for open_ in pick(n, head.trials)]


def consented(n: int, head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """Consent, and adopt."""
    for open_ in pick(n, [open_ for open_ in head.trials if open_.verdict]):
        number, trial = head.standard.number + 1, open_.trial
        moved = replace(head.standard, number=number, setting=trial.increment.after, evidence="proven", trial=trial.id)
        return [Consented(trial=trial.id), Adopted(standard=moved)][: 1 + n % 2]
    return []


def refused(n: int, head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """Decline a trial or a proposal."""
    if n % 2:
        return [Refused(trial=open_.trial.id) for open_ in pick(n, head.trials)]
    return [Refused(proposal=waiting.id, note="no") for waiting in pick(n, head.proposals)]


def moved(n: int, head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """Move the standard or the description."""
    standard = replace(
        head.standard, number=head.standard.number + 1, setting=replace_heat(head, n), evidence="declared", trial=None
    )
    back = RolledBack(standard=standard, to=1)
    report = Reported(run=head.next_run, setting=standard.setting, outcome=outcome(n), source="tsv")
    amended = Amended(process=replace(head.process, about=f"edition {n}"), because="so", comparable=n % 2 == 0)
    return ([back], [report, Adopted(standard=standard)], [report], [amended], [replace(amended, standard=standard)])[
        n % 5
    ]


def lessons(n: int, head: Head, ledger: MemoryLedger, name: str) -> list[Entry]:
    """Write a lesson down, or retract one."""
    learned = Learned(lesson=Lesson(id=head.next_lesson, text=f"no {n}", scope="s", grade="one run"))
    return (
        [learned] if n % 2 else [Retracted(lesson=lesson.id, because="b") for lesson in pick(n, ledger.lessons(name))]
    )


def people(n: int, _head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """Let somebody speak."""
    voice = Voiced(voice=Voice(text="☺", by="cy"))
    return (
        [Taught(text="t", confidence=n / 100)],
        [voice],
        [Pulled(andon=Andon(because="b", by="cy"))],
        [Cleared(note="n")],
    )[n % 4]


def stale(n: int, head: Head, _ledger: MemoryLedger, _name: str) -> list[Entry]:
    """Return what must be refused: an answer from behind the fence, a second description, an unknown trial."""
    fenced = [answer(replace(run, attempt=run.attempt - 1), n) for run in pick(n, head.runs)]
    return [
        Taught(text="goes with it"),
        *(fenced if n % 2 else [Described(process=head.process)] if n % 3 else [Judged(trial=99)]),
    ]


MOVES = (
    scouted,
    asked,
    asked,
    told,
    told,
    told,
    asked,
    told,
    told,
    stale,
    late,
    corrected,
    proposed,
    opened,
    judged,
    consented,
    refused,
    moved,
    lessons,
    people,
)
STEPS = st.lists(
    st.tuples(st.integers(0, len(MOVES) - 1), st.integers(0, 99), st.sampled_from(["loaf", "loaf", "roll"])),
    min_size=12,
    max_size=40,
)


def write(steps: Steps, *ledgers: MemoryLedger | SqliteLedger) -> None:
    """Walk the steps; every ledger gets the same, and must answer the same."""
    first = ledgers[0]
    for number, (op, n, name) in enumerate(steps):
        batch = entries(op, n, first, name)
        if not batch:
            continue
        head = first.head(name)
        asking = {"by": f"by{n % 3}", "after": head.seq if head and n % 2 else None}
        asking |= {"key": f"k{number // 4}", "request": str(n % 3)} if n % 4 == 0 else {}  # now and then used before
        if n % 9 == 0:
            assert len({ledger.renew(name, f"h{n % 3}", n / 3) for ledger in ledgers}) == 1
        answers = [attempt(ledger, name, batch, asking) for ledger in ledgers]
        assert all(answer == answers[0] for answer in answers)


def attempt(ledger: MemoryLedger | SqliteLedger, name: str, batch: Sequence[Entry], asking: dict[str, Any]) -> object:
    """Return what a ledger answers, errors included."""
    try:
        return ledger.append(name, batch, **asking)
    except KaizenError as error:
        return type(error), error.message


@given(STEPS)
def test_the_law_of_folding_at_every_split(steps: Steps) -> None:
    """Whatever is folded may be written down in between: the head is all that the past is needed for."""
    ledger = MemoryLedger(clock=Clocks().at)
    write(steps, ledger)
    for name in ledger.processes():
        records = tuple(ledger.read(name))
        whole = fold(records)
        for split in range(1, len(records) + 1):
            before = codec.decode_head(*codec.encode_head(fold(records[:split])))
            assert fold(records[split:], before) == whole
        assert ledger.head(name) == whole
    compare(ledger)


@settings(max_examples=40)
@given(STEPS)
def test_memory_and_sqlite_agree(steps: Steps) -> None:
    """The oracle and the file give the same answers, records, heads, rows and leases; the file is sound."""
    memory_clocks, file_clocks = Clocks(), Clocks()
    memory = MemoryLedger(clock=memory_clocks.at, monotonic=memory_clocks.monotonic)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "ledger.db"
        with SqliteLedger(path, clock=file_clocks.at, monotonic=file_clocks.monotonic) as file:
            write(steps, memory, file)
            agree(memory, file)
            assert file.verify() == []
            file.rebuild()
            assert file.verify() == []
        with SqliteLedger(path, clock=file_clocks.at, monotonic=file_clocks.monotonic) as again:
            agree(memory, again)


def agree(memory: MemoryLedger, file: SqliteLedger) -> None:
    """Assert that two ledgers answer every question alike."""
    assert list(memory.read()) == list(file.read())
    assert memory.processes() == file.processes()
    for name in memory.processes():
        for question in ("head", "runs", "trials", "standards", "lessons", "leases"):
            assert getattr(memory, question)(name) == getattr(file, question)(name), question
        for run in memory.runs(name)[-3:]:
            wanted = {"fingerprint": run.setting.fingerprint, "after": run.seq - 1}
            assert memory.runs(name, **wanted) == file.runs(name, **wanted)
