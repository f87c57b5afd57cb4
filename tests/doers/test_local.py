"""The doer of this machine: every fault, every source of a reading, and what the work finds around it."""

import gc
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaizen.do import Doer, Done
from kaizen.doers.local import LocalDoer
from kaizen.doers.local import doer as local
from kaizen.errors import Malformed, OutOfTurn
from kaizen.metric import Metric, higher, lower
from kaizen.process import Function, Process, check_process
from kaizen.testing.doers import DoerContract, process_of, run_of, wait_for, wait_until
from kaizen.trial import Fault, Reading

LINUX = sys.platform == "linux"
linux = pytest.mark.skipif(not LINUX, reason="Linux alone can do this")
exit_status = lower("exit_status", scale="difference", worthwhile=1)


class TestLocalDoer(DoerContract):
    """The contract, kept by the doer of this machine."""

    @contextmanager
    def doer(self, process: Process, directory: Path) -> Iterator[Doer]:
        """Make it."""
        with LocalDoer(process, directory=directory, state=directory / ".state") as doer:
            yield doer


def carry(process: Process, directory: Path, function: Callable[..., object] | None = None, **values: object) -> Done:
    """Carry one run out."""
    with LocalDoer(process, directory=directory, state=directory / ".state", function=function) as doer:
        doer.start(run_of(process, **values))
        (done,) = wait_for(doer, 1)
    return done


def function_process(*metrics: Metric, **rules: Any) -> Process:
    """Return a process of a function, otherwise as `process_of` makes it."""
    shell = process_of("true", metrics=metrics)
    work = Function(name="tests:function", source="abc", **rules)
    return check_process(Process(**{**{f: getattr(shell, f) for f in shell.__struct_fields__}, "work": work}))


def descriptors() -> list[str]:
    """Return what this process has open."""
    return sorted(place.name for place in Path("/dev/fd").iterdir())


def reading(done: Done) -> dict[str, float]:
    """Return what was read, or fail with the fault."""
    assert isinstance(done.outcome, Reading), done.outcome
    return done.outcome.values.plain()


def fault(done: Done) -> Fault:
    """Return the fault, or fail with the reading."""
    assert isinstance(done.outcome, Fault), done.outcome
    return done.outcome


# ── commands: what is read ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('{"size": 3}', {"size": 3.0, "speed": 9.0}),
        ('{"size": 3, "speed": 1, "other": "x"}\n\n  \n', {"size": 3.0, "speed": 9.0}),
    ],
)
def test_json_and_pattern(tmp_path: Path, said: str, expected: dict[str, float]) -> None:
    """The last line that is not empty is JSON; a pattern takes its last match."""
    process = process_of(
        f"echo speed=5 items; echo speed=9 items; printf '%s' '{said}'",
        metrics=(lower("size"), higher("speed")),
        reads={"speed": r"pattern:^speed=(?P<speed>\S+) (items)$"},
    )
    assert expected == reading(carry(process, tmp_path))


def test_a_pattern_finds_it_among_the_errors(tmp_path: Path) -> None:
    """Many programs tell their figures on standard error."""
    process = process_of("echo 'took 4 s' >&2", reads={"size": r"pattern:took (\S+)"})
    assert {"size": 4.0} == reading(carry(process, tmp_path))


def test_a_pattern_without_a_match(tmp_path: Path) -> None:
    """It is no reading, and the sentence shows the pattern."""
    found = fault(carry(process_of("echo hello", reads={"size": r"pattern:took (\S+)"}), tmp_path))
    assert "no reading" == found.reason
    assert "took" in found.note
    assert "hello" == found.tail


@pytest.mark.parametrize("pattern", ["(", "no group", "(two) (groups)"])
def test_a_pattern_nobody_can_read_is_refused_at_once(tmp_path: Path, pattern: str) -> None:
    """The recipe is wrong, not the run."""
    with pytest.raises(Malformed, match="pattern"):
        LocalDoer(process_of("true", reads={"size": f"pattern:{pattern}"}), directory=tmp_path, state=tmp_path)


def test_money_is_told(tmp_path: Path) -> None:
    """`money` that is no metric is spend."""
    assert 2.5 == carry(process_of('echo \'{"size": 1, "money": 2.5}\''), tmp_path).spend.money
    assert 0.0 == carry(process_of('echo \'{"size": 1, "money": -2.5}\''), tmp_path).spend.money


