"""The judge keeps the contract."""

from typing import Any

from kaizen.judges.signed import SignedScores
from kaizen.testing.judges import JudgeContract


class TestSignedScores(JudgeContract):
    """Signed normal scores."""

    def make_judge(self) -> Any:
        """Return the first judge."""
        return SignedScores()
