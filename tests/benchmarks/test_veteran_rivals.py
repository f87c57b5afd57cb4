"""Other people's memory in the veteran's bench: what the ensemble weighs, what a peer is told, and how both are compared."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numpy", reason="the veteran's bench needs numpy")

from benchmarks.planner import peers
from benchmarks.planner.peers.client import driver
from benchmarks.planner.problem import Missing
from benchmarks.veteran import rivals
from benchmarks.veteran.__main__ import HERE, main
from benchmarks.veteran.courses import Job, process_of, run_job
from benchmarks.veteran.families import past, read_family, world
from benchmarks.veteran.rgpe import own_model, shares, weigh
from benchmarks.veteran.rivals import RIVALS, run_rival, told
from benchmarks.veteran.rivaltable import own_cold, report, trimmed
from kaizen.planners.model.remember import Run
from kaizen.setting import Setting
from kaizen.surrogate.gp import Posterior
from kaizen.surrogate.space import Space

FAMILY = read_family(HERE / "made_valleys.json")
MEMBER = FAMILY.members[0].path

# Asks for what it was told was best elsewhere, and writes down what it hears.
ECHO = f"""
import json, sys
sys.path.insert(0, {str(Path(peers.__file__).parent)!r})
from wire import serve
class Echo:
    def __init__(self, problem):
        tried = [one for past in problem.pasts for one in past if one[1] is not None]
        self.left = [problem.standard, *(setting for setting, _ in sorted(tried, key=lambda one: one[1]))]
        self.left += [problem.standard] * problem.budget
        with open(__file__ + ".log", "w") as file:
            json.dump({{"sizes": [len(past) for past in problem.pasts], "moved": []}}, file)
    def ask(self):
        return self.left.pop(0)
    def tell(self, told):
        with open(__file__ + ".log") as file:
            heard = json.load(file)
        heard["moved"].append(told.moved)
        with open(__file__ + ".log", "w") as file:
            json.dump(heard, file)
serve(Echo, "pip")
"""


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep histories beside the tests."""
    monkeypatch.setenv("KAIZEN_BENCH_CACHE", str(tmp_path_factory.getbasetemp() / "bench"))


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a peer that copies the past in the place of each of them."""
    path = tmp_path / "drive_echo.py"
    path.write_text(ECHO)
    monkeypatch.setattr(rivals, "python", lambda _: Path(sys.executable))
    monkeypatch.setattr(rivals, "driver", lambda _: path)
    return path.with_name("drive_echo.py.log")


def job(arm: str, seed: int = 0, budget: int = 5) -> Job:
    return Job(family=FAMILY, path=MEMBER, task=world(MEMBER, None).task.name, arm=arm, seed=seed, budget=budget)


def row(values: list[float | None], arm: str, seed: int = 0) -> dict:
    made = {"family": "f", "task": "t", "arm": arm, "seed": seed, "budget": len(values), "better": "lower", "cpu": 1.0}
    return made | {"values": values, "remembered": [False] * len(values), "faults": values.count(None)}


def models(slopes: list[float], readings: int = 12) -> tuple[list[Posterior], object]:
    """Return models of kin that read so many times the first parameter, and one of a process that reads it once."""
    here = world(MEMBER, None)
    space = Space(process_of(here, "here", memory=False))
    rng = np.random.default_rng(0)

    def modelled(slope: float, count: int) -> object:
        rows = space.uniform(count, rng)
        settings = [space.decode(one) for one in rows]
        names = [setting for setting in settings if isinstance(setting, Setting)]
        first = space.names[0]
        return own_model(space, [Run(one, slope * float(one[first]), 1, remembered=False) for one in names])

    return [modelled(slope, 30).posterior for slope in slopes], modelled(1.0, readings)


def test_the_ensemble_weighs_who_orders_readings_well() -> None:
    """Kin that agree weigh most of what there is, kin upside down nothing; before three readings all weigh the same."""
    kin, own = models([1.0, -1.0])
    weights = weigh(kin, own)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[1] == 0.0
    assert weights[0] > 0.1
    kin, own = models([1.0, -1.0], readings=2)
    assert weigh(kin, own) == pytest.approx([1 / 3] * 3)


def test_bad_models_do_not_outweigh_a_good_one_by_their_number() -> None:
    """A kin is left out whose middling loss is above nearly all of the process's own; ties share a draw."""
    own = np.array([2.0, 2.0, 2.0, 2.0])
    lucky = np.array([0.0, 9.0, 9.0, 9.0])
    assert shares(np.array([lucky, lucky, own])).tolist() == [0.0, 0.0, 1.0]
    assert shares(np.array([own, own])).tolist() == [0.5, 0.5]