def test_exit_status_as_a_metric(tmp_path: Path) -> None:
    """Declared, it is read and is no fault; a signal is one all the same."""
    assert {"exit_status": 4.0} == reading(carry(process_of("exit 4", metrics=(exit_status,)), tmp_path))
    assert "crash" == fault(carry(process_of("kill -9 $$", metrics=(exit_status,)), tmp_path)).reason


def test_seconds_and_cpu(tmp_path: Path) -> None:
    """Sleeping takes time and no CPU; burning takes both, also in a child that the command waited for."""
    metrics = (lower("seconds"), lower("cpu_seconds"), lower("peak_memory"))
    asleep = reading(carry(process_of("sleep 0.3", metrics=metrics), tmp_path))
    assert 0.3 <= asleep["seconds"] < 3
    assert asleep["cpu_seconds"] < 0.1
    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    burned = reading(carry(process_of(f'"{sys.executable}" -S -c "{burn}"; true', metrics=metrics), tmp_path))
    assert 0.3 <= burned["cpu_seconds"] < 1
    assert burned["seconds"] >= 0.3


def test_peak_memory_is_the_commands_own(tmp_path: Path) -> None:
    """A large supervisor does not show in what a small command is measured to need; a large command does."""
    ballast = bytearray(os.urandom(1)) * (150 << 20)
    metrics = (lower("peak_memory"),)
    small = reading(carry(process_of("true", metrics=metrics), tmp_path))["peak_memory"]
    large = reading(carry(process_of(f'"{sys.executable}" -S -c "b = bytearray(90 << 20)"', metrics=metrics), tmp_path))
    assert 0 < small < 40
    assert 90 < large["peak_memory"] < 130
    del ballast


# ── commands: faults ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("command", "note"),
    [
        ("exit 3", "exit status 3"),
        ("no-such-command-anywhere", r"exit status 127 \(the shell found no such command\)"),
        ("kill -SEGV $$", "killed by SIGSEGV"),
        ("sh -c 'kill -ABRT $$'; exit $?", r"exit status 134 \(SIGABRT\)"),
    ],
)
def test_a_crash_says_how(tmp_path: Path, command: str, note: str) -> None:
    """By its status, or by its signal's name."""
    found = fault(carry(process_of(command), tmp_path))
    assert "crash" == found.reason
    assert re.fullmatch(note, found.note)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """The work cannot begin: a fault that names it."""
    found = fault(carry(process_of("true", directory="nowhere"), tmp_path))
    assert "crash" == found.reason
    assert "nowhere" in found.note


def test_the_limit_is_not_met_by_a_fast_run(tmp_path: Path) -> None:
    """A limit does not disturb a run that keeps it; one beyond it spends what it took."""
    assert {"size": 1.0} == reading(carry(process_of("echo 1", within=60), tmp_path))
    done = carry(process_of("sleep 1000", within=0.2), tmp_path)
    assert Fault(reason="timeout", note="longer than 0.2 s") == done.outcome
    assert 0.2 <= done.spend.seconds < 5


@linux
@pytest.mark.parametrize(
    "command",
    [
        "b = bytearray(500 << 20)",  # refused in one piece: the peak stays low, the work says why
        "import os\nb = []\ntry:\n  while True: b.append(bytearray(1 << 20))\nexcept MemoryError: os.abort()",
    ],
)
def test_memory(tmp_path: Path, command: str) -> None:
    """Beyond its memory, a command faults, however it takes it; within, it does not."""
    found = fault(carry(process_of(f'"{sys.executable}" -S -c "{command}"', memory=200), tmp_path))
    assert "memory" == found.reason
    assert "200 MiB" in found.note
    ordinary = process_of(f'"{sys.executable}" -S -c "raise SystemExit(3)"', memory=200)
    assert "crash" == fault(carry(ordinary, tmp_path)).reason
    roomy = process_of(f'"{sys.executable}" -S -c "b = bytearray(50 << 20); print(1)"', memory=500)
    assert {"size": 1.0} == reading(carry(roomy, tmp_path))


def test_huge_output(tmp_path: Path) -> None:
    """A command that prints 300 MB is read from its end, in bounded memory."""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    process = process_of("head -c 300000000 /dev/zero | tr '\\0' x; echo; echo 5")
    assert {"size": 5.0} == reading(carry(process, tmp_path))
    found = fault(carry(process_of("head -c 300000000 /dev/zero | tr '\\0' x; exit 1"), tmp_path))
    assert 4096 == len(found.tail)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < (100 << 10 if LINUX else 100 << 20)


