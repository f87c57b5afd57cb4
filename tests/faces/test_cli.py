"""The command line by hand: every verb, what it says, what it answers programs, and every error as a sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kaizen.errors import Damaged
from kaizen.faces.cli.commands import COMMANDS
from kaizen.faces.cli.grammar import help_of, manual, overview
from kaizen.ledgers import driver
from tests.faces.said import Shell, shell

RECIPE = """
[process.coffee]
about = "The first cup of the day."

[process.coffee.metric]
taste = { better = "higher", scale = "difference", worthwhile = 0.5, exact = true, unit = "points" }

[process.coffee.standard]
grind   = 8
celsius = 90.0

[process.coffee.may]
grind   = "1..20"
celsius = "80.0..99.0 degC"
"""
CONSENT = '[process.coffee.policy]\nconsent = "ana"\n'


@pytest.fixture
def kaizen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run command lines in a folder of their own."""
    monkeypatch.chdir(tmp_path)

    return shell(capsys)


@pytest.fixture
def coffee(kaizen: Shell) -> Shell:
    """Write a recipe for hands."""
    Path("kaizen.toml").write_text(RECIPE + CONSENT, encoding="utf-8")
    return kaizen


def brew(kaizen: Shell, *, by: str = "ana") -> list[str]:
    """Answer a pair of cups: eleven tastes better; return what was said."""
    asked = kaizen("ask", "coffee", "--by", by, "-n", "2", "--json").document
    said = []
    for run in (*asked["in_hand"], *asked["runs"]):
        taste = "7.5" if run["setting"]["grind"] == 11 else "6.5"
        said.append(kaizen("tell", "coffee", str(run["run"]), f"taste={taste}").out)
    return said


def proven(kaizen: Shell) -> None:
    """Bring coffee to a trial that is better."""
    assert kaizen("propose", "coffee", "grind=11", "--because", "finer is sweeter", "--by", "ana").status == 0
    brew(kaizen)


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_from_nod_to_consent(coffee: Shell) -> None:
    """The whole way: consult, propose, ask, tell, judge, consent."""
    assert "go: nothing like it" in coffee("nod", "coffee", "grind=11").out
    assert not Path(".kaizen").exists()
    offer = coffee("propose", "coffee", "grind=11", "--because", "sweeter", "--by", "ana")
    assert "Proposal 1 of coffee: grind=11 (was 8)\n  veteran: go:" in offer.out
    told = brew(coffee)
    assert "  judged: trial 1: better: taste +1 points (exact) over 1 pair" in told[-1]
    assert "trial 1 waits for the consent of ana" in coffee("show").out
    assert "it waits for the consent of ana" in coffee("check", "coffee").out
    wrong = coffee("consent", "coffee", "--by", "tom")
    assert (wrong.status, wrong.out) == (2, "")
    assert wrong.err == "kaizen: consent to coffee must be given by ana; got it from tom\n"
    assert coffee("consent", "coffee", "--by", "ana", "sweeter").out.startswith("Standard 2: celsius=90.0, grind=11\n")
    shown = coffee("show", "coffee").out
    assert "promised taste +1 points (exact)\n    over standard 1, proven by 1 pair in trial 1" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_ask_says_first_what_is_in_hand(coffee: Shell) -> None:
    """Asking twice hands out once; --more takes another; a pair's second cup comes after the first."""
    first = coffee("ask", "coffee", "--by", "ana").out
    assert first.startswith("Run 1 of coffee: celsius=90.0, grind=8\n")
    assert "kaizen tell coffee 1 taste=NUMBER" in first
    again = coffee("ask", "coffee", "--by", "ana").out
    assert again.startswith("You have this in hand already, ana:\nRun 1 of coffee")
    more = coffee("ask", "coffee", "--by", "ana", "--more", "--json").document
    assert [run["run"] for run in more["in_hand"]] == [1]
    assert [run["run"] for run in more["runs"]] == [2]
    assert "side" not in more["runs"][0]
    three = coffee("ask", "coffee", "--by", "ana", "-n", "3", "--json").document
    assert ([run["run"] for run in three["in_hand"]], [run["run"] for run in three["runs"]]) == ([1, 2], [3])


