"""Kaizen's planner as a searcher of Ray Tune.

    tuner = tune.Tuner(train, param_space=space, tune_config=tune.TuneConfig(search_alg=KaizenSearch(seed=1), …))

For those who have Tune and want the planner alone: nothing is proven here, and there is no ledger.
"""

import math
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from kaizen.errors import Clash, Malformed, OutOfTurn, Stuck

try:
    from ray import cloudpickle
    from ray.tune.result import DEFAULT_METRIC
    from ray.tune.search import Searcher
except ImportError as error:
    _HINT = "pip install 'kaizen-engine[ray]'"
    raise Stuck("KaizenSearch must have Ray Tune, which is not installed", hint=_HINT) from error

from kaizen.faces.ray.space import Space, find_space
from kaizen.metric import Metric
from kaizen.planners.model.belief import Seen, caches
from kaizen.planners.model.replay import Told, next_setting, recommended
from kaizen.setting import Setting, decode_hook, encode_hook

__all__ = ["KaizenSearch"]


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """What is saved, as JSON."""

    format: int = 1
    seed: int
    exact: bool
    asked: int
    space: dict[str, str]
    config: bytes
    """Tune's and the user's own objects, as Ray pickles them; read where there is no space yet."""
    metrics: dict[str, str]
    first: tuple[Setting, ...]
    runs: dict[str, tuple[Setting, dict[str, float] | None]]
    live: dict[str, Setting]


