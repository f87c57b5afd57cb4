"""What models of kin and of this process's own runs foretell of an increment, where there are kin and a standard that was run.

Nothing but the odds follows from them until kin are believed here: at least half of this process's runs that left no doubt must have
been foretold, and

    λ + 4 (A - ½) ≥ 0                                                                                           (eq. 1)

with λ the log odds of kin by the runs here (``foresight``) and A how well they foretell one another (``voices``). Those that agree
may warn before anything but the standard has run here; those that do not, once enough has run that bears them out; one kin
alone once two runs have put it to the test. NumPy and SciPy are loaded when there are kin, and not before.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kaizen.errors import Mistake
from kaizen.journal import Head
from kaizen.setting import Setting
from kaizen.standard import Increment
from kaizen.trial import Fault
from kaizen.verdict import Odds
from kaizen.veteran.recall import Of, Recall
from kaizen.veteran.transfer import Kin

if TYPE_CHECKING:
    from kaizen.surrogate.gp import Data, Noise
    from kaizen.surrogate.space import Space
    from kaizen.veteran.foresight import Here, Ran
    from kaizen.veteran.voices import Voices

WARNS: Final = 0.75
"""How much the chance of being worse must exceed that of being clearly better, by kin, for the models to warn."""
_AGREED = 4.0  # of eq. 1: log odds that full agreement is worth beside none
_ALONE = 2  # runs that must have put one kin alone to the test
_PRECEDENTS = 0.1  # log odds that precedents add to the models': those have heard the same runs
_READ, _MOST = 400, 120  # latest runs that are read, and distinct settings that the models hear
_NEAREST = 5
_KERNELS = 400  # that are kept on the shelf, the latest


class Foreseen(NamedTuple):
    """What the models foretell of an increment."""

    worse: float
    """The chance that it is worse than the standard or fails."""
    better: float
    clearly: float
    """The chance, by kin, that it is clearly better."""
    right: int
    known: int
    """Kin foretold so many right, of so many of this process's runs."""
    evidence: float
    """λ of eq. 1."""
    agreement: float | None
    """A of eq. 1; ``None`` for one kin alone."""
    because: str

    @property
    def believed(self) -> bool:
        """Whether kin may warn here."""
        if 2 * self.right < self.known or (self.agreement is None and self.known < _ALONE):
            return False
        agreed = 0.0 if self.agreement is None else _AGREED * (self.agreement - 0.5)
        return self.evidence + agreed >= 0.0

    @property
    def warns(self) -> bool:
        """Whether the models would rather not."""
        return self.believed and self.worse - self.clearly >= WARNS

    def __str__(self) -> str:
        """Return the chance, and from where it comes."""
        return f"worse {self.worse:.0%}: {self.because}"

    def beside(self, better: float, base: float) -> "Foreseen":
        """Return it with what precedents say, which adds little: their odds of being better, and those of any idea here."""
        from_ = 1.0 - self.worse
        moved = _PRECEDENTS * (_logit(1.0 - better) - _logit(1.0 - base))
        worse = 1.0 / (1.0 + math.exp(-_logit(self.worse) - moved))
        return self._replace(worse=worse, better=self.better * (1.0 - worse) / max(1e-9, from_))

    def odds(self, faults: float) -> Odds:
        """Return the odds beside the chance of a fault."""
        return Odds(better=min(self.better, 1.0 - faults), faults=faults)


def _logit(chance: float) -> float:
    inside = min(0.997, max(0.003, chance))
    return math.log(inside / (1.0 - inside))


def foresee(recall: Recall, kept: Of, increment: Increment) -> Foreseen | None:
    """Return what the models foretell; ``None`` where nothing is related, or the standard itself was never read."""
    head = kept.head
    found = recall.kin(head) if head is not None else ()
    if head is None or not found:
        return None
    import numpy as np

    from kaizen.surrogate.threads import one_thread
    from kaizen.veteran.foresight import foretell

    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        state = _state(recall, kept, head, (found, increment.before))
        if state is None:
            return None
        try:
            point = state.space.points(state.space.encode([increment.after]))
        except (StopIteration, ValueError, KeyError):  # a value that was never declared
            return None
        told = foretell(state.here, state.voices, point)
        because = _because(state, point, told.worse)
        here = state.here
        return Foreseen(
            worse=told.worse, better=told.better, clearly=told.clearly, right=here.right, known=here.known,
            evidence=here.odds, agreement=state.voices.agreement, because=because,
        )  # fmt: skip


class _State(NamedTuple):
    """All that is made before a question is put."""

    space: "Space"
    voices: "Voices"
    here: "Here"


def _state(recall: Recall, kept: Of, head: Head, about: tuple[Sequence[Kin], Setting]) -> _State | None:
    """Return the models, made anew when kin, runs or the standard have changed."""
    found, standard = about
    kin = tuple(one.digest for one in found)
    stamp = (kept.version, kin, standard.fingerprint, head.revision)
    if kept.cache.get("foresight", (None,))[0] != stamp:
        runs = _runs(recall, kept, head, standard)
        told = (
            kin,
            standard.fingerprint,
            head.revision,
            tuple((run.fingerprint, value) for run, value in runs.items()),
        )
        known: Any = kept.cache.get("foresight", (None, None, None))
        state = known[2] if known[1] == repr(told) else _made(recall, kept, found, (runs, standard))
        kept.cache["foresight"] = (stamp, repr(told), state)
    made: _State | None = kept.cache["foresight"][2]
    return made


