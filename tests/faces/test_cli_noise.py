"""``kaizen noise`` and ``kaizen plan-trial``: what they run, queue and say, and how they are stopped."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faces.said import Shell, shell

RECIPE = """
[process.parts]
do = '''echo run >> made.txt; n=$(wc -l < made.txt); sleep ${SLOW:-0}; printf '{"waste": %s}' $((200 - pressure + n * 7 % 11))'''

[process.parts.metric]
waste = { better = "lower", worthwhile = 0.05 }

[process.parts.standard]
pressure = 5

[process.parts.may]
pressure = "1..9"
"""
BY_HAND = """
[process.coffee.metric]
taste = { better = "higher", scale = "difference", worthwhile = 0.5, unit = "points" }

[process.coffee.standard]
grind = 8

[process.coffee.may]
grind = "1..20"
"""
FUNCTION = """
from typing import Annotated
from kaizen import improvable, lower, whole

@improvable(lower("size"))
def pack(level: Annotated[int, whole(1, 9)] = 1) -> float:
    return 100.0 - level
"""


@pytest.fixture
def kaizen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shell:
    """Run command lines in a folder of their own, where there is a recipe."""
    monkeypatch.chdir(tmp_path)
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")

    return shell(capfd)


def test_the_standard_is_run_again_and_told(kaizen: Shell) -> None:
    """A line for a run, then what the readings say; the same command again runs nothing."""
    said = kaizen("noise", "-n", "8")
    assert (said.status, said.err) == (0, "")
    assert len(re.findall(r"^\d\d:\d\d:\d\d  Run \d → waste=", said.out, re.MULTILINE)) == 8
    assert "It rests: 8 repeats of the standard are made.\n\nNoise of parts, by 8 runs of Standard 1" in said.out
    for part in ("level     ", "sd        ", "drift     ", "memory    ", "proof     ", "40 pairs at most"):
        assert part in said.out
    assert max(map(len, said.out.splitlines())) <= 100
    again = kaizen("noise", "parts", "-n", "8", "--json").document
    assert (again["runs"], again["metrics"][0]["readings"], len(again["metrics"][0]["provable"])) == (8, 8, 4)
    assert kaizen("noise", "-n", "+2", "--quiet").out.startswith("It rests: 10 repeats")
    assert kaizen("noise", "-n", "0").out.startswith("Noise of parts, by 10 runs")
    kinds = {record["kind"] for record in map(json.loads, kaizen("log", "-n", "99", "--json").out.splitlines())}
    assert kinds == {"Described", "Scouted", "Asked", "Told"}


def test_runs_are_spread_out(kaizen: Shell) -> None:
    """So many seconds from one start to the next."""
    began = time.monotonic()
    assert kaizen("noise", "-n", "3", "--every", "0.4", "--quiet").status == 0
    assert time.monotonic() - began >= 0.8
    wrong = kaizen("noise", "--every", "soon")
    assert (wrong.status, wrong.out) == (2, "")
    assert wrong.err.startswith("kaizen: --every must be a duration above 0; got 'soon'")


def test_a_budget_ends_it(kaizen: Shell) -> None:
    """What was read is told, and why there is no more."""
    Path("kaizen.toml").write_text(f"{RECIPE}\n[process.parts.policy]\nruns = 5\n", encoding="utf-8")
    said = kaizen("noise", "--quiet")
    assert said.out.startswith("It rests: the budget of 5 runs is spent (5 made, 0 under way).\n  then: raise runs")
    assert "Noise of parts, by 5 runs" in said.out
    plan = kaizen("plan-trial", "--gain", "5%").out
    assert "what is left pays for 0 pairs" in plan


@pytest.mark.parametrize("status", [130, 143])
def test_stopped_it_goes_on_where_it_was(kaizen: Shell, status: int) -> None:
    """The first Ctrl-C finishes the run under way, SIGTERM ends at once; no reading is lost, and the rest is made later."""
    words = [sys.executable, "-m", "kaizen", "noise", "-n", "6", "--every", "0.3"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | {"SLOW": "0.1"}
    ) as work:
        assert work.stdout is not None
        work.stdout.readline()
        work.stdout.readline()
        work.send_signal(signal.SIGINT if status == 130 else signal.SIGTERM)
        out = work.stdout.read().decode()
    assert work.returncode == status
    assert "Noise of parts, by " in out
    made = kaizen("noise", "-n", "0", "--json").document["runs"]
    assert 2 <= made < 6
    after = kaizen("noise", "-n", "6", "--json").document
    assert (after["runs"], after["faults"], after["waiting"]) == (6, {}, 0)


def test_by_hand_it_is_queued(kaizen: Shell) -> None:
    """Without a number it only tells, and makes no ledger; with one, runs are queued to be asked for and told."""
    Path("kaizen.toml").write_text(BY_HAND, encoding="utf-8")
    assert kaizen("noise", "coffee").out.startswith("Noise of coffee, by 0 runs")
    assert not Path(".kaizen").exists()
    queued = kaizen("noise", "coffee", "-n", "5").out
    assert queued.startswith("5 repeats of the standard queued.\n  then: kaizen ask coffee --by NAME hands them out\n")
    for number, taste in enumerate((6.5, 7.0, 6.0, 6.5), 1):
        asked = kaizen("ask", "coffee", "--by", "ana").out
        assert f"Run {number} of coffee: grind=8\n  why       the standard again, to see its noise" in asked
        kaizen("tell", "coffee", str(number), f"taste={taste}")
    kaizen("ask", "coffee", "--by", "ana")
    kaizen("fault", "coffee", "5", "spilt")
    told = kaizen("noise", "coffee").out
    assert "level     6.5 points (median), from 6 to 7" in told
    assert "1 of 5 runs gave no reading (told 1)" in told
    assert "0 repeats of the standard queued" in kaizen("noise", "coffee", "-n", "5").out


def test_a_function_is_run_again(kaizen: Shell) -> None:
    """Named as for improve; it reads the same every time, so it had better be declared exact."""
    Path("noise_work.py").write_text(FUNCTION, encoding="utf-8")
    said = kaizen("noise", "noise_work.py:pack", "-n", "4", "--quiet").out
    assert "noise     none: all 4 readings agree" in said
    assert "size read the same in all 4 runs" in said


def test_a_trial_is_planned(kaizen: Shell) -> None:
    """Too little known is an error with a way out; then pairs, odds, spend, and what would help."""
    missing = kaizen("plan-trial", "parts", "--gain", "5%")
    assert missing.status == 2
    assert missing.err.startswith(
        "kaizen: the noise of waste must be known from 4 readings of today's standard or more; got 0"
    )
    assert "hint: kaizen noise parts -n 20 makes them; or say the sd of a pair's difference: --sd 3%" in missing.err
    assert not Path(".kaizen").exists()
    assert "it can be afforded" in kaizen("plan-trial", "--gain", "5%", "--sd", "3%").out
    kaizen("noise", "-n", "10", "--quiet")
    plan = kaizen("plan-trial", "--gain", "0.05", "--json").document
    assert (plan["metric"], plan["known"], plan["affordable"]) == ("waste", "from 10 readings", True)
    assert plan["spend"]["runs"] == 2 * plan["enough"]
    small = kaizen("plan-trial", "--gain", "0.1%", "--odds", "0.9").out
    assert "so        it cannot be afforded within 40 pairs; what would help:" in small
    assert "- look for more: " in small
    for words, says in (
        (("--gain", "3"), "a gain of waste must be a share of it"),
        (("--gain", "5%", "--metric", "smell"), "a metric of parts must be one of waste"),
        (("--gain", "5%", "--odds", "2"), "odds must be above 0 and below 1"),
    ):
        said = kaizen("plan-trial", *words)
        assert (said.status, said.out) == (2, "")
        assert says in said.err