def test_the_tail_holds_both_streams(tmp_path: Path) -> None:
    """Output first, then errors; bytes that are no text are shown as such."""
    found = fault(carry(process_of("printf 'out\\377'; echo err >&2; exit 1"), tmp_path))
    assert "out\ufffd\nerr" == found.tail


@pytest.mark.parametrize("value", ["a\0b", "\ud83d"])
def test_a_value_no_environment_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A NUL, and half a surrogate pair: faults, not exceptions."""
    monkeypatch.setattr(local, "environment", lambda *_: {"word": value})
    found = fault(carry(process_of("echo 1"), tmp_path))
    assert "crash" == found.reason
    assert found.note.startswith("word must be text")


# ── commands: what is around them ─────────────────────────────────────────────────────────────────────────────────────
def test_the_environment_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inherited, then the recipe's, then the setting's; an inactive parameter is absent even if it was inherited."""
    monkeypatch.setenv("level", "inherited")
    monkeypatch.setenv("word", "inherited")
    monkeypatch.setenv("KEPT", "as it was")
    script = "import json, os, sys; json.dump(dict(os.environ), open('seen', 'w')); print(1, len(sys.stdin.read()))"
    process = process_of(
        f'"{sys.executable}" -S -c "{script}"',
        reads={"size": r"pattern:^(\d)"},
        environment={"MORE": "$x", "x": "recipe"},
    )
    assert {"size": 1.0} == reading(carry(process, tmp_path, x=4))
    seen = json.loads((tmp_path / "seen").read_text())
    ours = {name: seen.pop(name) for name in ("KAIZEN_RUN", "KAIZEN_SEED", "KAIZEN_SETTING", "KAIZEN_GUARDIAN")}
    assert {"on": False, "word": "a", "x": 4} == json.loads(ours["KAIZEN_SETTING"])
    assert ("1", "11") == (ours["KAIZEN_RUN"], ours["KAIZEN_SEED"])
    for shells_own in ("PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"):
        seen.pop(shells_own, None)
    inherited = {name: value for name, value in os.environ.items() if name in seen and name not in {"word", "x"}}
    assert {**inherited, "MORE": "$x", "x": "4", "on": "false", "word": "a"} == seen
    assert "as it was" == seen["KEPT"]


@given(word=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=2, max_size=60))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_arrives(tmp_path: Path, word: str) -> None:
    """Byte for byte."""
    process = process_of('printf %s "$word" > seen; echo 1', words=("a", word))
    carry(process, tmp_path, word=word)
    assert word.encode() == (tmp_path / "seen").read_bytes()


def test_no_descriptor_is_inherited(tmp_path: Path) -> None:
    """A command has its three streams and nothing of ours, nor of runs beside it."""
    process = process_of("ls /dev/fd/ > seen-$KAIZEN_RUN; echo 1")
    with LocalDoer(process, directory=tmp_path, state=tmp_path / ".state") as doer:
        for number in range(4):
            doer.start(run_of(process, number=number))
        wait_for(doer, 4)
    for number in range(4):
        assert set((tmp_path / f"seen-{number}").read_text().split()) <= {"0", "1", "2", "3"}  # 3 is the listing itself


def test_signals_are_as_a_shell_expects(tmp_path: Path) -> None:
    """A broken pipe ends a command quietly; Python's own ignoring of it is not handed on."""
    process = process_of("yes | head -1 >/dev/null; echo 1", within=20)
    assert {"size": 1.0} == reading(carry(process, tmp_path))


def test_conditions(tmp_path: Path) -> None:
    """Every run says where it happened; a function's also on what."""
    assert {"host", "platform"} == set(carry(process_of("echo 1"), tmp_path).conditions)
    done = carry(function_process(), tmp_path, lambda **_: 1)
    assert {"host", "platform", "python", "code"} == set(done.conditions)
    assert "abc" == done.conditions["code"]


