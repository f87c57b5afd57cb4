"""``kaizen improve``: what it prints as it goes, how it ends, and how it is stopped."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kaizen.faces.cli.improve import load
from kaizen.faces.cli.progress import board, budget
from kaizen.workshop import open_workshop
from kaizen.workshop.improving import Moment
from tests.faces.said import Said, Shell, shell

RECIPE = """
[process.pack]
do = '''printf '{"size": %s}' $((100 - 5 * level))'''

[process.pack.metric]
size = { better = "lower", exact = true, worthwhile = 0.01 }

[process.pack.standard]
level = 1

[process.pack.may]
level = "1..9"

[process.pack.policy]
planner = "steps"
"""
SLOW = """
[process.slow]
do     = "if [ $x = 50.0 ] && [ $y = 50.0 ]; then sleep 0.1; else sleep 2; fi"
within = "10 s"

[process.slow.metric]
seconds = { better = "lower", worthwhile = 0.1 }

[process.slow.standard]
x = 50.0
y = 50.0

[process.slow.may]
x = "0.0..100.0"
y = "0.0..100.0"
"""
FUNCTION = """
from typing import Annotated
from kaizen import improvable, lower, whole

@improvable(lower("size", exact=True))
def pack(level: Annotated[int, whole(1, 9)] = 1) -> float:
    return 100.0 - 5 * level

def plain(): ...
number = 3
"""


@pytest.fixture
def kaizen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shell:
    """Run command lines in a folder of their own, where there is a recipe."""
    monkeypatch.chdir(tmp_path)
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")

    return shell(capfd)


# ── what is printed ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_for_each_event(kaizen: Shell) -> None:
    """What proof will take comes first, then a line per run and event, then why it rests, then the summary."""
    said = kaizen("improve", "--runs", "30", "--seconds", "10 min", "--workers", "2")
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[:2] == ["Standard 1: level=1", "size: exact, one pair decides"]
    events = [line for line in lines if re.match(r"\d\d:\d\d:\d\d  ", line)]
    runs = [line for line in events if " Run " in line]
    assert len(runs) == int(re.search(r"Spent +(\d+) runs", said.out)[1])  # type: ignore[index]
    assert any("  adopted  Standard 2: " in line for line in events)
    assert any(line.startswith("The wheel rests: ") for line in lines)
    assert "\nProven\n  Standard 2: " in said.out
    assert "All together, standard " in said.out
    summary = said.out[said.out.index("The wheel rests") :]
    assert max(map(len, summary.splitlines())) <= 100
    assert "best" not in summary
    assert "significant" not in summary


def test_quiet_says_only_the_end(kaizen: Shell) -> None:
    """The budget is in all; more of it goes on, and the reason to rest says how."""
    said = kaizen("improve", "pack", "--runs", "4", "--quiet")
    why, then = said.out.splitlines()[:2]
    assert why == "The wheel rests: the budget of 4 runs is spent (4 made, 0 under way)."
    assert then == "  then: kaizen improve pack --runs +60 goes on"
    assert "Spent         4 runs" in kaizen("improve", "--quiet").out
    assert re.search(r"Spent +6 runs", kaizen("improve", "--runs", "+2", "--quiet").out)


def test_records_for_programs(kaizen: Shell) -> None:
    """Events are the records of the log, one a line; the last line says why it rests and where it stands."""
    said = kaizen("improve", "--runs", "6", "--json")
    *events, rest = map(json.loads, said.out.splitlines())
    log = list(map(json.loads, kaizen("log", "-n", "1000", "--json").out.splitlines()))
    assert [record for record in log if record["kind"] != "Described"] == events
    assert (rest["kind"], rest["reason"], rest["spent"]["runs"]) == ("Rest", "budget", 6)
    quiet = kaizen("improve", "--runs", "6", "--json", "--quiet").out.splitlines()
    assert len(quiet) == 1


def test_a_board_says_what_matters(kaizen: Shell) -> None:
    """The tightest budget is the bar; standard, spend, what is tried and why, errors and andon are rows."""
    kaizen("improve", "--runs", "5", "--seconds", "1000", "--quiet")
    with open_workshop(root=Path()) as shop:
        bench = shop["pack"]
        assert budget(bench.head) == (bench.head.spent.runs, 5.0)
        shop["pack"].andon("smoke", by="ana")
        rows = dict(board(Moment(head=bench.head, running=()), bench.budget_left()))
    assert rows["standard"].startswith("Standard ")
    assert "error budget" not in rows  # nothing is charged where all is exact
    assert rows["andon"] == "andon pulled by ana: smoke"


# ── functions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("named", ["work.py:pack", "cli_improve_work:pack"])
def test_a_function(kaizen: Shell, named: str) -> None:
    """A function is named by its file or by its module; afterwards its process is at hand by its own name."""
    Path("kaizen.toml").unlink()
    Path("work.py").write_text(FUNCTION, encoding="utf-8")
    Path("cli_improve_work.py").write_text(FUNCTION, encoding="utf-8")
    said = kaizen("improve", named, "--runs", "6", "--quiet")
    assert (said.status, said.err) == (0, "")
    assert kaizen("show").out.startswith("pack  standard ")
    alone = kaizen("improve", "pack")
    assert alone.status == 2
    assert "the function of pack must be named with its module or file" in alone.err
    assert "hint: kaizen improve " in alone.err


@pytest.mark.parametrize(
    ("text", "named", "sentence"),
    [
        (FUNCTION, "work.py:no", "work.py must have a function no; got none of that name"),
        (FUNCTION, "work.py:number", "work.py:number must be a function; got 3"),
        (FUNCTION, "work.py:plain", "plain must be an improvable function; got one without a description"),
        ("1 / 0", "work.py:f", "work.py must load without an error; got ZeroDivisionError: division by zero"),
        ("import no_such", "work.py:f", "work.py must load without an error; got ModuleNotFoundError"),
        ("None.x", "work.py:f", "work.py must load without an error; got AttributeError"),
        ("def f(:", "work.py:f", "work.py must load without an error; got SyntaxError"),
    ],
)
def test_a_function_that_is_none(kaizen: Shell, text: str, named: str, sentence: str) -> None:
    """Whatever is wrong with a module is a sentence."""
    Path("work.py").write_text(text, encoding="utf-8")
    said = kaizen("improve", named)
    assert (said.status, said.out) == (2, "")
    assert sentence in said.err


def test_a_method_of_a_class(kaizen: Shell) -> None:
    """A name may have dots."""
    Path("inner.py").write_text("class A:\n    def f(): return 3\n", encoding="utf-8")
    assert load("inner.py:A.f")() == 3


# ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def begin(*words: str) -> subprocess.Popen[str]:
    """Start a slow improving in a process group of its own, as a terminal would."""
    Path("kaizen.toml").write_text(SLOW, encoding="utf-8")
    script = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    script += "from kaizen.faces.cli import main; sys.exit(main(sys.argv[1:]))"
    child = subprocess.Popen(
        [sys.executable, "-c", script, "improve", "--runs", "400", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout
    for line in child.stdout:
        if '"run":2,' in line or " Run 2: " in line:  # the standard ran twice; a slow scout is under way
            time.sleep(0.3)
            return child
    raise AssertionError(child.stderr.read() if child.stderr else "")


def end(child: subprocess.Popen[str]) -> Said:
    """Wait for its end; return what it still said."""
    out, err = child.communicate(timeout=20)
    return Said(child.returncode, out, err)


def open_runs(kaizen: Shell) -> list[Any]:
    """Return the runs that are still in somebody's hands; the ledger is sound."""
    assert kaizen("doctor").status == 0
    document: dict[str, list[Any]] = json.loads(kaizen("show", "slow", "--json").out)
    return document["runs"]


