"""The judge's bench: twins that judge as the judge does, foils that are fooled, bounds, streams, and its table."""

import math

import pytest

pytest.importorskip("numpy", reason="the judge's bench needs numpy")
pytest.importorskip("scipy", reason="the judge's bench needs scipy")

import numpy as np

from benchmarks.judge import foils, noises, ours, power, recorded, streams, watch
from benchmarks.judge.__main__ import ROWS, main
from benchmarks.judge.rows import Chance, Size
from benchmarks.judge.table import Line, foil, lower, misses, table, upper, within
from kaizen.evidence import alarm, flips, log_path, signed_scores
from kaizen.process import Policy

CHANCE = Chance(1, "test")
SMALL = Size(0.01)


def test_twins_compute_what_the_judge_computes() -> None:
    """Scores, evidence and alarms to the last digits, for ties, zeros and faults too."""
    rows = [
        [0.5, -0.5, 0.0, 2.0, -1.0, 1.0, 0.5],
        [math.inf, 1.0, -math.inf, 0.0, 3.0, -1.0, math.inf],
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
    ]
    psi = ours.scores(np.array(rows))
    assert psi == pytest.approx(np.array([signed_scores(row) for row in rows]), abs=1e-12)
    assert ours.log_paths(psi) == pytest.approx(np.array([log_path(row) for row in rows]), abs=1e-9)
    losses = [1.0 + t % 3 for t in range(30)]
    path = alarm.log_alarm_path(losses)
    assert watch.alarms(np.array([losses]))[0] == next(t for t, log in enumerate(path, 1) if log >= math.log(1000))


@pytest.mark.parametrize("cap", [24, 0])
@pytest.mark.parametrize("effect", [0.0, 1.2])
def test_twins_end_trials_as_the_judge_does(cap: int, effect: float) -> None:
    """The same decision after the same pair, with a cap and without, for one metric and for two."""
    rng = CHANCE.rng(f"{cap} {effect}")
    one = ours.Trials(rng.standard_normal((1, 6, 24)) + effect, cap=cap)
    two = ours.Trials(rng.standard_normal((2, 4, 24)) + effect, margins=(0.8, 1.0), worthwhile=(0.5, 0.5), cap=cap)
    assert ours.agreement(one, 0.05, seed=3, first=6) == 6
    assert ours.agreement(two, 0.05, seed=3, first=4) == 4


def test_flips_find_the_same_pair_whether_looked_at_once_or_after_every_pair() -> None:
    """Hence one look at all pairs counts adoptions of whoever looks after each."""
    rng = CHANCE.rng("looks")
    for seed in range(6):
        own = (rng.standard_normal(20) + 0.9).tolist()
        whole = flips.passage([own], alpha=0.05, cap=20, seed=seed).proven
        looks = [flips.passage([own[:n]], alpha=0.05, cap=20, seed=seed).proven for n in range(1, 21)]
        assert next((look for look in looks if look), None) == whole


def test_foils_adopt_what_the_judge_does_not() -> None:
    """Peeking, remembering and adopting the best are fooled many times as often as the judge, in every noise."""
    rng = CHANCE.rng("foils")
    for noise in noises.NOISES:
        gains = noises.differences(noise, rng, (300, 50))
        kept = (ours.log_paths(ours.scores(gains)) >= math.log(20)).any(axis=1).mean()
        assert kept < 0.08, noise
        assert (foils.peeking_t(gains) > 0).mean() > 0.12, noise
    readings = noises.runs("drift", rng, (200, 100))
    assert (foils.remembered(readings[:, :50], readings[:, 50:]) > 0).mean() > 0.9
    assert (foils.best_so_far(readings) > 0).mean() > 0.9
    order = noises.runs("normal", rng, (200, 100))
    order[:, 1::2] += 0.5
    assert (foils.peeking_t(order[:, 1::2] - order[:, 0::2]) > 0).mean() > 0.8
    increment, standard = noises.pairs(order, rng)
    assert (ours.log_paths(ours.scores(increment - standard)) >= math.log(20)).any(axis=1).mean() < 0.08


def test_foils_see_what_is_there() -> None:
    """A rule that never adopts would be no foil: under a large effect all of them do, and a late look says which pair."""
    gains = CHANCE.rng("seen").standard_normal((50, 50)) + 2.0
    for looks in (foils.peeking_t(gains), foils.fixed_t(gains), foils.plug_in(gains)):
        assert (looks > 0).all()
    assert (foils.fixed_t(gains) == 50).all()
    assert (foils.peeking_t(gains) >= foils.FIRST).all()
    assert (foils.peeking_t(-gains) == 0).all()
    assert foils.best_so_far(np.array([[1.0, 0.5, 2.0, 3.0, 0.0], [5.0, 1.0, 1.0, 1.0, 1.0]])).tolist() == [3, 0]


