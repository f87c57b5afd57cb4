"""What is proven between standards: the sum of what proven steps promised, along today's line of descent."""

from collections.abc import Mapping, Sequence

import msgspec

from kaizen.journal import Kept, Tested
from kaizen.metric import Metric
from kaizen.reports.promises import added, promised_by
from kaizen.verdict import Effect


class Gained(msgspec.Struct, frozen=True, kw_only=True):
    """What is proven between one standard and the last before it that rests on no proof."""

    base: int
    """The number of the standard it is counted from: the first, one declared, or one described anew."""
    steps: tuple[int, ...] = ()
    """The proven standards on the way."""
    effects: tuple[tuple[Effect, ...], ...] = ()
    """Of each proven step: what it promised, with the lower end of its proof's interval."""
    back: int | None = None
    """The standard whose setting it took up again, where it is a rollback."""

    def total(self, metric: Metric) -> Effect | None:
        """Add up the steps' promises in one metric, their lower ends and levels; ``None`` if neither is known of all.

        The sum is no measurement of its own: nobody ran this standard beside the base.
        """
        found = [effect for step in self.effects for effect in step if effect.metric == metric.name]
        total = added(metric.name, found)
        return total if found and (total.gain is not None or total.low is not None) else None


def since_first(standards: Sequence[Kept], trials: Mapping[int, Tested]) -> dict[int, Gained]:
    """Return for each standard what is proven since the first, or since the latest that rests on no proof.

    A rollback takes up the line of the standard it returns to; a proof that a correction took away is none.
    """
    found: dict[int, Gained] = {}
    for place, kept in enumerate(standards):
        standard = kept.standard
        before = found.get(standard.of) if standard.of is not None else None
        test = trials.get(standard.trial) if standard.trial is not None else None
        back = _back_to(kept, standards[:place])
        if before is not None and test is not None and test.adopted == standard.number and _better(test):
            effects = (*before.effects, promised_by(standard, test))
            found[standard.number] = Gained(base=before.base, steps=(*before.steps, standard.number), effects=effects)
        elif back is not None:
            found[standard.number] = msgspec.structs.replace(found[back], back=back)
        else:
            found[standard.number] = Gained(base=standard.number)
    return found


def _better(test: Tested) -> bool:
    return test.verdict is not None and test.verdict.decision == "better"


def _back_to(kept: Kept, earlier: Sequence[Kept]) -> int | None:
    """Return the latest earlier standard with the same setting, resting on the same."""
    mine = kept.standard
    for other in reversed(earlier):
        theirs = other.standard
        if (theirs.setting, theirs.evidence, theirs.trial) == (mine.setting, mine.evidence, mine.trial):
            return theirs.number
    return None
