"""CHECK: the parts of a verdict that are not statistics."""

from typing import Any

from kaizen.check import design, guard_broken


def test_exact_metrics_alone_take_one_pair_and_no_error_budget(bakery: Any) -> None:
    """Where luck has no part there is no alpha to charge; one noisy metric brings it back."""
    exact = design(bakery.process(bakery.size), alpha=0.02, coins=3, method="m")
    assert (exact.alpha, exact.pairs, exact.coins, exact.method) == (0.0, 1, 3, "m")
    mixed = design(bakery.process(bakery.size, bakery.taste, pairs=30), alpha=0.02, coins=3, method="m")
    assert (mixed.alpha, mixed.pairs) == (0.02, 30)


def test_a_guard_is_broken_by_the_increment_alone(bakery: Any) -> None:
    """A guard vetoes where the increment broke it and the standard did not, or gave no reading."""
    guards = (bakery.guard(metric="taste", at_least=4.0),)

    def broken(*pairs: Any) -> Any:
        return guard_broken(bakery.trial(*pairs, guards=guards))

    assert broken((5, 3)) == guards[0]
    assert broken((bakery.crash, 3)) == guards[0]
    assert broken((5, 5), (5, 3)) == guards[0]
    assert broken((3, 3)) is None  # the standard breaks it, too
    assert broken((3, 5)) is None
    assert broken((5, bakery.crash)) is None  # a fault is scored, not guarded
    assert broken((5, None), (5, 3)) is None  # not a pair yet, and none behind it counts
    assert guard_broken(bakery.trial((5, 3))) is None
