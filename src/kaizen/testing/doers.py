"""What every doer must do. Inherit ``DoerContract``, say how yours is made, and let pytest run it.

    class TestMine(DoerContract):
        @contextmanager
        def doer(self, process, directory):
            with MyDoer(process, directory) as doer:
                yield doer

The doer is asked to carry out commands of a POSIX shell in ``directory``, which the test can read too.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from kaizen.do import Doer, Done
from kaizen.metric import Metric, lower
from kaizen.parameter import Choice, Switch, When, Whole
from kaizen.process import Process, Shell, check_process
from kaizen.setting import Setting, Value
from kaizen.trial import Fault, Outcome, Reading, Run

PATIENCE_S = 30.0
"""How long to wait for what must come; a slow machine is not a broken doer."""
HOSTILE = ("'; touch broken; '", '"$(touch broken)" `touch broken`', "two\nlines", "", " *", "naïve – ☃", "\\n%s{x}$x")
"""Values that would do harm if they ever came into the text of a command."""


class DoerContract:
    """The contract of ``kaizen.do.Doer``."""

    def doer(self, process: Process, directory: Path) -> AbstractContextManager[Doer]:
        """Return a doer of ``process`` that works in ``directory``; it is closed at the end."""
        raise NotImplementedError

    def test_a_reading_comes_back_with_its_run(self, tmp_path: Path) -> None:
        """The run is returned as it was given, with its reading, its spend and its conditions."""
        process = process_of("echo '{\"size\": 12.5}'")
        given = run_of(process, number=7)
        with self.doer(process, tmp_path) as doer:
            doer.start(given)
            (done,) = wait_for(doer, 1)
        assert given == done.run
        assert isinstance(done.outcome, Reading)
        assert done.outcome.values == {"size": 12.5}
        assert done.spend.runs == 1
        assert 0 < done.spend.seconds < PATIENCE_S
        assert done.conditions

    def test_start_returns_at_once_and_runs_overlap(self, tmp_path: Path) -> None:
        """Each of three runs waits for what the others do: one after the other, they would never end."""
        command = "touch here-$KAIZEN_RUN; until [ -e here-1 ] && [ -e here-2 ] && [ -e here-3 ]; do sleep 0.01; done"
        process = process_of(f"{command}; echo 1", within=PATIENCE_S)
        with self.doer(process, tmp_path) as doer:
            for number in (1, 2, 3):
                doer.start(run_of(process, number=number))
            ended = wait_for(doer, 3)
        assert {1, 2, 3} == {done.run.id for done in ended}
        assert all(isinstance(done.outcome, Reading) for done in ended)

    def test_wait_gives_up_in_time(self, tmp_path: Path) -> None:
        """Nothing has ended: an empty answer, after about the time that was asked for."""
        process = process_of("until [ -e go ]; do sleep 0.01; done; echo 1", within=PATIENCE_S)
        with self.doer(process, tmp_path) as doer:
            doer.start(run_of(process))
            assert doer.wait(0) == ()
            assert doer.wait(0.05) == ()
            (tmp_path / "go").touch()
            (done,) = wait_for(doer, 1)
        assert isinstance(done.outcome, Reading)

    def test_nothing_to_wait_for(self, tmp_path: Path) -> None:
        """Without a run, the answer is empty and comes at once."""
        with self.doer(process_of("echo 1"), tmp_path) as doer:
            started = time.monotonic()
            assert doer.wait(PATIENCE_S) == ()
            assert time.monotonic() - started < PATIENCE_S / 2

    def test_a_crash(self, tmp_path: Path) -> None:
        """A status other than 0 is a fault that shows the end of what was printed."""
        fault = self._fault(process_of("echo 1; echo sorry >&2; exit 3"), tmp_path)
        assert fault.reason == "crash"
        assert "3" in fault.note
        assert "sorry" in fault.tail

    def test_a_timeout(self, tmp_path: Path) -> None:
        """A run beyond its own limit is a fault, and what it has started is killed."""
        process = process_of("sleep 1000 & echo $! > child; echo $$ > parent; sleep 1000", within=0.5)
        assert self._fault(process, tmp_path).reason == "timeout"
        for name in ("parent", "child"):
            wait_until(partial(_dead, tmp_path / name), f"the {name} is dead")

    def test_no_reading(self, tmp_path: Path) -> None:
        """Work that ends well without a sound number is a fault that says what is missing."""
        for said in (
            "nothing",
            '{"other": 1}',
            '{"size": NaN}',
            '{"size": "tall"}',
            '{"size": true}',
            '{"size": -1}',
            "",
        ):
            fault = self._fault(process_of(f"echo '{said}'"), tmp_path)
            assert fault.reason == "no reading", said
            assert "size" in fault.note, said

    def test_the_setting_arrives_as_it_is(self, tmp_path: Path) -> None:
        """Whatever the text, it arrives whole, and does nothing on its way."""
        process = process_of('printf %s "$word" > seen-$KAIZEN_RUN; echo 1', words=HOSTILE)
        with self.doer(process, tmp_path) as doer:
            for number, word in enumerate(HOSTILE):
                doer.start(run_of(process, number=number, word=word))
            wait_for(doer, len(HOSTILE))
        assert list(HOSTILE) == [(tmp_path / f"seen-{number}").read_text("utf-8") for number in range(len(HOSTILE))]
        assert not (tmp_path / "broken").exists()

    def test_an_inactive_parameter_is_absent(self, tmp_path: Path) -> None:
        """A parameter that the setting does not have is no variable; the others are spelled as they are read."""
        process = process_of('echo "$on/$x/${level-none}" > seen; echo 1')
        self._outcome(process, tmp_path, on=False)
        assert (tmp_path / "seen").read_text() == "false/1/none\n"
        self._outcome(process, tmp_path, on=True, level=2)
        assert (tmp_path / "seen").read_text() == "true/1/2\n"

    def test_closing_kills(self, tmp_path: Path) -> None:
        """A doer that is closed leaves nothing behind."""
        process = process_of("sleep 1000 & echo $! > child.new; mv child.new child; echo $$ > parent; sleep 1000")
        with self.doer(process, tmp_path) as doer:
            doer.start(run_of(process))
            wait_until((tmp_path / "parent").exists, "the work has begun")
            wait_until(lambda: (tmp_path / "parent").read_text().endswith("\n"), "the work has said who it is")
            pids = [int((tmp_path / name).read_text()) for name in ("child", "parent")]
        wait_until(lambda: not any(lives(pid) for pid in pids), "the work is dead")

    def _outcome(self, process: Process, directory: Path, **values: Value) -> Outcome:
        with self.doer(process, directory) as doer:
            doer.start(run_of(process, number=1, **values))
            (done,) = wait_for(doer, 1)
        return done.outcome

    def _fault(self, process: Process, directory: Path) -> Fault:
        outcome = self._outcome(process, directory)
        assert isinstance(outcome, Fault), outcome
        return outcome


def process_of(
    command: str,
    *,
    metrics: tuple[Metric, ...] = (),
    words: tuple[str, ...] = ("a", "b"),
    **rules: Any,
) -> Process:
    """Return a process of a command with parameters ``x``, ``word``, ``on`` and, while that is true, ``level``."""
    parameters = (
        Whole(name="x", low=1, high=9),
        Choice(name="word", values=words),
        Switch(name="on"),
        Whole(name="level", low=1, high=3, when=(When("on", (True,)),)),
    )
    standard = Setting(x=1, word=words[0], on=False)
    work = Shell(command=command, **rules)
    return check_process(
        Process(
            name="contract", parameters=parameters, metrics=metrics or (lower("size"),), standard=standard, work=work
        )
    )


def run_of(process: Process, *, number: int = 1, **values: Value) -> Run:
    """Return a run of the process's standard with some values changed."""
    return Run(id=number, setting=process.setting({**process.standard, **values}), purpose="scout", of=1, seed=11)


def wait_for(doer: Doer, count: int) -> list[Done]:
    """Return ``count`` ended runs, or fail."""
    ended: list[Done] = []
    until = time.monotonic() + PATIENCE_S
    while len(ended) < count:
        assert time.monotonic() < until, f"{count} runs must end; got {ended}"
        ended += doer.wait(1.0)
    assert count == len(ended)
    return ended


def wait_until(true: Callable[[], bool], what: str, *, seconds: float = PATIENCE_S) -> None:
    """Wait for a condition, or fail."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"must come true within {seconds:g} s: {what}"
        time.sleep(0.005)


def lives(pid: int) -> bool:
    """Tell whether a process lives; one that is dead and not yet reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] not in b"ZX"
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, check=False)  # noqa: S607
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith(b"Z")


def _dead(named_in: Path) -> bool:
    return not lives(int(named_in.read_text()))