def test_ctrl_c_finishes_what_is_under_way(kaizen: Shell) -> None:
    """The first one lets the run end, and tells the summary."""
    child = begin()
    os.killpg(child.pid, signal.SIGINT)
    said = end(child)
    assert said.status == 130
    assert said.err == "kaizen: finishing what is under way; Ctrl-C again to stop now\n"
    assert "The wheel rests: you stopped it." in said.out
    assert open_runs(kaizen) == []


def test_a_second_ctrl_c_stops_at_once(kaizen: Shell) -> None:
    """Its run is handed out again by the next improve; nothing is left running."""
    child = begin()
    os.killpg(child.pid, signal.SIGINT)
    time.sleep(0.1)
    os.killpg(child.pid, signal.SIGINT)
    said = end(child)
    assert said.status == 130
    assert "Stopped at once. Nothing is lost" in said.out
    assert len(open_runs(kaizen)) == 1
    with pytest.raises(ProcessLookupError):
        os.killpg(child.pid, 0)


def test_sigterm_stops_at_once(kaizen: Shell) -> None:
    """As the second Ctrl-C, with its own status; the last line of JSON says so."""
    child = begin("--json")
    child.send_signal(signal.SIGTERM)
    said = end(child)
    assert (said.status, said.err) == (143, "")
    rest = json.loads(said.out.splitlines()[-1])
    assert (rest["kind"], rest["because"]) == ("Rest", "stopped at once")
    assert len(open_runs(kaizen)) == 1


def test_a_terminal_is_painted(kaizen: Shell) -> None:
    """On a terminal there is a board, taken away at the end; nothing has a thread."""
    Path("kaizen.toml").write_text(SLOW, encoding="utf-8")
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm", COLUMNS="100", LINES="40")
        os.execv(sys.executable, [sys.executable, "-m", "kaizen", "improve", "--runs", "3"])
    shown = b""
    while select.select([terminal], [], [], 20)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    text = shown.decode()
    assert status == 0, text
    for part in ("budget", "Standard 1: x=50.0, y=50.0", "trying", "the standard again", "The wheel rests"):
        assert part in text
