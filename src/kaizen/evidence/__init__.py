"""The arithmetic of proof: what paired differences say, how large a gain is, what a trial may risk and what it takes.

``signs`` bets on the coin that ordered each pair, whatever the noise (no cap); ``gains`` tells how large a gain is;
``ends`` puts several metrics together and knows when to give up; ``budget`` says what the next trial may risk;
``foresight`` what a proof will take. Values in, values out.
"""

from kaizen.evidence.budget import alpha
from kaizen.evidence.ends import composite, conditional_power
from kaizen.evidence.foresight import OUT_OF_REACH, pairs_floor, prospect
from kaizen.evidence.gains import confidence_interval, typical
from kaizen.evidence.signs import BETS, WEIGHTS, log_evidence, log_path, signed_scores

__all__ = [
    "BETS",
    "OUT_OF_REACH",
    "WEIGHTS",
    "alpha",
    "composite",
    "conditional_power",
    "confidence_interval",
    "log_evidence",
    "log_path",
    "pairs_floor",
    "prospect",
    "signed_scores",
    "typical",
]