def test_nothing_is_left(tmp_path: Path) -> None:
    """No file, no descriptor and no child is left after many runs."""
    gc.collect()
    before = descriptors()
    process = process_of("echo 1")
    with LocalDoer(process, directory=tmp_path, state=tmp_path / ".state") as doer:
        for number in range(20):
            doer.start(run_of(process, number=number))
        wait_for(doer, 20)
    with LocalDoer(function_process(), directory=tmp_path, state=tmp_path / ".state", function=lambda **_: 1) as doer:
        for number in range(5):
            doer.start(run_of(process, number=number))
        wait_for(doer, 5)
    assert [] == [*(tmp_path / ".state").iterdir()]
    assert before == descriptors()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_closed_doer_says_so(tmp_path: Path) -> None:
    """Starting a run then is out of turn; closing again is nothing."""
    process = process_of("echo 1")
    with LocalDoer(process, directory=tmp_path, state=tmp_path) as doer:
        pass
    doer.close()
    with pytest.raises(OutOfTurn):
        doer.start(run_of(process))


# ── functions ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class Scalar:
    """A number of somebody else's make."""

    def __float__(self) -> float:
        """Return it."""
        return 2.5


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (3, {"size": 3.0}),
        (Scalar(), {"size": 2.5}),
        ({"size": Scalar(), "more": "ignored"}, {"size": 2.5}),
        ({"size": "4"}, {"size": 4.0}),
    ],
)
def test_what_a_function_may_return(tmp_path: Path, returned: object, expected: dict[str, float]) -> None:
    """A number of any make, or a mapping of them."""
    assert expected == reading(carry(function_process(), tmp_path, lambda **_: returned))


@pytest.mark.parametrize("returned", [None, True, float("nan"), float("inf"), "tall", [1], {"other": 1}, {}, -1, 1j])
def test_what_is_no_reading(tmp_path: Path, returned: object) -> None:
    """Anything else is a fault that names the metric."""
    found = fault(carry(function_process(), tmp_path, lambda **_: returned))
    assert "no reading" == found.reason
    assert "size" in found.note


def test_a_function_is_called_with_what_is_active(tmp_path: Path) -> None:
    """Inactive parameters are left to the function's own default; kinds are kept."""

    def tried(x: int, word: str, *, on: bool, level: int = 77) -> float:
        assert isinstance(x, int)
        assert isinstance(on, bool)
        assert tuple(os.environ[name] for name in ("word", "KAIZEN_RUN", "KAIZEN_SEED")) == (word, "1", "11")
        assert ("level" in os.environ) is on
        return level

    assert {"size": 77.0} == reading(carry(function_process(), tmp_path, tried))
    assert {"size": 2.0} == reading(carry(function_process(), tmp_path, tried, on=True, level=2))


def test_a_function_is_measured_around_its_call(tmp_path: Path) -> None:
    """Time, CPU and memory of the call, where it does not return them itself."""
    metrics = (lower("size"), lower("seconds"), lower("cpu_seconds"), lower("peak_memory"))

    def burn(**_: object) -> float:
        ballast = bytearray(80 << 20)
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
        time.sleep(0.2)
        return len(ballast)

    read = reading(carry(function_process(*metrics), tmp_path, burn))
    assert 0.2 <= read["cpu_seconds"] < 0.35
    assert 0.4 <= read["seconds"] < 2
    assert read["peak_memory"] > 80
    quick = reading(carry(function_process(*metrics), tmp_path, lambda **_: {"size": 1, "cpu_seconds": 5}))
    assert quick["seconds"] < 0.01
    assert 5 == quick["cpu_seconds"]
    assert {"seconds": 8.0} == reading(carry(function_process(lower("seconds")), tmp_path, lambda **_: 8))
    assert 0 < reading(carry(function_process(lower("seconds")), tmp_path, lambda **_: None))["seconds"] < 1


def _raises(**_: object) -> float:
    print("on my way")  # noqa: T201
    raise ValueError("too hot")


@pytest.mark.parametrize(
    ("function", "reason", "note", "tail"),
    [
        (_raises, "crash", "ValueError: too hot", "on my way\nTraceback"),
        (lambda **_: sys.exit(0), "crash", "SystemExit: 0", "SystemExit"),
        (lambda **_: os._exit(0), "crash", "the function's process ended before", ""),
        (lambda **_: os._exit(9), "crash", "exit status 9", ""),
        (lambda **_: os.kill(os.getpid(), 11), "crash", "killed by SIGSEGV", ""),
        (lambda **_: os.kill(os.getpid(), 2), "crash", "KeyboardInterrupt", ""),
        (lambda **_: time.sleep(1000), "timeout", "longer than 0.5 s", ""),
        (lambda x, **_: x.nothing, "crash", "AttributeError: 'int'", "nothing"),
    ],
)
def test_a_functions_faults(tmp_path: Path, function: Callable[..., object], reason: str, note: str, tail: str) -> None:
    """Whatever it does, it is a fault and never an exception here."""
    found = fault(carry(function_process(within=0.5), tmp_path, function))
    assert reason == found.reason
    assert found.note.startswith(note)
    assert tail in found.tail


