"""What is told behind an adoption: promises and what fresh pairs deliver, watches, copies of the standard, the error budget."""

import json
import random
import re
from pathlib import Path

import msgspec
import pytest

from kaizen.errors import OutOfTurn
from kaizen.faces.cli.answer import copies_document, head_document, promises_document
from kaizen.ledger import Opened
from kaizen.metric import higher, lower
from kaizen.parameter import Real, Switch
from kaizen.plan import Scout, Stop
from kaizen.process import Policy, Process
from kaizen.reports import export, text
from kaizen.reports.budget import Budget, budget_of
from kaizen.reports.html import page
from kaizen.reports.lines import log_line, subject, titled, trial_lines
from kaizen.reports.promises import copies, figures, honest, kept_so_far, sum_words
from kaizen.setting import Setting, encode_hook
from kaizen.verdict import Effect
from kaizen.workshop import Workshop, open_workshop

TASTE = higher("taste", scale="difference", worthwhile=0.5, unit="points")
COST = lower("cost", kind="price", worthwhile=0.03, margin=0.3)


class Scouts:
    """A planner that scouts today's standard, or stops at once."""

    def __init__(self, *, idle=False):
        self.idle = idle

    def plan(self, journal, **_):
        if self.idle:
            return Stop(because="nothing more was planned")
        return Scout(setting=journal.head.standard.setting, because="to see")


def bread(*metrics, idle=False, **policy):
    """Return a bench in memory; what is not asked for by name is neither watched nor copied."""
    from kaizen.ledgers.memory import MemoryLedger

    chance = random.Random(7)
    shop = Workshop(MemoryLedger(), root=Path(), planner=Scouts(idle=idle), coins=lambda: chance.getrandbits(63))
    return shop.describe(
        Process(
            name="bread",
            parameters=(Real(name="heat", low=160.0, high=260.0), Switch(name="steam")),
            metrics=metrics or (TASTE,),
            standard=Setting(heat=220.0, steam=False),
            policy=Policy(**{"shadow": 0.5, "nulls": 0, "pairs": 12, **policy}),
        )
    )


def measured(hot=1.6, *, level=5.0):
    """Return a way to measure: taste rises with the heat and the steam."""
    chance = random.Random(3)

    def measure(run):
        gain = hot * (run.setting["heat"] == 230.0) + 1.5 * run.setting["steam"]
        found = {"taste": level + gain + chance.gauss(0, 0.5)}
        return found | {"cost": 10.0 * 2 ** chance.gauss(0, 0.05)}

    return measure


def turn(bench, measure, *, most=400, until=lambda head: False):
    """Ask and tell until somebody has seen enough, or nothing is left to do."""
    names = {metric.name for metric in bench.process.metrics}
    for _ in range(most):
        if until(bench.head):
            return
        try:
            run = bench.ask(by="ana")
        except OutOfTurn:
            return
        bench.tell(run, {name: value for name, value in measure(run).items() if name in names}, by="ana")


def proven(*metrics, runs=0, after=None, **policy):
    """Return a bench that has proven heat 230 and made so many runs since."""
    bench, measure = bread(*metrics, **policy), measured()
    bench.propose(heat=230.0, because="a darker crust", by="ana")
    turn(bench, measure, until=lambda head: head.standard.number == 2)
    turn(bench, after or measure, most=runs)
    return bench


def flat(html):
    """Return the words of a page."""
    return " ".join(re.sub(r"<svg.*?</svg>|<style>.*?</style>|<[^>]+>", "", html, flags=re.DOTALL).split())


def unfolded(said):
    return " ".join(said.split())


@pytest.fixture(scope="module")
def watched():
    return proven(TASTE, COST, runs=60)


