"""A few kills of ``benchmarks.kill``, whose hundreds show that a crash loses nothing; and that it would see it."""

import json
import random
import secrets
import subprocess
from pathlib import Path

import pytest

from benchmarks import kill
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.recipes import toml
from kaizen.workshop import open_workshop

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows environments")


@pytest.mark.parametrize("way", kill.all_ways())
def test_a_kill_loses_nothing(way: str, tmp_path: Path) -> None:
    """Every start answers something new, and every kill leaves a sound ledger and no process."""
    plant, tally, chance = kill.Plant(tmp_path / way, way), kill.Tally(way), random.Random(7)
    for victim in ("guardians", "improve") if way == "library" else ("group",):
        kill.one_kill(plant, tally, chance, victim=victim, patience=1.0)
    assert tally.sound, tally.notes
    assert tally.acknowledged > 0


@pytest.fixture
def plant(tmp_path: Path) -> kill.Plant:
    """Return a plant with one answer in its ledger, printed and acknowledged."""
    plant = kill.Plant(tmp_path / "plant", "library")
    plant.ledger.parent.mkdir()
    (process,) = toml.read(plant.folder / toml.RECIPE)
    with open_workshop(plant.ledger, root=plant.folder) as shop:
        bench = shop.describe(process)
        run = bench.ask()
        bench.tell(run, loss=1.25)
    plant.printed.write_text(f"{run.id} 1.25\n")
    acknowledge(plant, run.id, 1.25)
    return plant


def acknowledge(plant: kill.Plant, run: int, loss: float) -> None:
    """Write down that a run was acknowledged."""
    line = json.dumps({"kind": "Told", "entry": {"run": run, "reading": {"values": {"loss": loss}}}})
    plant.acks.write_text(f"{plant.acks.read_text()}{line}\n")


def test_a_sound_ledger_passes(plant: kill.Plant) -> None:
    """Nothing is found where nothing is wrong."""
    tally = kill.Tally("library")
    plant.examine(tally)
    assert tally.sound, tally.notes


@pytest.mark.parametrize(("run", "loss"), [(2, 1.5), (1, 1.5)])
def test_a_lost_or_changed_answer_is_seen(plant: kill.Plant, run: int, loss: float) -> None:
    """An acknowledged answer that is not there, or says another number, is lost."""
    acknowledge(plant, run, loss)
    tally = kill.Tally("library")
    plant.examine(tally)
    assert tally.lost == 1


def test_a_number_from_nowhere_is_seen(plant: kill.Plant) -> None:
    """A number that no work has printed is as bad as a lost one."""
    plant.printed.write_text("")
    tally = kill.Tally("library")
    plant.examine(tally)
    assert tally.lost == 1


def test_damage_is_seen(plant: kill.Plant) -> None:
    """A read model that does not follow from the entries is found."""
    with SqliteLedger(plant.ledger) as ledger, ledger._reading() as db:
        db.execute("DELETE FROM run")
    tally = kill.Tally("library")
    plant.examine(tally)
    assert tally.corrupt > 0


def test_an_orphan_is_seen_and_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What outlives the kill is counted, and does not outlive the harness."""
    monkeypatch.setattr(kill, "ORPHAN_S", 0.1)
    mark, tally = secrets.token_hex(12), kill.Tally("library")
    with subprocess.Popen(["sleep", "60"], env={kill.MARK: mark, "PATH": "/usr/bin:/bin"}) as orphan:
        kill.count_orphans(mark, tally, "nobody")
        orphan.wait()
    assert tally.orphans == 1
    assert not kill.marked(mark)