def test_the_second_of_a_pair_waits_for_the_first(coffee: Shell) -> None:
    """Of a pair in hand, the first is shown until it is answered; whoever asks anew gets the other then."""
    coffee("propose", "coffee", "grind=11", "--because", "sweeter", "--by", "ana")
    first = coffee("ask", "coffee", "--by", "ana", "--json").document["runs"][0]
    assert [run["run"] for run in coffee("ask", "coffee", "--by", "ana", "--json").document["in_hand"]] == [
        first["run"]
    ]
    coffee("tell", "coffee", str(first["run"]), "taste=7")
    second = coffee("ask", "coffee", "--by", "ana", "--json").document
    assert [run["run"] for run in second["in_hand"]] == [first["run"] + 1]
    assert second["in_hand"][0]["setting"] != first["setting"]


def test_answers(coffee: Shell) -> None:
    """An answer counts once, under its holder's name; another answer clashes; a fault has a reason."""
    coffee("ask", "coffee", "--by", "ana")
    assert coffee("tell", "coffee", "1", "taste=7.5 points", "--money", "2").out == "Run 1 of coffee: taste=7.5\n"
    again = coffee("tell", "coffee", "1", "taste=7.5", "--json").document
    assert (again["again"], again["reading"]) == (True, {"taste": 7.5})
    clash = coffee("tell", "coffee", "1", "taste=7.6")
    assert (clash.status, "run 1 must be answered once" in clash.err) == (2, True)
    log = coffee("log", "coffee", "--json").documents
    assert [record["by"] for record in log if record["kind"] == "Told"] == ["ana"]
    coffee("ask", "coffee", "--by", "bob")
    assert coffee("fault", "coffee", "2", "machine leaked").out == "Run 2 of coffee: fault: told (machine leaked)\n"
    assert "1 without a reading" in coffee("show", "coffee").out
    assert "fault: told (machine leaked)" in coffee("show", "coffee", "--run", "2").out


def test_correct_shows_both_verdicts(coffee: Shell) -> None:
    """A correction judges again, and says what the judge said before."""
    proven(coffee)
    better = next(
        run["run"]
        for run in coffee("show", "coffee", "--trial", "1", "--json").document["runs"]
        if run["side"] == "increment"
    )
    said = coffee("correct", "coffee", str(better), "taste=5.7", "--because", "digits swapped").out
    assert said.startswith(f"Run {better} of coffee now reads taste=5.7\n  verdict before: better: taste +1 points")
    assert "\n  verdict now:    worse: taste -0.8 points" in said
    assert "before it was corrected" in coffee("show", "coffee", "--run", str(better)).out


def test_refuse_and_rollback(coffee: Shell) -> None:
    """A refusal keeps the standard and teaches; a rollback is the next standard."""
    proven(coffee)
    refused = coffee("refuse", "coffee", "--by", "ana", "too slow").out
    assert refused.startswith("Refused by ana; the standard stays\n")
    assert "too slow" in coffee("lessons", "coffee", "SLOW").out
    assert coffee("lessons", "coffee", "zebra").out == "nothing is written down about 'zebra'\n"
    assert coffee("rollback", "coffee", "--because", "no reason").status == 2
    coffee("propose", "coffee", "celsius=93", "--because", "hotter", "--by", "ana")
    for run in coffee("ask", "coffee", "--by", "ana", "-n", "2", "--json").document["runs"]:
        coffee("tell", "coffee", str(run["run"]), f"taste={7.5 if run['setting']['celsius'] == 93 else 6.5}")
    coffee("consent", "coffee", "--by", "ana")
    back = coffee("rollback", "coffee", "--because", "customers complain", "--to", "1").out
    assert back == "Standard 3: celsius=90.0, grind=8\n  rolled back to standard 1: customers complain\n"
    every = coffee("standard", "--all", "--json").document["standards"]
    assert [one["evidence"] for one in every] == ["given", "proven", "given"]
    assert "nothing has been proven" not in coffee("show", "coffee").out