def test_the_oracle_is_walds() -> None:
    """It keeps its two errors, and is faster than any fixed number of pairs."""
    rng = CHANCE.rng("oracle")
    won, pairs = power.oracle(rng, 1.0, 1.0, 2000)
    lost, _ = power.oracle(rng, 1.0, 0.0, 2000)
    assert won > 0.8
    assert lost < 0.05
    assert pairs < 7


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    """Known in closed form where nothing or everything hits; a share is judged by the bound that may prove it wrong."""
    assert upper(0, 100) == pytest.approx(1 - 0.01 ** (1 / 100))
    assert lower(100, 100) == pytest.approx(0.01 ** (1 / 100))
    assert (lower(0, 10), upper(10, 10)) == (0.0, 1.0)
    assert within("a", 30, 1000, 0.05, row="null").met == "met"
    assert within("a", 45, 1000, 0.05, row="null").met == "too few"
    assert within("a", 90, 1000, 0.05, row="null").met == "missed"
    assert within("a", 52, 1000, 0.05, row="null", exact=True).met == "met"
    assert within("a", 90, 1000, 0.05, row="null", exact=True).met == "missed"


def test_a_stream_keeps_to_its_budget() -> None:
    """Where nothing is good it goes on to the last; where all is, each is adopted, and open trials are taken up again."""
    rng = CHANCE.rng("stream")
    nothing = streams.judged(np.zeros(100), list(range(100)), rng, part=0.5, at_once=1, coins=1)
    assert (nothing.stopped, nothing.tried) == (False, set(range(100)))
    good = streams.judged(np.full(12, 4.0), list(range(12)), rng, part=0.25, at_once=4, coins=1)
    assert sorted(good.adopted) == list(range(12))
    assert good.trials > 12
    assert streams.level(0.0, 0, 0.25) == pytest.approx(0.025)
    assert streams.level(0.0, 40, 0.25) == Policy().false_adoptions


@pytest.mark.parametrize("row", ["exact", "sides", "pairs", "metrics", "ideas", "covers", "futility", "watch", "time"])
def test_every_row_says_what_it_wants(row: str) -> None:
    """Each part runs at the smallest counts; ours is judged, foils stand beside it."""
    name = next(iter(ROWS[row].parts))
    lines = ROWS[row].parts[name](CHANCE, SMALL)
    assert {line.row for line in lines} == {row}
    assert any(line.met for line in lines)
    assert all(not line.met for line in lines if line.who != "ours")


def test_real_noise_is_judged_where_there_is_any() -> None:
    """Neighbours of one setting are alike to the judge, whatever a test between halves says."""
    if recorded.folder() is None:
        pytest.skip("real noise is read from the folder that KAIZEN_BENCH_DATA names")
    lines = ROWS["real"].parts["W7800"](CHANCE, Size(0.1))
    shares = {(line.what, line.who): float(line.figure.partition("%")[0]) for line in lines}
    assert shares["neighbours as pairs: flips, α 0.05", "ours"] < 12
    assert shares["one half of the timings beside the other, p < .05", "Welch"] > 40


def test_figures_stand_side_by_side() -> None:
    """Those that differ by column alone share a line, which names the column that is missed."""
    lines = [
        within("adopted", 10, 1000, 0.05, row="null", column="normal"),
        within("adopted", 90, 1000, 0.05, row="null", column="t3"),
        foil("adopted", "t-test", 230, of=1000, row="null", column="t3"),
        Line(row="null", what="alike", wanted="all", of=9, figure="9 alike", met="met"),
    ]
    made = table("null", "what", lines)
    figures = [f"1.00% (≤ {upper(10, 1000):.2%})", f"9.00% (≤ {upper(90, 1000):.2%})"]
    assert made.body[0][3:] == [*figures, "", "≤ 5.00%", "missed: t3"]
    assert made.body[1] == ["adopted", "t-test", "1,000", "·", "23.0%", "", "", ""]
    assert made.body[2][-3:] == ["9 alike", "all", "met"]
    assert misses(lines).startswith("missed: null, adopted, t3: 9.00%")


def test_an_interrupted_bench_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys) -> None:
    """What a file of results holds is not measured again; a line cut short is."""
    monkeypatch.delenv(recorded.VARIABLE, raising=False)
    out = tmp_path / "results.jsonl"
    words = ["--rows", "pairs,real", "--scale", "0.005", "--out", str(out)]
    main(words)
    said = capsys.readouterr()
    assert "left out: real noise" in said.err
    assert "oracle SPRT" in said.out
    kept = out.read_bytes()
    assert kept.count(b"\n") == len(ROWS["pairs"].parts) == said.err.count("CPU-s")
    out.write_bytes(kept[:-9])
    main(words)
    again = capsys.readouterr()
    assert again.err.count("CPU-s") == 1
    assert out.read_bytes().count(b"\n") == len(ROWS["pairs"].parts)


def test_a_call_that_cannot_be_right_is_one_sentence(tmp_path, capsys) -> None:
    """An unknown row, a scale of nothing, a file that holds something else."""
    assert main(["--rows", "luck"]) == 2
    assert main(["--scale", "0"]) == 2
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("{}\n")
    assert main(["--rows", "time", "--out", str(wrong)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert said[0].endswith("got 'luck'")