def _runs(recall: Recall, kept: Of, head: Head, standard: Setting) -> dict[Setting, tuple[float, ...]]:
    """Return the readings of each setting, turned so that more is better: the standard first, then the latest last."""
    metric, read = head.process.metrics[0], dict[Setting, tuple[float, ...]]()
    turn = 1.0 if metric.better == "higher" else -1.0
    for run in recall.latest(kept.process.name, _READ):
        lost = isinstance(run.outcome, Fault) and run.outcome.reason == "lost" and run.values is None
        if run.seq <= head.era or lost or (run.values is not None and metric.name not in run.values):
            continue
        values = read.pop(run.setting, ())
        read[run.setting] = values if run.values is None else (*values, turn * run.values[metric.name])
    own = read.pop(standard, ())
    return {standard: own, **dict(list(read.items())[-_MOST:])} if own else {}


def _made(
    recall: Recall, kept: Of, found: Sequence[Kin], ran: tuple[dict[Setting, tuple[float, ...]], Setting]
) -> _State | None:
    import numpy as np

    from kaizen.surrogate.space import Space
    from kaizen.veteran.foresight import Ran, bend, stand
    from kaizen.veteran.voices import voices

    runs, standard = ran
    process = kept.process
    space = Space(process, standard)
    inside = {setting: values for setting, values in runs.items() if _declared(space, setting)}
    if standard not in inside:
        return None
    before = len(recall.kernels)
    known = voices(space, found, recall.kernels)
    if known is None:
        return None
    metric = process.metrics[0]
    means = [float(np.mean(values)) if values else math.nan for values in inside.values()]
    turn = 1.0 if metric.better == "higher" else -1.0
    gain = metric.as_gain(metric.worthwhile)
    wanted = means[0] * math.exp(turn * gain) if metric.scale == "ratio" else means[0] + gain
    own = Ran(
        points=space.points(space.encode(list(inside))), values=np.array(means),
        repeats=np.array([float(max(1, len(values))) for values in inside.values()]), wanted=wanted, exact=metric.exact,
    )  # fmt: skip
    if not np.isfinite(bend(own)[0]).all():  # readings too large to do statistics with
        return None
    here = stand(own, _kernel(space, own, recall), known, space.shape)
    if len(recall.kernels) > before:
        recall.keep_kernels(_KERNELS)
    return _State(space, known, here)


def _declared(space: "Space", setting: Setting) -> bool:
    try:
        space.process.setting(setting)
        space.encode([setting])
    except (Mistake, StopIteration, ValueError, KeyError):  # from before an amendment
        return False
    return True


def _kernel(space: "Space", ran: "Ran", recall: Recall) -> Any:
    """Return the kernel of this process's own runs: fitted to the first so many, as ``settled_at`` has it."""
    from kaizen.surrogate.gp import NOISY, Data, Kernel, prior_mean
    from kaizen.surrogate.regression import settled_at
    from kaizen.veteran.foresight import ROUGH, bend
    from kaizen.veteran.voices import kept_kernel

    noise = ROUGH if ran.exact else NOISY
    if len(ran.values) < 4:
        return Kernel.unpack(prior_mean(space.shape, noise), space.shape)
    count = settled_at(len(ran.values))
    first = ran._replace(points=ran.points.at(slice(0, count)), values=ran.values[:count], repeats=ran.repeats[:count])
    digest = hashlib.blake2b(digest_size=12)
    for array in (*first.points, first.values, first.repeats):
        digest.update(array.tobytes())

    def data() -> "tuple[Data, Noise]":
        return Data(first.points, bend(first)[0], first.repeats), noise

    return kept_kernel(space, f"own:{digest.hexdigest()}", recall.kernels, data)


def _because(state: _State, point: Any, chance: float) -> str:
    """Say what the kin that is believed most tried near it, and what kin's record is here.

    It is told beside the kin's own standard; where that would not say why it is worse here, beside today's, by the kin's model.
    """
    import numpy as np

    weights, each = state.here.weights, state.voices.each
    believed = np.zeros(len(each))
    for model, weight in zip(state.here.models, weights.tolist(), strict=True):
        if model.voice is not None:
            believed[slice(None) if model.voice >= len(each) else model.voice] += weight / (
                len(each) if model.voice >= len(each) else 1
            )
    most = each[int(np.argmax(believed))]
    theirs = most.posterior.points
    away = ((theirs.numbers - point.numbers) ** 2).sum(axis=1) + ((theirs.marks - point.marks) ** 2).sum(axis=1) / 2.0
    near = np.argsort(away, kind="stable")[:_NEAREST].tolist()
    beside, worse = "its standard", _worse(most.kin, near, 0.0)
    if chance > 0.5 and 2 * worse < len(near):
        today = most.says(state.here.ran.points.at(slice(0, 1))).beside
        beside, worse = "today's standard would be there", _worse(most.kin, near, float(today[0]))
    rest = len(each) - 1
    others = f" and {rest} other{'' if rest == 1 else 's'}" if rest else ""
    record = f"what it{others} tried foretold {state.here.right} of {state.here.known} of this process's runs"
    if not state.here.known:
        agreed = state.voices.agreement
        also = "" if agreed is None else f"; related processes foretell one another (rank correlation {agreed:.2f})"
        record = f"no run here has put that to the test yet{also}"
    return f"in {most.kin}, {worse} of the {len(near)} settings tried nearest to it were worse than {beside}; {record}"


def _worse(kin: Kin, rows: Sequence[int], score: float) -> int:
    """Return how many settings of a kin were worse than a score, or failed."""
    return sum(kin.faults[at] or kin.scores[at] < score for at in rows)
