"""One method in a fresh interpreter: told so many runs, then asked for suggestions, its CPU seconds printed as JSON.

    PYTHON driver.py METHOD TOLD COUNT

Run by path and with the Python of each method's own environment, so it imports nothing but that method's package. The
function, its runs and the threads are the same for all. All figures are CPU seconds of the process.
"""

import json
import math
import os
import random
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

KINDS = ("tree", "net", "kernel", "linear")
MODES = ("fast", "even", "slow")
WARM = 2  # suggestions before those that are measured

Setting = Mapping[str, Any]
Ask = Callable[[], tuple[Setting, Callable[[float], None]]]
"""Suggest a setting; the loss it gave is told by what comes with it."""


def loss(setting: Setting) -> float:
    """Return a loss over two plain reals, one by ratios, a whole number and two choices; least 0.05, at most about 4."""
    shift, offset = {"tree": (0.2, 0.6), "net": (0.7, 0.0), "kernel": (0.5, 0.3), "linear": (0.9, 1.0)}[setting["kind"]]
    bowl = 2.0 * (setting["x1"] - shift) ** 2 + (setting["x2"] - 0.5 * shift) ** 2
    rate = 0.3 * (math.log10(setting["rate"]) + 3.0) ** 2 * {"fast": 0.5, "even": 1.0, "slow": 0.8}[setting["mode"]]
    return float(0.05 + bowl + rate + offset + 0.05 * abs(setting["depth"] - 7))


def runs(told: int) -> list[tuple[dict[str, Any], float]]:
    """Return runs by chance, the same for every method: half anywhere, half near the best so far."""
    rng, found = random.Random(7), list[tuple[dict[str, Any], float]]()
    for k in range(told):
        near = min(found, key=lambda pair: pair[1])[0] if k % 2 else None
        setting = _beside(near, rng) if near else _anywhere(rng)
        found.append((setting, loss(setting)))
    return found


def _anywhere(rng: random.Random) -> dict[str, Any]:
    return {
        "x1": rng.random(), "x2": rng.random(), "rate": 10.0 ** rng.uniform(-5.0, 0.0), "depth": rng.randint(1, 12),
        "kind": rng.choice(KINDS), "mode": rng.choice(MODES),
    }  # fmt: skip


def _beside(setting: Setting, rng: random.Random) -> dict[str, Any]:
    """Move every range a little and one of the choices now and then."""
    moved = dict(_anywhere(rng)) if rng.random() < 0.3 else dict(setting)
    for name in ("x1", "x2"):
        moved[name] = min(1.0, max(0.0, setting[name] + rng.gauss(0.0, 0.1)))
    moved["rate"] = 10.0 ** min(0.0, max(-5.0, math.log10(setting["rate"]) + rng.gauss(0.0, 0.4)))
    return moved


def kaizen(told: int) -> Ask:
    """Return Kaizen's planner with a model as a library, told ``told`` runs."""
    from kaizen.metric import lower
    from kaizen.parameter import Choice, Real, Whole
    from kaizen.planners.model.optimizer import Optimizer
    from kaizen.process import Process
    from kaizen.setting import Setting as Known

    parameters = (
        Real(name="x1", low=0.0, high=1.0), Real(name="x2", low=0.0, high=1.0),
        Real(name="rate", low=1e-5, high=1.0, log=True), Whole(name="depth", low=1, high=12),
        Choice(name="kind", values=KINDS), Choice(name="mode", values=MODES),
    )  # fmt: skip
    known = [(Known(setting), value) for setting, value in runs(told)]
    process = Process(name="suggest", parameters=parameters, metrics=(lower("loss"),), standard=known[0][0])
    optimizer = Optimizer(process, seed=1)
    for setting, value in known:
        optimizer.tell(setting, {"loss": value})

    def ask() -> tuple[Setting, Callable[[float], None]]:
        setting = optimizer.ask()
        return setting, lambda value: optimizer.tell(setting, {"loss": value})

    return ask


def _optuna(told: int, kind: str) -> Ask:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {
        "x1": optuna.distributions.FloatDistribution(0.0, 1.0), "x2": optuna.distributions.FloatDistribution(0.0, 1.0),
        "rate": optuna.distributions.FloatDistribution(1e-5, 1.0, log=True),
        "depth": optuna.distributions.IntDistribution(1, 12),
        "kind": optuna.distributions.CategoricalDistribution(KINDS),
        "mode": optuna.distributions.CategoricalDistribution(MODES),
    }  # fmt: skip
    samplers = optuna.samplers
    sampler: Any = samplers.TPESampler(seed=1, multivariate=True) if kind == "tpe" else samplers.GPSampler(seed=1)
    study = optuna.create_study(sampler=sampler)
    study.add_trials(
        [optuna.trial.create_trial(params=setting, distributions=space, value=value) for setting, value in runs(told)]
    )

    def ask() -> tuple[Setting, Callable[[float], None]]:
        trial = study.ask(space)
        return trial.params, lambda value: study.tell(trial, value)

    return ask


def tpe(told: int) -> Ask:
    """Return Optuna's TPE, multivariate."""
    return _optuna(told, "tpe")


def gp(told: int) -> Ask:
    """Return Optuna's GPSampler."""
    return _optuna(told, "gp")


def ax(told: int) -> Ask:
    """Return Ax's Client with the strategy it chooses by itself."""
    import logging

    import torch
    from ax.api.client import Client
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    client = Client(random_seed=1)
    client.configure_experiment(
        parameters=[
            RangeParameterConfig("x1", (0.0, 1.0), parameter_type="float"),
            RangeParameterConfig("x2", (0.0, 1.0), parameter_type="float"),
            RangeParameterConfig("rate", (1e-5, 1.0), parameter_type="float", scaling="log"),
            RangeParameterConfig("depth", (1, 12), parameter_type="int"),
            ChoiceParameterConfig("kind", list(KINDS), parameter_type="str", is_ordered=False),
            ChoiceParameterConfig("mode", list(MODES), parameter_type="str", is_ordered=False),
        ],
        name="suggest",
    )
    client.configure_optimization(objective="-loss")
    for setting, value in runs(told):
        client.complete_trial(client.attach_trial(setting), raw_data={"loss": value})

    def ask() -> tuple[Setting, Callable[[float], None]]:
        ((index, setting),) = client.get_next_trials(max_trials=1).items()
        return setting, lambda value: client.complete_trial(index, raw_data={"loss": value})

    return ask


METHODS: dict[str, Callable[[int], Ask]] = {"kaizen": kaizen, "tpe": tpe, "gp": gp, "ax": ax}


def measure(method: str, told: int, count: int) -> dict[str, Any]:
    """Return the CPU seconds: of the start with imports and ``told`` runs, of the first suggestion, of each warm one."""
    ask = METHODS[method](told)
    ready = time.process_time()
    turns = []
    for _ in range(1 if count == 0 else WARM + count):
        begun = time.process_time()
        setting, tell = ask()
        asked = time.process_time()
        value = loss(setting)
        resumed = time.process_time()
        tell(value)
        turns.append(time.process_time() - resumed + asked - begun)
    return {"ready": ready, "first": turns[0], "each": turns[WARM:]}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
