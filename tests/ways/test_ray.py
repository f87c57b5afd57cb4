"""Kaizen's planner as a searcher of Ray Tune, against the real Ray."""

import json
import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray.tune")

from ray import tune
from ray.tune.search import ConcurrencyLimiter

from kaizen.errors import Clash, Malformed, OutOfTurn
from kaizen.faces.ray import KaizenSearch

pytestmark = pytest.mark.filterwarnings("default")  # Ray's own are its own affair

SPACE = {
    "x": tune.uniform(-10, 10),
    "rate": tune.loguniform(1e-6, 1.0),
    "model": {"depth": tune.randint(1, 21), "width": tune.lograndint(1, 1025), "kind": tune.choice(["a", None, 3])},
    "grid": [1, tune.quniform(0.25, 0.75, 0.25), tune.qrandint(10, 260, 16)],
    "head": tune.choice([{"name": "flat"}, {"name": "deep", "layers": tune.randint(2, 6)}]),
    "one": tune.choice([7]),
    "two": tune.randint(3, 4),
    "constant": "as it is",
}


def loss(config: dict[str, Any]) -> float:
    """Return how far a configuration is from the optimum, 0."""
    model, head = config["model"], config["head"]
    return (
        (config["x"] - 7) ** 2 / 10
        + (math.log10(config["rate"]) + 4.5) ** 2
        + (model["depth"] - 16) ** 2 / 20
        + (math.log2(model["width"]) - 8) ** 2 / 4
        + (0 if model["kind"] is None else 2)
        + 4 * (config["grid"][1] - 0.75) ** 2
        + (config["grid"][2] / 16 - 12) ** 2 / 10
        + ((head["layers"] - 4) ** 2 if head["name"] == "deep" else 3)
    )


def run(search: KaizenSearch, runs: int, start: int = 0) -> list[dict[str, Any]]:
    """Ask and answer so many times; return the configurations."""
    configs = []
    for number in range(start, start + runs):
        configs.append(search.suggest(str(number)))
        search.on_trial_complete(str(number), {"loss": loss(configs[-1])})
    return configs


def test_a_space_of_every_kind_is_searched_far_better_than_by_chance() -> None:
    """Every value is of its kind and within its range; forty runs leave little (median of three seeds)."""
    least = []
    for seed in (1, 2, 3):
        configs = run(KaizenSearch(SPACE, "loss", "min", seed=seed), 40)
        least.append(min(map(loss, configs)))
    for config in configs:
        assert config.keys() == SPACE.keys()
        assert (config["one"], config["two"], config["constant"], config["grid"][0]) == (7, 3, "as it is", 1)
        assert -10 <= config["x"] <= 10
        assert config["model"]["depth"] in range(1, 21)
        assert config["model"]["width"] in range(1, 1025)
        assert config["grid"][1] in {0.25, 0.5, 0.75}  # Tune's grids are multiples of their step
        assert config["grid"][2] in range(16, 257, 16)
        assert config["head"] == {"name": "flat"} or config["head"]["layers"] in range(2, 6)
    drawn: list[float] = []
    variants = tune.search.variant_generator.generate_variants
    for seed in range(9):
        state = tune.search.basic_variant._BackwardsCompatibleNumpyRng(seed)
        drawn.append(min(loss(next(variants(SPACE, random_state=state))[1]) for _ in range(40)))
    assert sorted(least)[1] < 0.2 * sorted(drawn)[4]


def test_the_same_seed_gives_the_same_configurations() -> None:
    """A search is a function of seed and answers."""
    first, again, other = (run(KaizenSearch(SPACE, "loss", "min", seed=seed), 12) for seed in (5, 5, 6))
    assert first == again
    assert first[1:] != other[1:]


def test_points_are_tried_first() -> None:
    """Given by what may change alone, or with constants."""
    first = run(KaizenSearch(SPACE, "loss", "min", seed=1), 1)[0]
    point = {**first, "x": 3.25, "head": {"name": "deep", "layers": 4}}
    partly = {key: value for key, value in point.items() if key not in {"one", "two", "constant"}}
    assert run(KaizenSearch(SPACE, "loss", "min", seed=1, points_to_evaluate=[point, {**partly, "x": 4.0}]), 3)[:2] == [
        point,
        {**point, "x": 4.0},
    ]
    with pytest.raises(Malformed, match="every parameter, each at a value of its own; got"):
        KaizenSearch(SPACE, "loss", "min", points_to_evaluate=[{"x": 1.0}])