def test_the_ensemble_scouts_in_a_course() -> None:
    """As many runs as any arm; the same seed makes the same course; upside down it makes another."""
    line = run_job(job("rgpe", budget=6))
    assert len(line["values"]) == 6
    assert run_job(job("rgpe", budget=6))["values"] == line["values"]
    assert run_job(job("rgpe-inverted", budget=6))["values"] != line["values"]


def test_a_peer_is_told_the_past_of_the_others(echo: Path) -> None:
    """The same histories as Kaizen's, in its own terms; none if cold; upside down its best is the worst."""
    histories = told(job("openbox"))
    assert [len(one) for one in histories] == [60] * (len(FAMILY.members) - 1)
    first = past(FAMILY.members[1].path, None, FAMILY.name, 0)
    assert histories[0] == list(zip(first.settings, first.readings, strict=True))
    assert told(job("openbox-cold")) == []
    assert len(told(job("ax"))) == 2
    line = run_rival(job("openbox"))
    assert json.loads(echo.read_text()) == {"sizes": [60] * 4, "moved": [False] * 5}
    standard = line["values"][0]
    assert [standard] == list(world(MEMBER, None).truth(world(MEMBER, None).standard(0))[0].values())
    misled = run_rival(job("openbox-inverted"))["values"]
    assert max(filter(None, line["values"][1:])) > standard > max(filter(None, misled[1:]))
    run_rival(job("openbox-cold"))
    assert json.loads(echo.read_text())["sizes"] == []


def test_a_peer_that_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to make it."""
    monkeypatch.setenv("KAIZEN_BENCH_PEERS", str(tmp_path))
    with pytest.raises(Missing, match='make peers NAMES="ax"'):
        run_rival(job("ax-cold"))
    assert {driver(arm.partition("-")[0]).exists() for arm in RIVALS} == {True}


def test_rivals_stand_beside_ours() -> None:
    """All are cut to the shortest budget and compared with Kaizen's cold courses; a peer is with its own, too."""
    cold = [row([9.0, 9.0, 9.0, 1.0, 1.0, 1.0], "cold", seed) for seed in range(2)]
    rows = [*cold, row([9.0, 1.0, 1.0, 1.0], "openbox"), row([9.0, 9.0, 1.0, 1.0], "openbox-cold"),
            row([9.0, None, 9.0, 9.0], "openbox-inverted")]  # fmt: skip
    assert {len(one["values"]) for one in trimmed(rows)} == {4}
    assert [own_cold(arm) for arm in ("ax", "ax-cold", "memory", "rgpe-inverted")] == ["ax-cold", "", "", ""]
    lines = {line.split()[0]: line.split() for line in report(rows).split("\n\n")[1].splitlines()}
    assert lines["openbox"][1:5] == ["0.50", "0.50", "0.67", "100%"]
    assert lines["openbox-cold"][1:5] == ["0.75", "0.75", "·", "100%"]
    assert lines["openbox-inverted"][1:5] == ["1.50", "1.50", "2.00", "0%"]
    assert lines["openbox"][5] == "0.25"


def test_rivals_run_and_go_on_by_one_command(echo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Peers have seeds and a budget of their own; a wrong number is one sentence."""
    out = tmp_path / "rivals.jsonl"
    words = ["--rivals", "--families", str(HERE / "made_valleys.json"), "--arms", "cold,openbox-cold,openbox"]
    words += ["--seeds", "2", "--peer-seeds", "1", "--budget", "4", "--peer-budget", "3", "--out", str(out)]
    assert main(words) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["arm"], line["seed"], line["budget"]) for line in lines] == [
        ("cold", 0, 4), ("cold", 1, 4), ("openbox-cold", 0, 3), ("openbox", 0, 3),
    ]  # fmt: skip
    assert "All courses cut to 3 runs" in capsys.readouterr().out
    assert main([*words, "--only-report", str(out)]) == 0
    assert main([*words, "--peer-budget", "1"]) == 2
    assert "--peer-budget at least 2" in capsys.readouterr().err