@linux
def test_a_functions_memory(tmp_path: Path) -> None:
    """The limit is on what it adds to what its process has."""
    found = fault(carry(function_process(memory=100), tmp_path, lambda **_: len(bytearray(300 << 20))))
    assert ("memory", "MemoryError under a limit of 100 MiB more") == (found.reason, found.note)
    assert {"size": 1.0} == reading(
        carry(function_process(memory=300), tmp_path, lambda **_: len(bytearray(50 << 20)) and 1)
    )


def test_a_function_changes_nothing_here(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What it prints, sets and leaves open is its own; exit handlers here are not run there."""
    seen = []

    def noisy(**_: object) -> float:
        print("noise")  # noqa: T201
        os.write(2, b"noise")
        subprocess.run(["echo", "noise"], check=True)
        os.environ["LEFT"] = "behind"
        seen.append(1)
        return 1

    print("here", end="")  # noqa: T201
    assert {"size": 1.0} == reading(carry(function_process(), tmp_path, noisy))
    assert [] == seen
    assert "LEFT" not in os.environ
    assert ("here", "") == capfd.readouterr()


def test_a_function_that_comes_back_twice(tmp_path: Path) -> None:
    """It forked and did not say goodbye: one result all the same."""

    def twice(**_: object) -> float:
        return 1 if os.fork() else 2

    assert {"size": 1.0} == reading(carry(function_process(), tmp_path, twice))


@linux
def test_a_function_has_no_hand_on_the_ledger(tmp_path: Path) -> None:
    """What is open under our state is blank there, and its number taken; what else is open stays the function's own."""
    state = tmp_path / ".state"
    state.mkdir()
    (state / "ledger.db").write_text("precious")
    (tmp_path / "data").write_text("12")
    with (state / "ledger.db").open("r+") as ledger, (tmp_path / "data").open() as data:

        def meddle(**_: object) -> float:
            os.write(ledger.fileno(), b"broken!")
            return float(data.read())

        assert {"size": 12.0} == reading(carry(function_process(), tmp_path, meddle))
    assert "precious" == (state / "ledger.db").read_text()


def test_from_a_thread(tmp_path: Path) -> None:
    """A doer works in whichever thread made it, and survives that other threads come and go."""
    found: list[Done] = []
    threads = [
        threading.Thread(target=lambda: found.append(carry(function_process(), tmp_path, lambda **_: 1))),
        threading.Thread(target=lambda: found.append(carry(process_of("echo 1"), tmp_path))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [{"size": 1.0}] * 2 == [reading(done) for done in found]


# ── at the door ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_what_is_refused(tmp_path: Path) -> None:
    """Work for people, and a function that is not there."""
    by_hand = function_process()
    with pytest.raises(Malformed, match="must be callable"):
        LocalDoer(by_hand, directory=tmp_path, state=tmp_path)
    fields = {field: getattr(by_hand, field) for field in by_hand.__struct_fields__}
    del fields["work"]
    with pytest.raises(Malformed, match="for people"):
        LocalDoer(Process(**fields), directory=tmp_path, state=tmp_path)


def test_without_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run, with limits on themselves; functions are refused; what nobody measures is no reading."""
    monkeypatch.setattr(local, "FORKS", False)
    assert {"size": 1.0} == reading(carry(process_of("echo $x"), tmp_path))
    assert "timeout" == fault(carry(process_of("exec sleep 100", within=0.1), tmp_path)).reason
    assert "crash" == fault(carry(process_of("echo 1", directory="nowhere"), tmp_path)).reason
    assert "no reading" == fault(carry(process_of("true", metrics=(lower("cpu_seconds"),)), tmp_path)).reason
    with pytest.raises(Malformed, match="no fork"):
        carry(function_process(), tmp_path, lambda **_: 1)
    process = process_of("exec sleep 100")
    with LocalDoer(process, directory=tmp_path, state=tmp_path / ".state") as doer:
        doer.start(run_of(process))
        held: Any = doer._going[0].held
    wait_until(lambda: held.process.poll() is not None, "it is killed")
