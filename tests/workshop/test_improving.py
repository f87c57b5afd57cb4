"""Improving on this machine: budgets, stopping, going on, publishing."""

import json
import os
import subprocess
from pathlib import Path
from typing import Annotated as A

import pytest

import kaizen
from kaizen import choice, lower, whole
from kaizen.process import Policy
from kaizen.workshop import improve, repeat
from kaizen.workshop.improving import Improving, Moment

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="functions are called in a forked process")


@kaizen.improvable(lower("size", exact=True, worthwhile=0.01), policy=Policy(adopted_file="adopted.json"))
def pack(level: A[int, whole(1, 9)] = 5, filler: A[str, choice("none", "some")] = "some") -> float:
    """Return what is smaller at higher levels, and without filler."""
    return 100.0 - level + (10.0 if filler == "some" else 0.0)


def shop_at(folder: Path) -> kaizen.Workshop:
    """Open a ledger in a folder."""
    return kaizen.open(folder / "pack.db", root=folder)


def test_an_exact_gain_is_adopted_and_published(tmp_path: Path) -> None:
    """The standard moves, its setting is written where the process reads it, and everything adds up."""
    with shop_at(tmp_path) as shop:
        standard = shop.improve(pack, runs=60)
        assert standard.evidence == "proven"
        assert standard.setting["filler"] == "none"
        assert json.loads((tmp_path / "adopted.json").read_text()) == dict(standard.setting)
        assert shop.ledger.verify() == []  # type: ignore[attr-defined] # a SQLite ledger has it
        rolled = shop["pack"].rollback("it rattles")
        assert json.loads((tmp_path / "adopted.json").read_text()) == dict(rolled.setting)


def test_the_same_call_again_adds_nothing_and_plus_goes_on(tmp_path: Path) -> None:
    """The budget is in all; ``+8`` is eight more."""
    with shop_at(tmp_path) as shop:
        shop.improve(pack, runs=10)
        spent = shop["pack"].head.spent.runs
        shop.improve(pack, runs=10)
        assert spent == shop["pack"].head.spent.runs <= 10
    with shop_at(tmp_path) as shop:
        shop.improve(pack, runs="+8")
        assert spent < shop["pack"].head.spent.runs <= spent + 8


def test_stopping_finishes_what_is_under_way(tmp_path: Path) -> None:
    """Nothing new is handed out, nothing is left open, and the reason is told."""
    with shop_at(tmp_path) as shop:
        bench = shop.bench(pack)
        stretch: list[Improving] = []

        def watch(moment: Moment) -> None:
            if moment.head.counts.told >= 3:
                stretch[0].stopping = True

        last = improve(bench, runs=500, workers=2, watch=watch, handle=stretch.append)
        assert last.rest is not None
        assert last.rest.because == "you stopped it"
        assert last.head.counts.told < 10
        assert all(run.attempt == 0 for run in last.head.runs)


def test_an_interruption_loses_nothing_and_the_same_call_goes_on(tmp_path: Path) -> None:
    """What was under way is handed out again at once."""

    def interrupt(moment: Moment) -> None:
        if moment.head.counts.told >= 4 and moment.running:
            raise KeyboardInterrupt

    with shop_at(tmp_path) as shop:
        bench = shop.bench(pack)
        with pytest.raises(KeyboardInterrupt):
            improve(bench, runs=40, watch=interrupt)
        told = bench.head.counts.told
        assert [lease.left for lease in shop.ledger.leases("pack")] in ([], [0.0])
    with shop_at(tmp_path) as shop:
        last = improve(shop.bench(pack), runs=40)
        assert last.head.counts.told > told
        assert last.head.counts.faulted == 0


def test_there_is_at_least_one_worker(tmp_path: Path) -> None:
    """Nobody can wait for no worker."""
    with shop_at(tmp_path) as shop, pytest.raises(kaizen.Mistake, match="workers must be one or more; got 0"):
        shop.improve(pack, runs=4, workers=0)