def test_listening(coffee: Shell) -> None:
    """Voices are kept; a pulled cord hands nothing out until it is cleared by name."""
    assert coffee("voice", "coffee", "bitter", "--by", "tom", "--theme", "taste").out == "Heard, tom: bitter\n"
    assert "kaizen clear coffee" in coffee("andon", "coffee", "it smells burnt", "--by", "tom").out
    waiting = coffee("ask", "coffee", "--by", "ana")
    assert (waiting.status, "andon pulled by tom: it smells burnt" in waiting.err) == (2, True)
    shown = coffee("show", "coffee").out
    assert "Andon         pulled by tom: it smells burnt (nothing is handed out" in shown
    assert "  tom: bitter" in shown
    assert "cleared by ana: hose replaced" in coffee("clear", "coffee", "hose replaced", "--by", "ana").out
    assert coffee("clear", "coffee", "again", "--by", "ana").status == 2
    assert coffee("ask", "coffee", "--by", "ana").status == 0


def test_what_was_adopted_is_made_known(kaizen: Shell) -> None:
    """The file of the process in use follows a consent, an automatic adoption and a rollback."""
    Path("kaizen.toml").write_text(RECIPE.replace("about", 'adopted = "now.json"\nabout', 1), encoding="utf-8")
    proven(kaizen)
    assert json.loads(Path("now.json").read_text(encoding="utf-8"))["grind"] == 11
    kaizen("rollback", "coffee", "--because", "customers complain")
    assert json.loads(Path("now.json").read_text(encoding="utf-8"))["grind"] == 8


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_looking_makes_no_ledger(coffee: Shell) -> None:
    """A missing ledger is a sentence and a hint, and stays missing; what proof will take is said without one."""
    for words in (["show"], ["show", "coffee"], ["log"], ["standard"], ["check", "coffee"], ["lessons", "coffee"],
                  ["doctor"], ["export"], ["report"], ["backup", "x.db"], ["rebuild"]):  # fmt: skip
        said = coffee(*words)
        assert (said.status, said.out) == (2, ""), words
        assert said.err.startswith("kaizen: a ledger must be there to be looked at; got none at "), words
        assert "\n  hint: " in said.err
    assert coffee("outlook").out.startswith("taste: exact, one pair decides")
    assert "error budget" not in coffee("outlook").out  # nothing is charged where all is exact
    assert not Path(".kaizen").exists()
    assert sorted(path.name for path in Path().iterdir()) == ["kaizen.toml"]


def test_looking_writes_nothing(coffee: Shell) -> None:
    """Neither a changed recipe nor a question adds a record."""
    proven(coffee)
    before = coffee("log", "--json").documents
    Path("kaizen.toml").write_text(RECIPE.replace("1..20", "1..30") + CONSENT, encoding="utf-8")
    for words in (["show"], ["show", "coffee"], ["nod", "coffee", "grind=12"], ["outlook"], ["check", "coffee", "1"],
                  ["export"], ["show", "coffee", "--trial", "1"], ["show", "coffee", "--run", "1"]):  # fmt: skip
        assert coffee(*words).status == 0, words
    assert coffee("log", "--json").documents == before
    coffee("voice", "coffee", "hm", "--by", "tom")
    assert [record["kind"] for record in coffee("log", "--json").documents][len(before) :] == [
        "Judged",
        "Amended",
        "Voiced",
    ]


def test_show_all_and_one_trial(coffee: Shell) -> None:
    """Every process is a line; a trial shows its design and pairs; what is not there is a sentence."""
    proven(coffee)
    assert coffee("show").out.startswith("coffee  standard 1 (given); 2 runs")
    trial = coffee("show", "coffee", "--trial", "1").out
    for part in (
        "why       finer is sweeter",
        "at most 1 pair",
        "pair 1",
        "verdict   better (",
        "its pairs showed taste +1 points",
    ):
        assert part in trial
    for words, sentence in (
        (["show", "coffee", "--run", "99"], "a run of coffee must be one of 1 to 2; got 99"),
        (["show", "coffee", "--trial", "9"], "a trial of coffee must be one of 1 to 1; got 9"),
        (["check", "coffee", "9"], "a trial of coffee must be one of 1 to 1; got 9"),
        (["show", "--run", "1"], "a process must be named to show one of its runs or trials; got none"),
        (["show", "tea"], "a process must be described before it is used; got 'tea'"),
        (["show", "--ledger", "memory:"], "a ledger that is looked at must be a file; got memory:, which is empty"),
    ):
        said = coffee(*words)
        assert (said.status, said.err.splitlines()[0]) == (2, f"kaizen: {sentence}")