def test_errors_and_what_is_no_number_are_faults() -> None:
    """An error, a missing metric and nan alike are learnt, and not repeated."""
    search = KaizenSearch({"x": tune.uniform(0, 1), "y": tune.uniform(0, 1)}, "loss", "min", seed=1)
    answers = ({"loss": math.nan}, {"loss": math.inf}, {"other": 1.0}, None)
    faults = []
    for number in range(40):
        config = search.suggest(str(number))
        if config["x"] + config["y"] > 1:
            answer = answers[len(faults) % 4]
            search.on_trial_complete(str(number), answer, error=answer is None)
            faults.append((config["x"], config["y"]))
        else:
            result = {"loss": (config["x"] - 0.2) ** 2 + (config["y"] - 0.3) ** 2}
            search.on_trial_complete(str(number), result)
    assert len(faults) <= 13
    assert len(set(faults)) == len(faults)
    best = search.recommend()
    assert abs(best["x"] - 0.2) + abs(best["y"] - 0.3) < 0.05


def test_trials_under_way_are_not_suggested_again() -> None:
    """Also where none is answered yet; a trial that never began is let go."""
    search = KaizenSearch({"a": tune.choice(["x", "y"]), "b": tune.randint(1, 7)}, "loss", "max", seed=1)
    configs = [search.suggest(str(number)) for number in range(10)]
    assert len({(config["a"], config["b"]) for config in configs}) == 10
    search.on_trial_complete("3")
    assert json.loads(saved(search))["runs"] == {}


def test_a_trial_that_is_begun_again_counts_once() -> None:
    """Its latest answer counts, in its old place."""
    search = KaizenSearch({"x": tune.uniform(0, 1)}, "loss", "min", seed=1)
    for number in range(3):
        config = search.suggest(str(number))
        search.on_trial_complete(str(number), error=number == 1, result={"loss": config["x"]})
    search.on_trial_complete("1", {"loss": 0.25})
    search.on_trial_complete("nobody's", {"loss": 0.0})
    runs = json.loads(saved(search))["runs"]
    assert list(runs) == ["0", "1", "2"]
    assert runs["1"][1] == {"loss": 0.25}


def saved(search: KaizenSearch) -> str:
    """Return what a search saves."""
    path = Path("search.json").absolute()
    search.save(str(path))
    return path.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("given", [True, False], ids=["given its space", "given nothing"])
def test_a_saved_search_goes_on_as_if_nothing_had_happened(given: bool) -> None:
    """What was asked, what was answered, what is under way: all of it is there again."""
    whole = run(KaizenSearch(SPACE, "loss", "min", seed=2), 18)
    search = KaizenSearch(SPACE, "loss", "min", seed=2)
    first = run(search, 11)
    waiting = search.suggest("waiting")
    text = saved(search)
    restored = KaizenSearch(SPACE, "loss", "min") if given else KaizenSearch()
    restored.restore("search.json")
    restored.on_trial_complete("waiting", {"loss": loss(waiting)})
    assert [*first, waiting, *run(restored, 6, start=20)] == whole
    assert json.loads(text)["space"]["model/depth"] == "a whole number from 1 to 20"
    assert run(pickle.loads(pickle.dumps(restored)), 1) == run(restored, 1)


def test_a_saved_search_of_something_else_is_refused() -> None:
    """Another space, other metrics, no search at all."""
    search = KaizenSearch(SPACE, "loss", "min", seed=2)
    run(search, 2)
    saved(search)
    with pytest.raises(Clash, match="restored with the space it was saved with"):
        KaizenSearch({**SPACE, "x": tune.uniform(0, 1)}, "loss", "min").restore("search.json")
    with pytest.raises(Clash, match="restored with the metrics it was saved with"):
        KaizenSearch(SPACE, "loss", "max").restore("search.json")
    Path("search.json").write_bytes(b"\x80")
    with pytest.raises(Malformed, match="must be a saved search"):
        search.restore("search.json")


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({"deep": {"x": tune.randn(0, 1)}}, "deep/x must be a range or a choice; got Float by Normal"),
        ({"x": tune.sample_from(lambda _: 1)}, "x must be a range or a choice; got Function"),
        ({"list": [tune.grid_search([1, 2])]}, "list/0 must be a domain to be searched; got a grid_search"),
        ({"x": tune.uniform(0, 1e301)}, "x must be a range that can be searched"),
        ({"x": 1}, "a search space must have something to search; got x"),
    ],
)
def test_what_cannot_be_converted_is_named(space: dict[str, Any], sentence: str) -> None:
    """The place in the space, and what stands there."""
    with pytest.raises(Malformed, match=sentence):
        KaizenSearch(space, "loss", "min")


def test_what_is_missing_is_said() -> None:
    """A space, and a mode for every metric."""
    with pytest.raises(OutOfTurn, match="must have a space before it begins"):
        KaizenSearch(metric="loss", mode="min").suggest("1")
    for metric, mode in ((None, None), ("loss", None), (["a"], ["obs"])):
        with pytest.raises(Malformed, match="must have a mode, 'min' or 'max', for every metric"):
            KaizenSearch(SPACE, metric, mode).suggest("1")


