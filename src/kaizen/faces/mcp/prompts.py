"""What a person may begin with: a turn of the wheel, the autopsy of a log, a new process."""

from typing import NamedTuple

from kaizen.errors import Malformed, Undeclared


class Argument(NamedTuple):
    """What a prompt takes."""

    name: str
    says: str
    required: bool = True


class Prompt(NamedTuple):
    """One prompt; ``{name}`` in its text stands for an argument."""

    name: str
    title: str
    says: str
    text: str
    arguments: tuple[Argument, ...]


PROMPTS = (
    Prompt(
        "kaizen_cycle", "Turn the wheel", "Improve a process by one increment at a time, proven before it is adopted.",
        """Turn the wheel on the process {process}, as {by} in every call.

1. kaizen_show and kaizen_standard: what is open, what may change, what is worthwhile. kaizen_lessons: what is known.
2. Think of one small increment that is neither open already nor a lesson. kaizen_consult it; on failed_before or
   think_again, take another one unless you can say what is different now.
3. kaizen_propose it, with a because that somebody else can judge, and a key.
4. kaizen_ask for a run. Make it with its very setting, nothing else changed. kaizen_tell what it measured, or
   kaizen_fault why it measured nothing. Never make up, round or drop a reading; kaizen_correct one that was mistyped.
5. Go on with 4 until the answer to kaizen_tell says judged. One good run proves nothing: the judge decides.
6. If it waits for somebody's consent, show them kaizen_check and stop. Otherwise begin again with 1.
Stop when kaizen_ask says why there is nothing to do. If something is wrong with the process itself, kaizen_andon.""",
        (Argument("process", "the process's name"), Argument("by", "the agent's own name")),
    ),
    Prompt(
        "kaizen_autopsy", "Autopsy of a log", "Tell what a log of trial and error tries again in vain.",
        """Run in the shell: kaizen autopsy {log} -o autopsy.html

Then tell me, with its own figures: how often an idea was tried again after it had failed, and how seldom that worked;
which keeps are smaller than the log's own noise; what the rejections have in common; what the nod would have saved.
Say plainly what cannot be known from this log. If it is worth going on from there, kaizen import {log} brings it in.""",
        (Argument("log", "the log: results.tsv, log.jsonl, a CSV, a store of Optuna or MLflow"),),
    ),
    Prompt(
        "kaizen_setup", "Describe a process", "Write the recipe of a process that is to be improved.",
        """Describe a process to Kaizen so that it can be improved: {goal}

1. Run kaizen init for a kaizen.toml to start from, or extend the one that is there.
2. Find out, and ask me where you cannot know: what may change (each parameter with its range), how it is done today (the
   standard), how one run is made (a command, or by hand), what is measured, quality and price, in which unit, which way
   is better, and which gain is worthwhile.
3. Declare a metric exact only if the same setting always reads the same. Add guards for what must never happen.
4. kaizen_standard shows whether it is understood; kaizen outlook says how many pairs a proof will take, and kaizen noise
   how far readings differ. Tell me both before anything is improved.""",
        (Argument("goal", "what is to be improved"),),
    ),
)  # fmt: skip


def text_of(name: str, given: dict[str, str]) -> tuple[Prompt, str]:
    """Return a prompt and its text.

    Raises:
        Undeclared: no such prompt.
        Malformed: an argument is missing, or is none of its.
    """
    prompt = next((one for one in PROMPTS if one.name == name), None)
    if prompt is None:
        raise Undeclared(f"a prompt must be one of {', '.join(one.name for one in PROMPTS)}; got {name!r}")
    wanted = [argument.name for argument in prompt.arguments]
    if set(given) != set(wanted):
        raise Malformed(f"{name} must be given {', '.join(wanted)}; got {', '.join(sorted(given)) or 'nothing'}")
    text = prompt.text
    for argument in wanted:
        text = text.replace(f"{{{argument}}}", given[argument])
    return prompt, text