def test_an_open_run_and_a_trial_without_pairs(coffee: Shell) -> None:
    """What is not answered yet is said to be so."""
    coffee("ask", "coffee", "--by", "ana")
    assert coffee("show", "coffee", "--run", "1").out.endswith("it is in the hands of ana\n")
    none = coffee("check", "coffee")
    assert (none.status, "a trial of coffee must be opened before it is judged" in none.err) == (2, True)
    coffee("tell", "coffee", "1", "taste=6")
    coffee("propose", "coffee", "grind=11", "--because", "sweeter", "--by", "ana")
    coffee("ask", "coffee", "--by", "ana")
    assert "undecided" in coffee("check", "coffee").out
    assert "0 pairs of at most 1" in coffee("show", "coffee", "--trial", "1").out


def test_log_has_a_line_for_each_record(coffee: Shell) -> None:
    """Text and JSON have the same records; the latest so many."""
    proven(coffee)
    text, records = coffee("log", "coffee").out.splitlines(), coffee("log", "coffee", "--json").documents
    assert len(text) == len(records) > 5
    assert [int(line.split()[0]) for line in text] == [record["seq"] for record in records]
    assert len(coffee("log", "coffee", "-n", "2").out.splitlines()) == 2


def test_report(coffee: Shell) -> None:
    """The page is one file, or printed."""
    proven(coffee)
    assert coffee("report").out == "Report of coffee: coffee.html\n"
    assert "coffee" in Path("coffee.html").read_text(encoding="utf-8")
    assert "<html" in coffee("report", "coffee", "-o", "-").out
    nowhere = coffee("report", "-o", "no/such/folder.html")
    assert (nowhere.status, "must be a file that can be written" in nowhere.err) == (2, True)


# ── keeping ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_init_never_overwrites(kaizen: Shell) -> None:
    """The starter is written once, and reads back."""
    assert kaizen("init").out.startswith("Wrote kaizen.toml")
    written = Path("kaizen.toml").read_text(encoding="utf-8")
    again = kaizen("init")
    assert (again.status, "must be a new file" in again.err) == (2, True)
    assert Path("kaizen.toml").read_text(encoding="utf-8") == written
    assert kaizen("outlook").status == 0
    assert kaizen("init", "--recipe", "no/such/kaizen.toml").status == 2
    Path("deep").mkdir()
    assert kaizen("init", "--recipe", "deep", "--json").document == {"file": "deep/kaizen.toml", "process": "pack"}


def test_doctor_backup_rebuild(coffee: Shell) -> None:
    """A sound ledger is said to be so; a changed one is damaged, with status 1."""
    proven(coffee)
    assert "Sound    " in coffee("doctor").out
    sound = coffee("doctor", "--json").document
    assert (sound["sound"], sound["findings"]) == (True, [])
    assert coffee("backup", "copy.db").status == 0
    assert coffee("backup", "copy.db").status == 2
    assert coffee("show", "--ledger", "copy.db").out == coffee("show").out
    assert coffee("rebuild").status == 0
    path = Path(sound["ledger"])
    db = driver.library().connect(str(path), isolation_level=None)
    db.execute("DROP TRIGGER entry_never_changes")
    db.execute("UPDATE entry SET body = replace(body, '7.5', '9.5')")
    db.close()
    damaged = coffee("doctor")
    assert (damaged.status, "Damaged  " in damaged.out) == (1, True)