# ── promises ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_standard_tells_what_it_promised_and_delivers():
    bench = proven(runs=60)
    (promise,) = bench.promises()
    raw = bench.trials[0].verdict.effect("taste").gain
    assert re.fullmatch(
        r"promised taste \+1\.\d+ points \(at worst \+\d\.\d+\); "
        r"delivered \+1\.\d+ points \[\+\d\.\d+, \+\d\.\d+\] in \d+ fresh pairs, watched on",
        str(promise),
    ), str(promise)
    assert promise.promised[0].gain <= raw
    assert promise.promised[0].low <= promise.promised[0].gain
    told = unfolded(text.summary(bench.story()))
    assert str(promise) in told
    assert f"{TASTE.spell(raw)} [" not in told  # the luck of the winner is no headline
    assert f"Promises {sum_words(kept_so_far([promise]))}" in told
    assert "promised → delivered over 1 watched standard: taste +1." in told


def test_the_page_shows_promise_and_delivery(watched):
    story = watched.story(at=1)
    (promise,) = story.promises
    html = page(story)
    told = flat(html)
    assert "It is proven better than standard 1, and promises: taste +1." in told
    assert "Promised → delivered over 1 watched standard: taste +1." in told
    assert f"{promise.watch.pairs} fresh pairs, watched on (trial 2)" in told
    assert "watch: standard 2 beside standard 1" in told
    assert html.count('class="promised"') == 2  # a bar for each metric
    assert "stopped" not in told


def test_a_hostile_unit_is_told_and_does_nothing():
    unit = "<script>alert(1)</script>\"'>\x1b]]>"
    html = page(proven(msgspec.structs.replace(TASTE, unit=unit), runs=40).story(at=1))
    assert "<script" not in html
    assert "\x1b" not in html
    assert "fresh pairs, watched on" in flat(html)


def test_few_fresh_pairs_and_none_are_told():
    assert str(proven().promises()[0]).endswith("; not watched yet")
    assert str(proven(shadow=0.0).promises()[0]).endswith("; not watched")
    bench = proven(runs=8)
    (promise,) = bench.promises()
    assert str(promise).endswith(f"; too few fresh pairs ({promise.watch.pairs}), watched on")
    assert kept_so_far([promise]) == []
    assert "Promises" not in text.summary(bench.story())
    assert f"too few fresh pairs ({promise.watch.pairs}), watched on" in flat(page(bench.story()))


def test_where_all_is_exact_nothing_is_watched_or_charged():
    size = lower("size", exact=True, unit="MiB")
    bench = bread(size, idle=True)
    bench.propose(heat=230.0, because="smaller", by="ana")
    turn(bench, lambda run: {"size": 100.0 - 10 * (run.setting["heat"] == 230.0)})
    story = bench.story(at=1)
    assert [str(promise) for promise in story.promises] == ["promised size -10.0% (exact)"]
    assert (story.budget, bench.budget_left(), head_document(bench.head)["error_budget"]) == (None, "", None)
    for told in (text.summary(story), flat(page(story)), text.overview([bench.head])):
        assert "rror budget" not in told
        assert "watched" not in told.split("How do I read this?")[0]


def test_a_standard_without_a_promise_tells_the_lower_end():
    """Of an old ledger, or where pairs told no scatter."""
    bench = proven(runs=60)
    story = bench.story(at=1)
    kept = [
        msgspec.structs.replace(
            one, standard=msgspec.structs.replace(one.standard, promised=type(one.standard.promised)())
        )
        for one in story.standards
    ]
    old = msgspec.structs.replace(story, standards=kept)
    assert str(old.promises[0]).startswith("promised taste at worst +")
    assert kept_so_far(old.promises) == []
    assert "and promises: taste at worst +" in flat(page(old))


def test_promises_and_deliveries_add_up_over_watched_standards():
    bench = proven(runs=50)
    bench.propose(steam=True, because="a softer crust", by="ana")
    turn(bench, measured(), until=lambda head: head.standard.number == 3)
    turn(bench, measured(), most=50)
    made = bench.promises()
    (both,) = kept_so_far(made)
    assert both.standards == 2
    assert both.promised == pytest.approx(sum(one.promised[0].gain for one in made))
    assert both.delivered.gain == pytest.approx(sum(one.watch.effects[0].gain for one in made))
    assert both.delivered.level == pytest.approx(0.10)
    assert [one.end for one in made] == ["ended early", "watched on"]
    told = unfolded(text.summary(bench.story()))
    assert f"promised → delivered over 2 watched standards: {both}" in told
    assert "All together, standard 3 against standard 1: taste +" in told
    assert "the sum of what was promised" in told


