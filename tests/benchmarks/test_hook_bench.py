"""The bench of the hook, small: that it counts what it says it counts."""

from pathlib import Path

import pytest

from benchmarks.hook import hostile, loops
from benchmarks.hook.__main__ import main


def test_the_agents_lists_are_like_public_logs() -> None:
    """About as many are kept, and about as many come again, as is said of them."""
    came = [loops.loop(loops.draw(seed), loops.Plain()) for seed in range(40)]
    trials = sum(one.trials for one in came)
    assert sum(one.choices.count("kept") for one in came) / trials == pytest.approx(0.34, abs=0.03)
    assert sum(one.repeats for one in came) / trials == pytest.approx(0.086, abs=0.02)
    assert sum(one.again for one in came) / trials == pytest.approx(0.036, abs=0.01)


def test_a_repeat_that_is_left_out_is_no_trial_and_what_is_lost_is_counted() -> None:
    """Of an agent that leaves out every idea nothing is kept, and every one that would have been is a lost win."""

    class Never(loops.Plain):
        def ask(self, said, now, tried) -> str:
            return "failed_before"

    plain, never = loops.loop(loops.draw(3), loops.Plain()), loops.loop(loops.draw(3), Never(), ("failed_before",))
    assert (never.trials, never.worths, never.reached) == (0, (), None)
    assert never.skipped == len([one for one in never.choices if one == "left out"]) > 0
    assert 0 < never.lost <= never.skipped
    assert plain.skipped == plain.lost == 0


def test_in_process_and_through_git_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every choice of a short list is the same."""
    monkeypatch.setattr(loops, "_LENGTH", 12)
    lists = (loops.draw(seed, 0.6) for seed in range(100))
    drawn = next(one for one in lists if loops.loop(one, loops.Plain()).again)
    there = loops.loop(drawn, loops.ThroughGit(tmp_path / "git", drawn.begins), ("failed_before",))
    here = loops.loop(drawn, loops.InProcess(tmp_path / "in"), ("failed_before",))
    assert there.choices == here.choices
    assert "left out" in here.choices


def test_hostile_commits_are_held_against_what_was_wanted(tmp_path: Path) -> None:
    """A hook that stops or changes a commit would be seen."""
    import random

    from benchmarks.hook.repository import begin

    loop = hostile.Loop(tmp_path / "loop", random.Random(1))
    begin(loop.top)
    plain = hostile.DIFFS[0]
    assert hostile.commit(loop, plain, b"fine", hostile.HARMS["nothing"]).sound
    hook = loop.top / ".git" / "hooks" / "commit-msg"
    hook.write_text('#!/bin/sh\necho more >> "$1"\n')
    assert not hostile.commit(loop, plain, b"changed", hostile.HARMS["nothing"]).sound
    hook.write_text("#!/bin/sh\nexit 1\n")
    assert not hostile.commit(loop, plain, b"stopped", hostile.HARMS["nothing"]).sound


def test_a_small_one_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table is printed; a busy machine may miss what is promised of time."""
    monkeypatch.setattr(loops, "_LENGTH", 10)
    main(["--only", "cold", "--trials", "300", "--times", "2"])
    main(["--only", "hostile", "--commits", "15"])
    main(["--only", "loops", "--seeds", "2"])
    said = capsys.readouterr().out
    assert "300 remembered trials" in said
    assert "all: 0 not as wanted" in said
    assert "2 loops of 10 ideas" in said
