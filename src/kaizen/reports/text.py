"""A process's story as plain text: the closing summary, and the overview of all processes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kaizen.act import AUTOMATIC
from kaizen.journal import Head, Tested, UnderWay
from kaizen.reports import Story
from kaizen.reports.budget import budget_of
from kaizen.reports.gains import since_first
from kaizen.reports.lines import count, fold_text, showed, titled
from kaizen.reports.promises import Promise, copies, false_alarm, honest, kept_so_far, sum_words
from kaizen.veteran.carrying import Carried

_LESSONS = 5  # as many as people read
_RECOMMENDED = 3
_CARRIED = 3


# ── the summary ───────────────────────────────────────────────────────────────────────────────────────────────────────


def summary(story: Story, *, report: str = "") -> str:
    """Tell what is proven, what is only recommended, what was learnt, what it took, and what comes next.

    ``report`` is where the page lies; a way to make one is named where it is empty.
    """
    head = story.head
    name = head.process.name
    lines = [*fold_text(f"{name}: {head.process.about}" if head.process.about else name), ""]
    made = story.promises
    lines += _part(
        "FALSE ALARM", (f"{false_alarm(test)}; look for what favours a side" for test in copies(story.trials).fooled)
    )
    lines += _part("Today's standard", _today(story))
    lines += _part("Proven", _proven(story, made))
    lines += _part("Kept without proof", _declared(story))
    lines += _part("Recommended, not proven", _recommended(story))
    lines += _part("Could be carried over", carried_words(name, story.carried))
    lines += _part("What drives it, by a model", _driving(story))
    lines += _part("Under way", _under_way(head))
    lines += _part("Learnt", _learnt(story))
    lines += _part("Customers' last words", [f"{voice.by}: {voice.text}" for voice in story.voices[-3:]])
    lines += _facts(story, made, report or f"kaizen report {name} makes a page of all this")
    return "\n".join(lines)


def carried_words(process: str, every: Sequence[Carried]) -> Iterator[str]:
    """Yield what related processes have proven and could be proposed here, and the command that does."""
    open_ = [one for one in every if not one.left]
    yield from map(str, open_[:_CARRIED])
    if len(open_) > _CARRIED:
        yield f"and {len(open_) - _CARRIED} more"
    if open_:
        yield f"kaizen carry {process} proposes {'it' if len(open_) == 1 else 'them'}, with the veteran's nod"


def _part(title: str, items: Iterable[str]) -> list[str]:
    """Put items under a title; nothing at all where there are none. A line that begins with a space goes deeper."""
    lines = []
    for item in items:
        depth = 2 + len(item) - len(item.lstrip(" "))
        lines += fold_text(item.strip(), indent=" " * depth)
    return [title, *lines, ""] if lines else []


def _today(story: Story) -> Iterator[str]:
    standard = story.head.standard
    yield str(standard)
    match standard.evidence:
        case "given":
            nothing = "" if story.head.counts.adopted else "; nothing has been proven better yet"
            yield f"given ({standard.because}){nothing}"
        case "declared":
            yield f"declared by {standard.by}, without proof: {standard.because}"
            yield from story.since.get(standard.number, ())
        case "proven":
            agreed = "automatically" if standard.by == AUTOMATIC else f"with the consent of {standard.by}"
            yield f"proven in trial {standard.trial}, adopted {agreed}"


def _proven(story: Story, made: Sequence[Promise]) -> Iterator[str]:
    """Yield each proven standard with what it promised and delivers, and in the end all promises together."""
    tests = {test.id: test for test in story.trials}
    for promise in made:
        test = tests[promise.trial]
        pairs = count(test.verdict.pairs if test.verdict is not None else 0, "pair")
        yield f"Standard {promise.standard}: {test.trial.increment}"
        yield f"  {promise}"
        yield f"  over standard {promise.before}, proven by {pairs} in trial {test.id}"
    yield from _together(story, tests)


def _together(story: Story, tests: Mapping[int, Tested]) -> Iterator[str]:
    """Yield what is proven since the first standard, where that is more than one step."""
    gained = since_first(story.standards, tests)[story.head.standard.number]
    if len(gained.steps) < 2:
        return
    totals = ((metric, gained.total(metric)) for metric in story.head.process.metrics)
    said = [honest(effect, metric) for metric, effect in totals if effect is not None]
    if said:
        yield f"All together, standard {story.head.standard.number} against standard {gained.base}: {', '.join(said)}"
        yield "  the sum of what was promised, and of the lower ends of its proofs"


def _declared(story: Story) -> Iterator[str]:
    for kept in story.standards:
        if kept.standard.evidence == "declared":
            yield f"{kept.standard} (by {kept.standard.by}; counted as no gain)"
            yield from (f"  {said}" for said in story.since.get(kept.standard.number, ()))


def _recommended(story: Story) -> Iterator[str]:
    head = story.head
    for one in story.recommended[:_RECOMMENDED]:
        changes = {name: value for name, value in one.setting.items() if head.standard.setting.get(name) != value}
        said = ", ".join(f"{name}={value!r}" for name, value in changes.items())
        yield f"{said}: {count(one.runs, 'scout')} saw {one.spell(head.process)}"
        yield f"  unproven; a trial would take about {count(one.pairs, 'pair')}, with odds of {one.odds:.0%}"
    more = len(story.recommended) - _RECOMMENDED
    if more > 0:
        yield f"and {more} more"


def _driving(story: Story) -> Iterator[str]:
    """Yield a line for each metric where the story is explained: the largest shares of its variation."""
    from kaizen.reports.drivers import interval, percent

    for drivers in story.explanation.drivers if story.explanation is not None else ():
        if not drivers.known:
            yield f"{drivers.metric}: nothing can be told yet: {drivers.unknown}"
            continue
        shares = [f"{one.parameter} {percent(one.share)} {interval(one)}" for one in drivers.shares[:_RECOMMENDED]]
        yield f"{drivers.metric}: {', '.join(shares) or 'nothing was moved enough'} of the variation"


def _under_way(head: Head) -> Iterator[str]:
    for open_ in head.trials:
        yield under_way(head, open_)
    for waiting in head.proposals:
        yield f"Proposal {waiting.id} waits for its trial: {waiting.increment}"
    for run in head.runs:
        if run.attempt > 0:
            yield f"{run} is with {run.by}"
    pool = sum(1 for run in head.runs if run.attempt == 0)
    if pool:
        yield f"{count(pool, 'run')} in the pool"


def _learnt(story: Story) -> list[str]:
    held = [lesson for lesson in story.lessons if not lesson.retracted]
    lines = [f"- {lesson.text}" for lesson in held[-_LESSONS:]]
    if len(held) > _LESSONS:
        lines.append(f"and {len(held) - _LESSONS} more: kaizen lessons {story.head.process.name}")
    return lines


def _facts(story: Story, made: Sequence[Promise], report: str) -> list[str]:
    head = story.head
    facts = [("Promises", sum_words(kept_so_far(made))), ("Spent", spent(head))]
    facts += [("Error budget", str(story.budget or "")), ("Judge", str(copies(story.trials)))]
    if head.andon is not None:
        pulled = str(head.andon).removeprefix("andon ")
        facts.append(("Andon", f"{pulled} (nothing is handed out until somebody clears it by name)"))
    facts += [("Risk", story.risk), ("Next", story.next), ("Report", report)]
    lines = []
    for title, said in facts:
        lines += fold_text(said, first=f"{title:<14}", indent=" " * 14) if said else []
    return lines


def spent(head: Head) -> str:
    """Say what running has used, how it came out, and the budget: ``40 runs, 5 s; 2 trials, 1 adoption; …``.

    Copies of the standard and watches are no trials of anybody's idea: they are counted apart.
    """
    policy, counts = head.process.policy, head.counts
    limits = [f"{policy.runs} runs" if policy.runs is not None else "",
              f"{policy.seconds:g} s" if policy.seconds is not None else "",
              f"{policy.money:g} money" if policy.money is not None else ""]  # fmt: skip
    budget = f"; the budget is {', '.join(limit for limit in limits if limit)}" if any(limits) else ""
    wasted = counts.faulted / max(1, counts.told + counts.faulted)
    faults = f"; {counts.faulted} without a reading ({wasted * 100:.2g} %)" if counts.faulted else ""
    made = [count(attempts(head), "trial"), count(counts.adopted, "adoption")]
    made += [f"{counts.nulls} {'copy' if counts.nulls == 1 else 'copies'} of the standard"] if counts.nulls else []
    made += [f"{watched} {'watch' if watched == 1 else 'watches'}"] if (watched := watches(head)) else []
    return f"{head.spent}{faults}; {', '.join(made)}{budget}"


def attempts(head: Head) -> int:
    """Return how many increments were tried: trials but for copies of the standard and watches."""
    return head.counts.trials - head.counts.nulls


def watches(head: Head) -> int:
    """Return how many watches were opened: the trials that the head does not count."""
    return max(0, head.next_trial - 1 - head.counts.trials)


def under_way(head: Head, open_: UnderWay) -> str:
    """Say where an open trial stands."""
    trial = open_.trial
    if open_.verdict is not None:
        return f"{trial} is proven ({showed(open_.verdict)}) and waits for the consent of {head.process.policy.consent}"
    most = "" if trial.design.pairs is None else f" of at most {trial.design.pairs}"
    pairs = count(len(trial.pairs), "fresh pair" if trial.purpose == "shadow" else "pair")
    return f"{titled(trial, before=head.before.number if head.before is not None else None)}: {pairs}{most}"


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def overview(heads: Sequence[Head]) -> str:
    """Tell of every process in a line: its standard, what it has used, and whether somebody must act."""
    if not heads:
        return "no process yet"
    width = max(len(head.process.name) for head in heads)
    return "\n".join(f"{head.process.name:<{width}}  {_state(head)}" for head in heads)


def _state(head: Head) -> str:
    said = [f"standard {head.standard.number} ({head.standard.evidence})", str(head.spent)]
    waiting = [open_.trial.id for open_ in head.trials if open_.verdict is not None]
    open_now = Counter(open_.trial.purpose for open_ in head.trials if open_.verdict is None)
    if open_now["trial"]:
        said.append(f"{count(open_now['trial'], 'trial')} under way")
    said += ["a copy of the standard under way"] if open_now["null"] else []
    said += ["watched by fresh pairs"] if open_now["shadow"] else []
    said += [f"trial {number} waits for the consent of {head.process.policy.consent}" for number in waiting]
    if (budget := budget_of(head)) is not None:
        said.append(f"error budget {budget.share}")
    if head.andon is not None:
        said.append(str(head.andon))
    return "; ".join(said)