# ── watches ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_watch_is_no_increment_and_no_trial_of_an_idea(watched):
    story = watched.story(at=1)
    assert [test.trial.purpose for test in story.trials] == ["trial", "shadow"]
    assert "; 1 trial, 1 adoption, 1 watch" in text.spent(story.head)
    assert re.search(r"Trial 2, watch: standard 2 beside standard 1: \d+ fresh pairs of at most", text.summary(story))
    assert not story.next.startswith("go on with")
    assert text.overview([story.head]).count("watched by fresh pairs") == 1
    assert "1 trial charged" in flat(page(story))
    opened = [record for record in watched.log if isinstance(record.entry, Opened)]
    assert "Trial 2, watch: standard 2 beside the one before" in log_line(opened[1])


@pytest.mark.parametrize(
    ("policy", "hot", "level", "end"),
    [
        ({"pairs": 8}, 1.6, 5.0, "watched to the end"),
        ({}, -1.5, 5.0, "fell behind"),
        ({"consent": "ana"}, -1.5, 5.0, "fell behind"),
        ({}, 1.6, 1.0, "ended by drift"),
    ],
)
def test_how_a_watch_ended_is_told(policy, hot, level, end):
    bench, measure, after = bread(**policy), measured(), measured(hot=hot, level=level)
    bench.propose(heat=230.0, because="a darker crust", by="ana")
    turn(bench, measure, until=lambda head: head.standard.number == 2 or any(one.verdict for one in head.trials))
    if policy.get("consent"):
        bench.consent("ana")
    turn(bench, after, most=300, until=lambda head: head.andon is not None or head.standard.number > 2)
    story = bench.story(at=1)
    (promise,) = story.promises
    assert promise.end == end
    note = next(test for test in story.trials if test.trial.purpose == "shadow").stopped.note
    told = flat(page(story))
    assert "stopped" not in told
    assert note.replace("-", "−").split(":")[0] in told.replace("-", "−")
    assert end in told
    shown = trial_lines(story.trials[1], [], before=promise.before, promise=str(promise))
    assert shown.startswith("Trial 2, watch: standard 2 beside standard 1")
    assert "sides     standard 2  →  standard 1" in shown
    assert "heard     " in shown
    assert "stopped" not in shown
    row = export.rows(story, "standards")[1]
    assert (row["watch"], row["watch.end"], row["fresh_pairs"]) == (2, end, promise.watch.pairs)


# ── copies of the standard ────────────────────────────────────────────────────────────────────────────────────────────
def copied(*, better=False):
    """Return a bench that has tried a copy of its standard, which the judge found better or not."""
    bench, chance = bread(idle=True, nulls=0), random.Random(2)
    bench.propose_null()
    turn(bench, lambda run: {"taste": 5.0 + 3.0 * (better and run.side == "increment") + chance.gauss(0, 0.5)})
    return bench


def test_a_copy_is_told_as_a_copy():
    story = copied().story(at=1)
    (test,) = story.trials
    assert subject(test.trial) == "copy of standard 1 (alarm)"
    assert titled(test.trial) == "Trial 1, copy of standard 1 (alarm)"
    assert "1 copy of the standard tried, none judged better (at most 0.025 expected)" in unfolded(text.summary(story))
    assert "; 0 trials, 0 adoptions, 1 copy of the standard" in text.spent(story.head)
    told = flat(page(story))
    assert "copy of standard 1 (alarm)" in told
    assert "none judged better" in told
    assert "alse alarm" not in told
    assert story.head.charged == 0


