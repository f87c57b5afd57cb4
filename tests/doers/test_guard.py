"""Nothing lives on: not beyond a limit, not after a guardian, a nursery or a supervisor that was killed."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kaizen.do import Done
from kaizen.doers.local import LocalDoer
from kaizen.process import Function, Process
from kaizen.testing.doers import lives, process_of, run_of, wait_for, wait_until
from kaizen.trial import Fault, Reading

LINUX = sys.platform == "linux"
linux = pytest.mark.skipif(not LINUX, reason="Linux alone can do this")

DAEMON = 'setsid sh -c "sleep 1000 & sleep 1000" </dev/null >/dev/null 2>&1 & '
"""A daemon in a session of its own, and its child."""
FAMILY = f"{DAEMON if LINUX else ''} sleep 1000 & (sleep 1000 & sleep 1000) & "


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """Mark all that this test starts, in its environment."""
    text = f"kaizen-{secrets.token_hex(8)}"
    monkeypatch.setenv("KAIZEN_TEST_MARK", text)
    return text


def marked(mark: str) -> list[int]:
    """Return the living processes that carry a mark, but not this one."""
    found = []
    if not LINUX:
        said = subprocess.run(["ps", "axeww", "-o", "pid=,command="], capture_output=True, text=True, check=True).stdout
        return [
            int(line.split()[0]) for line in said.splitlines() if mark in line and int(line.split()[0]) != os.getpid()
        ]
    for place in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if place.name.isdecimal() and int(place.name) != os.getpid():
                text = (place / "environ").read_bytes() + (place / "cmdline").read_bytes()
                if mark.encode() in text and lives(int(place.name)):
                    found.append(int(place.name))
    return found


def function_process(**rules: object) -> Process:
    """Return a process of a function, otherwise as `process_of` makes it."""
    shell = process_of("true")
    fields = {field: getattr(shell, field) for field in shell.__struct_fields__}
    return Process(**{**fields, "work": Function(name="tests:function", **rules)})  # type: ignore[arg-type]


@contextlib.contextmanager
def going(
    process: Process, directory: Path, mark: str, *, count: int, function: Callable[..., object] | None = None
) -> Iterator[LocalDoer]:
    """Start one run and wait until it has its whole family."""
    with LocalDoer(process, directory=directory, state=directory / ".state", function=function) as doer:
        doer.start(run_of(process))
        wait_until(lambda: len(marked(mark)) >= count, f"{count} processes are there")
        yield doer


def none_left(mark: str, *, but: tuple[int, ...] = ()) -> None:
    """Wait until nothing that carries the mark lives."""
    wait_until(lambda: set(marked(mark)) <= set(but), "nothing lives", seconds=5)


FAMILY_SIZE = 8 if LINUX else 5  # at least: nursery, guardian, command, three sleeps; a daemon of two


@pytest.mark.parametrize("end", ["sleep 1000", "wait"])
def test_a_timeout_kills_the_whole_family(tmp_path: Path, mark: str, end: str) -> None:
    """Children, grandchildren, and on Linux daemons; the nursery lives on for the next run."""
    process = process_of(f"{FAMILY} {end}", within=0.5)
    with going(process, tmp_path, mark, count=FAMILY_SIZE) as doer:
        (done,) = wait_for(doer, 1)
        assert isinstance(done.outcome, Fault)
        assert "timeout" == done.outcome.reason
        assert len(marked(mark)) <= 1, "they were killed before the run was said to have ended"
    none_left(mark)


def test_what_stays_behind_is_killed(tmp_path: Path, mark: str) -> None:
    """The work ends well and leaves a family: it is killed, and the reading stands."""
    process = process_of(f"{FAMILY} echo 1")
    with LocalDoer(process, directory=tmp_path, state=tmp_path / ".state") as doer:
        doer.start(run_of(process))
        (done,) = wait_for(doer, 1)
        assert isinstance(done.outcome, Reading)
        assert len(marked(mark)) <= 1
    assert done.spend.seconds < 30


def test_closing_kills_the_whole_family(tmp_path: Path, mark: str) -> None:
    """When `close` returns, nothing lives."""
    with going(process_of(f"{FAMILY} wait"), tmp_path, mark, count=FAMILY_SIZE):
        pass
    assert [] == marked(mark)


def test_a_functions_family(tmp_path: Path, mark: str) -> None:
    """What a function has started goes with it, whether it ends or is killed."""

    def start(**_: object) -> float:
        subprocess.Popen(["sh", "-c", f"{FAMILY} wait"])
        return 1

    process = function_process()
    with LocalDoer(process, directory=tmp_path, state=tmp_path / ".state", function=start) as doer:
        doer.start(run_of(process))
        (done,) = wait_for(doer, 1)
        assert isinstance(done.outcome, Reading)
        assert [] == marked(mark)


def guardian_of(doer: LocalDoer) -> int:
    """Return the guardian of the only run, as it told first."""
    held = doer._going[0].held
    wait_until(lambda: held.poll() is None and b"guardian" in held._heard, "the guardian has told")
    return int(held._heard.split(b'"guardian": ')[1].split(b",")[0])


@linux
@pytest.mark.parametrize("kind", ["command", "function"])
def test_a_guardian_that_is_killed_takes_the_work_along(tmp_path: Path, mark: str, kind: str) -> None:
    """The work dies with it, what the work has started is hunted down, and the run is a crash that says so."""

    def start(**_: object) -> int:
        return subprocess.call(["sh", "-c", f"{FAMILY} wait"])

    process = process_of(f"{FAMILY} wait") if kind == "command" else function_process()
    with going(process, tmp_path, mark, count=7, function=start) as doer:
        os.kill(guardian_of(doer), signal.SIGKILL)
        (done,) = wait_for(doer, 1)
        assert isinstance(done.outcome, Fault)
        assert ("crash", "the guardian of the run was killed, so the work was killed too") == (
            done.outcome.reason,
            done.outcome.note,
        )
        assert len(marked(mark)) <= 1
        assert done.spend.seconds > 0
    none_left(mark)


@linux
def test_a_stopped_guardian_does_not_stop_us(tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guardian that does not answer is killed itself in the end."""
    monkeypatch.setattr("kaizen.doers.local.nursery.GRACE_S", 0.1)
    with going(process_of("sleep 1000"), tmp_path, mark, count=2) as doer:
        os.kill(guardian_of(doer), signal.SIGSTOP)
    none_left(mark)


