"""The table of tools: what each is called, says of itself, takes, answers and hints, and which function does it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from kaizen.faces.mcp import asked, reading, replies, verbs


class Tool(NamedTuple):
    """One tool; it is published as ``kaizen_`` and its verb."""

    verb: str
    title: str
    says: str
    """What an agent reads before it calls it."""
    takes: type[asked.Asked]
    answers: type[replies.Reply]
    does: Callable[[Any, Any], replies.Reply]
    """Called with the room and what it takes."""
    reads: bool = False
    destroys: bool = False
    """Whether it puts something out of force; nothing is ever erased."""
    idempotent: bool = False
    """Whether the same call again changes nothing more."""

    @property
    def name(self) -> str:
        """The name under which it is called."""
        return f"kaizen_{self.verb}"


TOOLS = (
    Tool(
        "show", "Show", "Where processes stand: open ideas (trials and proposals, with their words and authors), runs in "
        "hand, budget, andon. Without a process, all of them in a line each. Begin here.",
        asked.Show, replies.Shown, reading.show, reads=True, idempotent=True,
    ),
    Tool(
        "standard", "Standard", "Today's standard of a process and what may be changed of it: parameters with ranges, "
        "metrics with what is worthwhile, constraints, guards, how runs are made, who consents.",
        asked.Standard, replies.Described, reading.standard, reads=True, idempotent=True,
    ),
    Tool(
        "lessons", "Lessons", "What was learnt, newest first: a sentence each, its grade and scope, and what contradicts "
        "it since.",
        asked.Lessons, replies.Learnt, reading.lessons, reads=True, idempotent=True,
    ),
    Tool(
        "consult", "Consult", "Ask the veteran about an idea before anything is spent on it: what was tried that is like "
        "it, the odds, what a trial puts at risk, and who tests something like it now. Nothing is written.",
        asked.Consult, replies.Nodded, reading.consult, reads=True, idempotent=True,
    ),
    Tool(
        "propose", "Propose", "Propose an increment of today's standard for a trial. The veteran's nod is in the answer; "
        "it never blocks: on failed_before or think_again, go on only if you can say what is different now.",
        asked.Propose, replies.Proposed, verbs.propose,
    ),
    Tool(
        "ask", "Ask for a run", "Take runs to make: what you have in hand already comes first. Make each with its very "
        "setting, in the order given, then tell what it measured. recheck says where the nod has changed since.",
        asked.Ask, replies.Given, verbs.ask,
    ),
    Tool(
        "tell", "Tell a reading", "Report what a run measured, every metric of it, as it was read. The answer says what "
        "followed: a verdict, an adoption, a lesson.",
        asked.Tell, replies.Answered, verbs.tell, idempotent=True,
    ),
    Tool(
        "fault", "Tell a fault", "Report that a run gave no reading, and why. A fault teaches as a reading does: never "
        "make up a number for it.",
        asked.Fault, replies.Answered, verbs.fault, idempotent=True,
    ),
    Tool(
        "correct", "Correct a reading", "Replace a mistyped reading. Its trials are judged again; both verdicts are kept.",
        asked.Correct, replies.Corrected, verbs.correct,
    ),
    Tool(
        "check", "Check a trial", "The verdict on a trial as it stands, with intervals, and whose consent it waits for.",
        asked.Check, replies.Checked, reading.check, reads=True, idempotent=True,
    ),
    Tool(
        "consent", "Consent", "Agree to adopt the trial that is proven better and waits, or decline it. Only in the name "
        "of whoever the policy names, and only when they have told you so.",
        asked.Consent, replies.Decided, verbs.consent, destroys=True,
    ),
    Tool(
        "rollback", "Roll back", "Make an earlier standard the next one again. Open trials are superseded; nothing is "
        "erased.",
        asked.Rollback, replies.Numbered, verbs.rollback, destroys=True,
    ),
    Tool(
        "voice", "Voice", "Write down what a customer of the process said.",
        asked.Voice, replies.Heard, verbs.voice,
    ),
    Tool(
        "andon", "Pull the andon", "Pull the stop cord when something is wrong: nothing new is handed out until a person "
        "clears it by name.",
        asked.Andon, replies.Heard, verbs.andon, destroys=True,
    ),
)  # fmt: skip
