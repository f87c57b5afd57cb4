"""The judge keeps the contract."""

from kaizen.judges.signed import SignedScores
from kaizen.testing.judges import JudgeContract


class TestSignedScores(JudgeContract):
    """Signed normal scores."""

    def make_judge(self):
        """Return the first judge."""
        return SignedScores()