def test_a_nursery_that_is_killed_is_replaced(tmp_path: Path, mark: str) -> None:
    """Runs that go on are not touched; the next one finds a new nursery."""
    process = process_of("until [ -e go ]; do sleep 0.01; done; echo 1", within=60)
    with going(process, tmp_path, mark, count=2) as doer:
        nursery = doer._nursery
        assert nursery is not None
        nursery.process.kill()
        nursery.process.wait()
        doer.start(run_of(process, number=2))
        assert nursery is not doer._nursery
        (tmp_path / "go").touch()
        assert {1, 2} == {done.run.id for done in wait_for(doer, 2) if isinstance(done.outcome, Reading)}
    none_left(mark)


SUPERVISOR = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the suite may have had it ignored
from pathlib import Path
sys.path.insert(0, {src!r})
from kaizen.doers.local import LocalDoer
from kaizen.testing.doers import process_of, run_of
sys.path.insert(0, {here!r})
import subprocess
from test_guard import FAMILY, function_process
directory = Path(sys.argv[1])
def start(**_):
    return subprocess.call(["sh", "-c", FAMILY + " wait"])
command, function = process_of(FAMILY + " wait"), function_process()
first = LocalDoer(command, directory=directory, state=directory / ".state")
second = LocalDoer(function, directory=directory, state=directory / ".state", function=start)
for number in range(2):  # each is forked while the others' pipes are open
    first.start(run_of(command, number=number))
    second.start(run_of(function, number=number))
print("started", flush=True)
while True:
    first.wait(1000), second.wait(1000)
"""


@linux
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_supervisor_that_is_killed_leaves_nothing(tmp_path: Path, mark: str, blow: signal.Signals) -> None:
    """Four runs, four families, daemons among them: all dead within five seconds, and no file left."""
    script = SUPERVISOR.format(src=str(Path(__file__).parents[2] / "src"), here=str(Path(__file__).parent))
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert supervisor.stdout is not None
    try:
        with supervisor.stdout:
            assert b"started\n" == supervisor.stdout.readline()
        wait_until(lambda: len(marked(mark)) >= 4 * 7 + 2, "four families are there")
        supervisor.send_signal(blow)
        supervisor.wait(30)
    finally:
        supervisor.kill()
        supervisor.wait()
    none_left(mark)
    assert [] == [*(tmp_path / ".state").iterdir()]


def test_an_interrupt_is_the_supervisors_alone(tmp_path: Path, mark: str) -> None:
    """Ctrl-C goes to the foreground's process group; guardians and work are in sessions of their own."""
    with going(process_of("sleep 1000"), tmp_path, mark, count=2):
        assert os.getsid(0) not in {os.getsid(pid) for pid in marked(mark)}


def test_a_fork_of_the_supervisor_holds_nothing(tmp_path: Path, mark: str) -> None:
    """Somebody forks the supervisor, and it dies: the fork does not keep the runs alive."""
    process = process_of("sleep 1000")
    told, teller = os.pipe()
    supervisor = os.fork()
    if supervisor == 0:
        try:
            doer = LocalDoer(process, directory=tmp_path, state=tmp_path / ".state")
            doer.start(run_of(process))
            bystander = os.fork()
            if bystander == 0:
                doer.close()  # not its own: nothing happens
                signal.pause()
            wait_until(lambda: len(marked(mark)) >= 2, "the work is there")
            os.write(teller, f"{bystander}\n".encode())
            signal.pause()
        finally:
            os._exit(1)
    bystander = int(os.read(told, 100))
    work = marked(mark)
    os.kill(supervisor, signal.SIGKILL)
    os.waitpid(supervisor, 0)
    wait_until(
        lambda: not any(lives(pid) for pid in work if pid not in {bystander, supervisor}), "it is dead", seconds=5
    )
    os.kill(bystander, signal.SIGKILL)
    os.close(told)
    os.close(teller)


def test_many_at_once(tmp_path: Path, mark: str) -> None:
    """Thirty runs beside one another, short and long, each with its own outcome."""
    process = process_of('[ "$x" = 9 ] && sleep 1000; [ "$x" = 8 ] && exit 8; echo $KAIZEN_RUN', within=3)
    with LocalDoer(process, directory=tmp_path, state=tmp_path / ".state") as doer:
        for number in range(1, 31):
            doer.start(run_of(process, number=number, x=number % 10 or 1))
        ended: dict[int, Done] = {done.run.id: done for done in wait_for(doer, 30)}
    for number, done in ended.items():
        match done.outcome:
            case Reading(values=values):
                assert {"size": number} == values
            case Fault(reason=reason):
                assert {8: "crash", 9: "timeout"}[number % 10] == reason
    none_left(mark)
