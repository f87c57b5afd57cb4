"""The judge keeps the contract, by each of its methods."""

from typing import Any, ClassVar

from kaizen.judges.paired import PairedJudge
from kaizen.testing.judges import JudgeContract


class TestFlippedCoins(JudgeContract):
    """Within a cap."""

    def make_judge(self) -> Any:
        """Return the judge."""
        return PairedJudge()


class TestSignedScores(JudgeContract):
    """Without one, and in ledgers from before there were flips."""

    METHOD: ClassVar[str] = "signed normal scores 1"

    def make_judge(self) -> Any:
        """Return the judge."""
        return PairedJudge()


class TestBothWays(JudgeContract):
    """A gain and a loss, each at half of alpha."""

    METHOD: ClassVar[str] = "flipped coins both ways 1"
    SIZES: ClassVar[Any] = dict(list(JudgeContract.SIZES.items())[:1])  # all of them: tests/wheel/test_both_ways.py

    def make_judge(self) -> Any:
        """Return the judge."""
        return PairedJudge()