def test_a_recipe_above_is_found(coffee: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command in a folder below uses the recipe above and the ledger beside it; --recipe names another."""
    Path("deep/deeper").mkdir(parents=True)
    monkeypatch.chdir("deep/deeper")
    assert coffee("ask", "--by", "ana", "coffee").status == 0
    assert not Path(".kaizen").exists()
    assert (Path("../..") / ".kaizen" / "ledger.db").exists()
    assert coffee("show", "--recipe", "../..").out.startswith("coffee")
    missing = coffee("show", "--recipe", "nowhere.toml")
    assert (missing.status, "a recipe must be a file that is there" in missing.err) == (2, True)


def test_a_ledger_without_its_recipe(coffee: Shell) -> None:
    """A process in the ledger is at hand without a recipe; an unknown one is a sentence."""
    proven(coffee)
    Path("kaizen.toml").unlink()
    assert coffee("show", "coffee").status == 0
    assert coffee("voice", "coffee", "hm", "--by", "tom").status == 0
    unknown = coffee("ask", "tea", "--by", "ana")
    assert unknown.err == (
        "kaizen: a process must be described before it is used; got 'tea'\n  hint: known are: coffee\n"
    )
    nameless = coffee("standard")
    assert "a process must be named where there is no recipe" in nameless.err


# ── errors ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["imrove"], "a command must be one that there is; got 'imrove'"),
        (["tell", "coffee"], "kaizen tell: the following arguments are required: RUN, METRIC=VALUE"),
        (["tell", "coffee", "one", "taste=1"], "kaizen tell: argument RUN: must be a whole number above 0; got 'one'"),
        (["ask", "coffee"], "kaizen ask: the following arguments are required: --by"),
        (["ask", "coffee", "--by", "ana", "-n", "0"], "kaizen ask: argument -n: must be a whole number above 0"),
        (["ask", "coffee", "--by", "ana", "--les"], "kaizen ask: unrecognized arguments: --les"),
        (["tell", "coffee", "1", "taste"], "a value must be written name=value; got 'taste'"),
        (["tell", "coffee", "1", "taste=1", "taste=2"], "taste must be given once; got '1' and '2'"),
        (["tell", "coffee", "1", "tast=1"], "a metric of coffee must be one of taste; got 'tast'"),
        (["tell", "coffee", "1", "taste=nice"], "taste must be a number points; got 'nice'"),
        (["tell", "coffee", "1", "taste=1", "--money", "-3"], "kaizen tell: argument --money: must be a number"),
        (["tell", "coffee", "1", "taste=7"], "run 1 must be asked for before it is answered; got no such open run"),
        (["fault", "coffee", "1", "--reason", "bad"], "a fault's reason must be one of crash, timeout,"),
        (["propose", "coffee", "grind=99", "--because", "x", "--by", "a"], "grind must be a whole number from 1 to 20"),
        (["propose", "coffee", "grind=8", "--because", "x", "--by", "a"], "an increment must change the standard; got"),
        (["nod", "coffee", "mill=8"], "a parameter of coffee must be one of grind, celsius; got 'mill'"),
        (["consent", "coffee", "--by", "ana"], "a trial must wait for consent; got none that does"),
        (["improve", "coffee"], "the work of coffee must be a command or a function to be done here; got none"),
        (["improve", "--runs", "many"], "kaizen improve: argument --runs: must be a number of runs in all, or +N"),
        (["improve", "--workers", "0"], "kaizen improve: argument --workers: must be a whole number above 0; got '0'"),
        (["improve", "--seconds", "soon"], "--seconds must be a duration above 0; got 'soon'"),
        (["improve", "no_such_module:f"], "no_such_module must be a module that can be imported from here; got none"),
        (["improve", "no/such.py:f"], "a function's file must be there; got 'no/such.py'"),
        (["show", "--ledger", "mysql://x"], "a ledger must be a path, sqlite:///PATH or memory:; got 'mysql://x'"),
        (["show", "--ledger", "kaizen.toml"], "ledger"),
    ],
)  # fmt: skip
def test_every_mistake_is_a_sentence(coffee: Shell, words: list[str], sentence: str) -> None:
    """Status 2, nothing on stdout, one sentence on stderr; as a document with --json."""
    said = coffee(*words)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("kaizen: ")
    assert sentence in said.err.splitlines()[0]
    as_json = coffee(*words, "--json")
    assert (as_json.status, as_json.err) == (2, "")
    assert sentence in as_json.document["error"]
    assert as_json.document["exit_status"] == 2
    assert set(as_json.document) == {"error", "hint", "exit_status"}


def test_a_fault_of_ours_is_a_sentence(coffee: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw is said to be our fault; its traceback comes with --debug only."""
    monkeypatch.setattr("kaizen.faces.cli.reading.show", lambda _: 1 / 0)
    said = coffee("show")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith(
        "kaizen: this is a fault of Kaizen, not yours: ZeroDivisionError: division by zero\n  hint: report"
    )
    assert "Traceback" not in said.err
    assert "Traceback" in coffee("show", "--debug").err


def test_damage_ends_with_one(coffee: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors keep the exit status of their kind."""

    def broken(_: object) -> None:
        raise Damaged("the ledger does not add up")

    monkeypatch.setattr("kaizen.faces.cli.reading.show", broken)
    assert coffee("show").status == 1
    assert coffee("show", "--json").document["exit_status"] == 1


# ── help ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help_and_an_example(kaizen: Shell, command: Any) -> None:
    """-h answers, with one example that the command itself understands."""
    said = kaizen(command.name, "-h")
    assert (said.status, said.out) == (0, f"{help_of(command)}\n")
    assert f"\n  $ {command.example}" in said.out
    assert command.example.startswith(f"kaizen {command.name}")
    assert max(map(len, said.out.splitlines())) <= 100
    assert command.name in overview()


def test_the_manual_is_in_the_docs() -> None:
    """docs/cli.md ends with the reference of all commands as the table says it.

    Write it anew: python -c "from kaizen.faces.cli.grammar import manual; print(manual(), end='')"
    """
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page.endswith(manual())
    assert [command.name for command in COMMANDS if f"### `kaizen {command.name}`" not in page] == []


def test_help_and_version(kaizen: Shell) -> None:
    """No word, a word for help, and the version."""
    assert kaizen().out == kaizen("-h").out == kaizen("help").out == f"{overview()}\n"
    assert kaizen("help", "tell").out == kaizen("tell", "--help").out
    assert kaizen("--version").out == f"kaizen {sys.modules['kaizen'].__version__}\n"


# ── processes of their own ────────────────────────────────────────────────────────────────────────────────────────────

HEAVY = {"asyncio", "jinja2", "msgspec", "numpy", "pysqlite3", "rich", "scipy", "sqlite3"}


def test_the_version_is_light() -> None:
    """It loads nothing heavy, and takes next to no time."""
    script = (
        "import sys, time, kaizen.faces.cli as cli; cli.main(['--version']); "
        "print(*{name.partition('.')[0] for name in sys.modules}); print(time.process_time())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    version, names, seconds = done.stdout.splitlines()
    assert version.startswith("kaizen ")
    assert set() == HEAVY & set(names.split())
    assert float(seconds) < 0.5  # 0.05 on a quiet machine


def test_showing_loads_no_painter(coffee: Shell) -> None:
    """Neither rich nor jinja2 is loaded for a plain answer."""
    proven(coffee)
    script = "import sys; from kaizen.faces.cli import main; main(['show']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set() == {"rich", "jinja2", "numpy", "scipy"} & set(done.stderr.split())


def test_nobody_reads_any_more(coffee: Shell) -> None:
    """A closed pipe is no error and no noise."""
    proven(coffee)
    script = "import sys; from kaizen.faces.cli import main; sys.stdin.readline(); sys.exit(main(['log', '--json']))"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        child.stdout.close()
        child.stdin.write(b"\n")
        child.stdin.close()
        assert child.stderr.read() == b""
        assert child.wait() == 0


def test_python_m(coffee: Shell) -> None:
    """``python -m kaizen`` is the same."""
    proven(coffee)
    environment = os.environ | {"NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "kaizen", "show"], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == coffee("show").out