def test_only_what_can_be_improved_is(tmp_path: Path) -> None:
    """A plain function is no process, and a name must be known."""
    with shop_at(tmp_path) as shop:
        with pytest.raises(kaizen.Mistake, match="what is improved must be an improvable function"):
            shop.improve(len)
        with pytest.raises(kaizen.Undeclared, match="a process must be described before it is used; got 'nobody'"):
            shop.improve("nobody")
        shop.improve(pack, runs=4)
        assert list(shop) == ["pack"]
        assert shop.improve("pack", runs=6) == shop["pack"].standard


def test_an_edited_function_starts_a_new_era(tmp_path: Path) -> None:
    """Readings of the old code no longer compare; the standard and the budget stay."""
    with shop_at(tmp_path) as shop:
        shop.improve(pack, runs=6)
        process = kaizen.process_of(pack)
        edited = kaizen.Process(
            name="pack", parameters=process.parameters, metrics=process.metrics, standard=process.standard,
            work=kaizen.Function(name="elsewhere:pack", source="another"),
        )  # fmt: skip
        bench = shop.describe(edited)
        assert bench.head.era > 0
        assert bench.process.policy.runs == 6
        assert [known.scatter.sd for known in bench.noise().metrics if known.scatter.sd] == []


@pytest.mark.parametrize("where", ["postgresql:///team", "sqlite:///"])
def test_unknown_kinds_of_ledger(where: str) -> None:
    """The sentence says what there is."""
    with pytest.raises(kaizen.Mistake, match=r"a ledger must be a path, sqlite:///PATH or memory:; got "):
        kaizen.open(where)


def test_in_a_repository_the_ledger_is_out_of_cleans_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worktrees share it, folders do not, and ``git clean -xfd`` leaves it alone."""

    def git(*words: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
        subprocess.run(["git", *identity, *words], cwd=tmp_path / "repo", check=True, capture_output=True)

    (tmp_path / "repo" / "sub").mkdir(parents=True)
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    monkeypatch.chdir(tmp_path / "repo")
    with kaizen.open() as shop:
        shop.describe(kaizen.process_of(pack))
    git("clean", "-xfdq")
    git("reset", "-q", "--hard")
    monkeypatch.chdir(tmp_path / "tree")
    with kaizen.open() as shop:
        assert list(shop) == ["pack"]
    (tmp_path / "repo" / "sub").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "repo" / "sub")
    with kaizen.open() as shop:
        assert list(shop) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """The sentence names it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(kaizen.Stuck, match="a ledger's folder must be one that can be made"):
        kaizen.open(tmp_path / "file" / "below" / "l.db")


# ── repeats ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_repeats_are_made_and_an_interruption_loses_nothing(tmp_path: Path) -> None:
    """So many in all; what was under way when it was interrupted is run again, and nothing else is."""

    def interrupt(moment: Moment) -> None:
        if moment.head.counts.told >= 2 and moment.running:
            raise KeyboardInterrupt

    with shop_at(tmp_path) as shop:
        bench = shop.bench(pack)
        with pytest.raises(KeyboardInterrupt):
            repeat(bench, 5, watch=interrupt)
    with shop_at(tmp_path) as shop:
        assert shop.noise(pack, 5).runs == 5
        assert shop.noise(pack, 5).runs == 5
        assert {run.setting for run in shop["pack"].runs} == {shop["pack"].standard.setting}
        with pytest.raises(kaizen.OutOfRange, match="every must be a number of seconds, 0 or more; got -1"):
            shop.noise(pack, every=-1.0)


def test_repeats_go_before_an_open_trial_which_loses_nothing(tmp_path: Path) -> None:
    """A proposal waits while the standard is run again."""
    with shop_at(tmp_path) as shop:
        bench = shop.bench(pack)
        bench.propose(level=6, because="more is smaller")
        assert shop.noise(pack, 3).runs == 3
        assert (bench.head.counts.trials, len(bench.head.proposals)) == (0, 1)


def test_where_hands_do_the_work_repeats_are_queued(tmp_path: Path) -> None:
    """To be asked for and told like any other run."""
    by_hand = kaizen.Process(
        name="coffee", parameters=kaizen.process_of(pack).parameters, metrics=(lower("cost"),),
        standard=kaizen.Setting(level=5, filler="some"),
    )  # fmt: skip
    with shop_at(tmp_path) as shop:
        assert shop.noise(by_hand, 4).waiting == 4
        assert shop["coffee"].ask("ana").setting == by_hand.standard