class KaizenSearch(Searcher):  # type: ignore[misc,unused-ignore]  # where Ray is absent, its class is unknown
    """Proposes by a Gaussian process of every metric, and by a model of what fails.

    The space is Tune's own: ``uniform``, ``loguniform``, ``randint``, ``lograndint``, their quantized forms and
    ``choice``, in dictionaries and lists, with constants; domains within a category wait for it. ``metric`` and ``mode``
    may be lists: several metrics are improved together.

    A trial that errs, or whose last result lacks a metric or has one that is not finite, is a fault: where runs fail is
    learnt, and what failed is not proposed again. The last result counts, also of a trial that a scheduler stopped
    early; results in between are not looked at. A trial that never began is let go.
    """

    CKPT_FILE_TMPL = "kaizen-search-{}.json"
    _metric: Any  # kept by Tune
    _mode: Any

    def __init__(
        self,
        space: Mapping[str, Any] | None = None,
        metric: str | Sequence[str] | None = None,
        mode: str | Sequence[str] | None = None,
        *,
        seed: int | None = None,
        exact: bool = False,
        points_to_evaluate: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Search ``space``, or the one that ``Tuner`` brings; plan by ``seed``, or by one of chance.

        ``exact`` says that repeats of a configuration give the same results. ``points_to_evaluate`` are tried first;
        without them, the middle of every range and every choice's first value.

        Raises:
            Malformed: the space has something that cannot be converted, or a point is none of it.
        """
        super().__init__(metric=_plain(metric), mode=_plain(mode))
        self._seed = secrets.randbits(32) if seed is None else seed
        self._exact = exact
        self._points = tuple(points_to_evaluate)
        self._space: Space | None = None
        self._first: tuple[Setting, ...] = ()
        self._asked = 0
        self._runs: dict[str, Seen] = {}
        self._live: dict[str, Setting] = {}
        self._kept = caches()
        if space is not None:
            self._take(find_space(space))

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: Mapping[str, Any], **spec: Any
    ) -> bool:
        """Take what ``Tuner`` brings; refuse another space than the one there is."""
        del spec
        space = find_space(config)
        if self._space is not None and self._space.words != space.words:
            return False
        self._metric, self._mode = metric or self._metric, mode or self._mode
        self._take(space)  # also the same again: what does not change may be new
        return True

    def suggest(self, trial_id: str) -> Any:
        """Return the configuration to try next."""
        space, told = self._told()
        if self._asked < len(self._first):
            setting = self._first[self._asked]
        else:
            setting = next_setting(told, self._kept, seed=self._seed, number=self._asked)
        self._asked += 1
        self._live[trial_id] = setting
        return space.filled(setting)

    def on_trial_complete(
        self,
        trial_id: str,
        result: Mapping[str, Any] | None = None,
        error: bool = False,  # noqa: FBT001, FBT002 - Tune's form
    ) -> None:
        """Take a reading or a fault in; of a trial that was begun again, the latest counts."""
        before = self._runs.get(trial_id)
        setting = self._live.pop(trial_id, None) or (before and before.setting)
        if setting is not None and (error or result):
            self._runs[trial_id] = Seen(setting, None if error else self._reading(result or {}))

    def add_evaluated_point(
        self,
        parameters: Mapping[str, Any],
        value: float,
        error: bool = False,  # noqa: FBT001, FBT002 - Tune's form
        pruned: bool = False,  # noqa: FBT001, FBT002 - Tune's form
        intermediate_values: Sequence[float] | None = None,
    ) -> None:
        """Take in what was tried elsewhere, of a single metric.

        Raises:
            Mistake: the parameters are no configuration of the space.
        """
        del pruned, intermediate_values
        space, told = self._told()
        values = None if error else self._reading({told.goals[0]: value})
        self._runs[f"elsewhere {len(self._runs)}"] = Seen(space.setting(parameters), values)

    def recommend(self) -> Any:
        """Return the configuration believed to be best among those that ran; several metrics count by their sum."""
        space, told = self._told()
        return space.filled(recommended(told, self._kept))

    def save(self, checkpoint_path: str) -> None:
        """Write what was asked and answered, as JSON."""
        space, _ = self._told()
        state = _State(
            seed=self._seed,
            exact=self._exact,
            asked=self._asked,
            space=space.words,
            config=cloudpickle.dumps(space.config),
            metrics=self._modes(),
            first=self._first,
            runs={
                name: (run.setting, None if run.values is None else dict(run.values))
                for name, run in self._runs.items()
            },
            live=self._live,
        )
        Path(checkpoint_path).write_bytes(msgspec.json.encode(state, enc_hook=encode_hook))

    def restore(self, checkpoint_path: str) -> None:
        """Go on where a saved search stopped: with its space, unless there is one, which then must be the same.

        Raises:
            Malformed: the file is no saved search.
            Clash: it is one of another space or of other metrics.
        """
        try:
            state = msgspec.json.decode(Path(checkpoint_path).read_bytes(), type=_State, dec_hook=decode_hook)
        except msgspec.DecodeError as error:
            raise Malformed(f"{checkpoint_path} must be a saved search; got {error}") from error
        if self._space is None:
            self._take(find_space(cloudpickle.loads(state.config)))
        if self._mode is None:
            metrics, modes = list(state.metrics), list(state.metrics.values())
            self._metric, self._mode = (metrics, modes) if len(metrics) > 1 else (metrics[0], modes[0])
        space, told = self._told()
        for what, ours, theirs in (("space", space.words, state.space), ("metrics", self._modes(), state.metrics)):
            if ours != theirs:
                raise Clash(f"a search must be restored with the {what} it was saved with, {theirs}; got {ours}")
        self._seed, self._exact, self._asked, self._first = state.seed, state.exact, state.asked, state.first
        self._runs = {
            name: Seen(told.process.setting(setting), values) for name, (setting, values) in state.runs.items()
        }
        self._live = {name: told.process.setting(setting) for name, setting in state.live.items()}

    def _take(self, space: Space) -> None:
        self._space = space
        self._first = (
            self._first or tuple(space.setting(point) for point in self._points) or (space.process().standard,)
        )

    def _told(self) -> tuple[Space, Told]:
        if self._space is None:
            hint = "give KaizenSearch a space, or Tuner a param_space"
            raise OutOfTurn("a search must have a space before it begins; got none", hint=hint)
        metrics = tuple(
            Metric(name=name, better="lower" if mode == "min" else "higher", scale="difference", exact=self._exact)
            for name, mode in self._modes().items()
        )
        process = msgspec.structs.replace(self._space.process(metrics), standard=self._first[0])
        goals = tuple(metric.name for metric in metrics)
        return self._space, Told(process, goals, tuple(self._runs.values()), tuple(self._live.values()))

    def _modes(self) -> dict[str, str]:
        """Return every metric and its mode."""
        metrics, modes = self._metric or DEFAULT_METRIC, self._mode
        made = {metrics: modes} if isinstance(metrics, str) else dict(zip(metrics, modes or (), strict=False))
        if not made or not set(made.values()) <= {"min", "max"}:
            raise Malformed(
                f"a search must have a mode, 'min' or 'max', for every metric; got {modes!r} for {metrics!r}"
            )
        return made

    def _reading(self, result: Mapping[str, Any]) -> dict[str, float] | None:
        """Return what the metrics read; ``None`` for a fault."""
        try:
            values = {name: float(result[name]) for name in self._modes()}
        except (KeyError, TypeError, ValueError):
            return None
        return values if all(map(math.isfinite, values.values())) else None


def _plain(words: str | Sequence[str] | None) -> Any:
    """Return Tune's own form of one metric or several."""
    return words if words is None or isinstance(words, str) else list(words)