def test_two_metrics_are_improved_together() -> None:
    """One lower, one higher: both ends and the middle of the front are found."""
    search = KaizenSearch({name: tune.uniform(0, 1) for name in "xyz"}, ["price", "gain"], ["min", "max"], seed=1)
    results = []
    for number in range(40):
        config = search.suggest(str(number))
        off = (config["y"] - 0.3) ** 2 + (config["z"] - 0.8) ** 2
        result = {"price": config["x"] + 5 * off, "gain": math.sqrt(config["x"]) - 5 * off}
        search.on_trial_complete(str(number), result)
        results.append((result["price"], result["gain"]))
    for price, gain in ((0.1, 0.1), (0.5, 0.5), (1.1, 0.9)):
        assert any(p <= price and g >= gain for p, g in results)


def test_what_was_tried_elsewhere_counts() -> None:
    """Points with their values are learnt as if they had been asked."""
    search = KaizenSearch({"x": tune.uniform(0, 1), "y": tune.uniform(0, 1)}, "loss", "min", seed=1)
    for x in (0.1, 0.3, 0.5, 0.7, 0.9):
        for y in (0.2, 0.5, 0.8):
            search.add_evaluated_point({"x": x, "y": y}, (x - 0.65) ** 2 + (y - 0.35) ** 2)
    search.add_evaluated_point({"x": 0.0, "y": 0.0}, math.nan, error=True)
    search.suggest("first")
    config = search.suggest("second")
    assert abs(config["x"] - 0.65) + abs(config["y"] - 0.35) < 0.2


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A small Ray on this machine, its workers no nicer than we are: others may be at work here."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=2, include_dashboard=False, configure_logging=False, log_to_driver=False)
        yield
        ray.shutdown()


def trainer(hot: float = 8.5) -> Any:
    """Return a trainable that fails where it is hot, and reports elsewhere."""

    def train(config: dict[str, Any]) -> None:
        if config["x"] > hot:
            raise ArithmeticError("too hot")
        tune.report({"loss": (config["x"] - 7) ** 2 + config["model"]["depth"], "deep": {"gain": -config["x"]}})

    return train


def tuner(path: Path, search: Any, samples: int, *, fail_fast: bool = False, hot: float = 8.5) -> Any:
    """Return a tuner that writes below ``path``."""
    return tune.Tuner(
        trainer(hot),
        param_space={"x": tune.uniform(-10, 10), "model": {"depth": tune.randint(1, 9)}, "constant": 3},
        tune_config=tune.TuneConfig(
            search_alg=search,
            num_samples=samples,
            metric="loss",
            mode="min",
            max_concurrent_trials=1 if fail_fast else 2,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="run",
            storage_path=str(path),
            verbose=0,
            failure_config=tune.FailureConfig(fail_fast=fail_fast),
        ),
    )


def kept(path: Path) -> Any:
    """Return what the search left beside Tune's own state."""
    return json.loads(max((path / "run").glob("kaizen-search-*.json")).read_text(encoding="utf-8"))


@pytest.mark.usefixtures("cluster")
def test_a_tuner_runs_from_end_to_end(tmp_path: Path) -> None:
    """Two at a time, with failures."""
    results = tuner(tmp_path, KaizenSearch(seed=1), 8).fit()
    assert len(results) == 8
    assert results.get_best_result().config["constant"] == 3
    runs = kept(tmp_path)["runs"]
    assert len(runs) == 8
    assert sum(values is None for _, values in runs.values()) == results.num_errors > 0


@pytest.mark.usefixtures("cluster")
def test_a_tuner_that_stopped_is_restored(tmp_path: Path) -> None:
    """The search is there again, and its space with it."""
    begun = tuner(tmp_path, KaizenSearch(seed=1), 6, fail_fast=True, hot=3.0).fit()
    before = kept(tmp_path)["runs"]
    assert len(begun) == len(before) < 6
    again = tune.Tuner.restore(str(tmp_path / "run"), trainer(math.inf), resume_errored=True).fit()
    assert again.num_errors == 0
    assert kept(tmp_path)["runs"] == before


@pytest.mark.usefixtures("cluster")
def test_a_tuner_takes_a_limited_search_of_nested_metrics(tmp_path: Path) -> None:
    """Tune flattens what is reported; a limiter may stand between."""
    space = {"x": tune.uniform(-10, 8), "model": {"depth": tune.randint(1, 9)}}
    search = KaizenSearch(space, ["loss", "deep/gain"], ["min", "max"], seed=1)
    limited = tune.Tuner(
        trainer(),
        tune_config=tune.TuneConfig(
            search_alg=ConcurrencyLimiter(search, max_concurrent=1), num_samples=3, reuse_actors=True
        ),
        run_config=tune.RunConfig(name="run", storage_path=str(tmp_path), verbose=0),
    )
    assert limited.fit().num_errors == 0
    assert len(json.loads(saved(search))["runs"]) == 3