def test_a_fooled_judge_is_told_loudly():
    story = copied(better=True).story(at=1)
    said = (
        "trial 1 judged a copy of standard 1 better than itself: a false alarm of the judge, expected in at most 2.5 % "
        "of such trials"
    )
    told = unfolded(text.summary(story))
    assert f"FALSE ALARM {said}" in told
    assert told.index("FALSE ALARM") < told.index("Today's standard")
    html = page(story)
    assert "<strong>■ The judge was fooled:</strong>" in html
    assert "■ false alarm" in flat(html)
    assert "▲ better" not in flat(html)
    assert copies(story.trials).fooled == (story.trials[0],)
    assert copies_document(copies(story.trials))["false_alarms"] == [1]


# ── the error budget ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_error_budget_is_told_in_per_cent_everywhere(watched):
    story = watched.story(at=1)
    said = str(story.budget)
    assert re.fullmatch(
        r"17\.5 % of 20 % left; the next trial is judged at α = 3\.8 % and needs at least \d+ pairs", said
    ), said
    assert f"Error budget {said}" in unfolded(text.summary(story))
    assert said in flat(page(story))
    assert "error budget 17.5 % of 20 % left" in text.overview([story.head])
    assert watched.budget_left() == f"error budget: {said}"
    document = head_document(story.head)["error_budget"]
    assert (document["left"], document["limit"], document["said"]) == (pytest.approx(0.175), 0.2, said)


def test_a_budget_that_allows_no_trial_says_why():
    bench = bread(idle=True, pairs=3)
    found = budget_of(bench.head)
    assert isinstance(found, Budget)
    assert (found.pairs, str(found).partition("; ")[2]) == (None, f"no trial can be opened: {found.shut}")


# ── documents, tables, words ──────────────────────────────────────────────────────────────────────────────────────────
def test_programs_read_promises_in_units_of_gain(watched):
    story = watched.story(at=1)
    document = json.loads(msgspec.json.encode(promises_document(story.promises), enc_hook=encode_hook))
    (one,) = document["promises"]
    assert (one["standard"], one["over"], one["trial"], one["watch"], one["end"]) == (2, 1, 1, 2, "watched on")
    assert one["at_worst"]["taste"] <= one["promised"]["taste"]
    assert {effect["metric"] for effect in one["delivered"]} == {"taste", "cost"}
    assert [both["metric"] for both in document["promised_and_delivered"]] == ["taste", "cost"]
    first, second = export.rows(story, "standards")
    assert set(first) == set(second)
    assert first["promised.taste"] is None
    assert second["promised.taste"] == one["promised"]["taste"]
    assert second["delivered_low.taste"] <= second["delivered.taste"] <= second["delivered_high.taste"]
    trials = export.rows(story, "trials")
    assert [(row["purpose"], row["charged"]) for row in trials] == [("trial", True), ("shadow", False)]


def test_the_story_outlives_a_new_opening(tmp_path):
    """What is delivered is built again from the runs that a ledger keeps."""
    with open_workshop(tmp_path / "ledger.db") as shop:
        bench = shop.describe(proven().process)
        bench.propose(heat=230.0, because="a darker crust", by="ana")
        turn(bench, measured(), most=30)
        before = [str(promise) for promise in bench.promises()]
    with open_workshop(tmp_path / "ledger.db") as shop:
        assert [str(promise) for promise in shop["bread"].promises()] == before


def test_figures_are_as_fine_as_what_they_span():
    assert figures(TASTE, 0.4478, -0.2839, 1.364) == ("+0.4", "-0.3", "+1.4")
    assert figures(TASTE, 0.3719, 0.0) == ("+0.37", "+0.00")
    assert figures(TASTE, -0.0023, None) == ("+0.00", "?")
    assert figures(COST, 0.1, None) == ("-9.5%", "?")
    assert figures(higher("n", scale="difference", worthwhile=100.0), 1234.4, 1000.0) == ("+1234", "+1000")
    gain = Effect(metric="taste", gain=1.25, low=0.4, high=None, level=0.05)
    assert honest(gain, TASTE) == "taste +1.25 points (at worst +0.40)"
    assert honest(msgspec.structs.replace(gain, low=None), TASTE) == "taste +1.25 points"
    assert honest(msgspec.structs.replace(gain, gain=None), TASTE) == "taste at worst +0.40 points"
