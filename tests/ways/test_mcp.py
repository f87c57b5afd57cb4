"""Kaizen's verbs as tools for agents, by the official client, in this process."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp_types")

from kaizen.errors import Stuck
from kaizen.faces.mcp import Where, calling, make_server
from kaizen.faces.mcp.tools import TOOLS
from kaizen.workshop import open_workshop
from tests.ways.agents import CONSENT, Agent, Refused, play, write_recipe

LEDGER = Path(".kaizen/ledger.db")


@pytest.fixture(autouse=True)
def _coffee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_recipe()


# ── what is published ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_tool_is_published_with_schemas_and_all_hints(mode: str) -> None:
    """Fourteen verbs, snake_case, each with what it takes and answers; by the old handshake and the new one."""

    async def scenario(agent: Agent) -> None:
        tools = {tool.name: tool for tool in (await agent.client.list_tools()).tools}
        verbs = "consult propose ask tell fault correct check consent rollback voice andon standard lessons show"
        assert set(tools) == {f"kaizen_{verb}" for verb in verbs.split()}
        for tool in tools.values():
            assert tool.input_schema["additionalProperties"] is False
            assert tool.output_schema is not None
            assert tool.output_schema["type"] == "object"
            hints = tool.annotations
            assert None not in (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint)
            assert hints.open_world_hint is False
        reading = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
        assert reading == {f"kaizen_{verb}" for verb in ("consult", "check", "standard", "lessons", "show")}
        assert tools["kaizen_propose"].input_schema["required"] == ["process", "changes", "because", "by"]

    play(scenario, mode=mode)


def test_what_every_session_reads_is_small() -> None:
    """All schemas and descriptions together take less than 7,000 tokens (of four characters)."""

    async def scenario(agent: Agent) -> int:
        tools = (await agent.client.list_tools()).tools
        return sum(len(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in tools)

    assert play(scenario) < 28_000
    assert make_server(Where()).instructions.count(". ") == 1


# ── looking changes nothing ───────────────────────────────────────────────────────────────────────────────────────────


def test_looking_makes_no_ledger() -> None:
    """Show, standard and consult answer from the recipe alone, and lessons say what comes first."""

    async def scenario(agent: Agent) -> None:
        shown = await agent("show")
        assert shown["processes"] == [
            {"process": "coffee", "about": "The first cup of the day.", "stands": "described, not begun"}
        ]
        found = await agent("standard", process="coffee")
        assert found["setting"] == {"grind": 8, "celsius": 90.0}
        assert found["parameters"] == [
            {"name": "grind", "range": "a whole number from 1 to 20"},
            {"name": "celsius", "range": "a number from 80 to 99 degC"},
        ]
        nod = await agent("consult", process="coffee", changes={"grind": 11})
        assert nod["answer"] == "go"
        assert 0 < nod["odds_better"] < 1
        with pytest.raises(Refused, match=r"a ledger must be there to be looked at; got none at .*\n  hint: "):
            await agent("lessons", process="coffee")

    play(scenario)
    assert not LEDGER.exists()


# ── the wheel ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_whole_wheel_turns_from_propose_to_adoption() -> None:
    """Consult, propose, ask, tell, check, consent: the standard has moved, and the ledger says by whom."""
    write_recipe(CONSENT)

    async def scenario(agent: Agent) -> None:
        offer = await agent("propose", process="coffee", changes={"grind": 11}, because="sweeter", by="scout")
        assert (offer["proposal"], offer["increment"], offer["answer"]) == (1, "grind=11 (was 8)", "go")
        given = await agent("ask", process="coffee", by="scout", n=2)
        assert sorted(run["setting"]["grind"] for run in given["runs"]) == [8, 11]
        assert all("side" not in run for run in given["runs"])
        assert given["metrics"] == ["taste: higher is better, exact, worthwhile 0.5 points, margin 0.5 points"]
        told = await agent.brew("scout", given["runs"], g11=7.5)
        assert told[-1]["followed"] == ["judged: trial 1: better: taste +1 points (exact) over 1 pair"]
        found = await agent("check", process="coffee")
        assert (found["decision"], found["settled"], found["waits_for"]) == ("better", True, "ana")
        assert found["effects"] == [
            {"metric": "taste", "gain": 1.0, "low": 1.0, "high": 1.0, "said": "taste +1 points (exact)"}
        ]
        waits = (await agent("show", process="coffee"))["open"]
        assert waits[0]["stands"] == "proven better, waits for the consent of ana"
        with pytest.raises(Refused, match="consent to coffee must be given by ana; got it from scout"):
            await agent("consent", process="coffee", by="scout")
        decided = await agent("consent", process="coffee", by="ana", note="clearly")
        assert (decided["adopted"], decided["standard"], decided["setting"]["grind"]) == (True, 2, 11)
        assert (await agent("standard", process="coffee"))["evidence"] == "proven"
        assert (await agent("standard", process="coffee", number=1))["setting"]["grind"] == 8
        back = await agent("rollback", process="coffee", because="bitter", by="tom")
        assert (back["standard"], back["setting"]["grind"]) == (3, 8)

    play(scenario)
    with open_workshop(LEDGER) as shop:
        assert [kept.by for kept in shop["coffee"].standards] == ["scout", "ana", "tom"]


def test_what_is_declined_is_not_adopted() -> None:
    """The standard stays, and what followed says so."""
    write_recipe(CONSENT)

    async def scenario(agent: Agent) -> None:
        await agent("propose", process="coffee", changes={"grind": 11}, because="sweeter", by="scout")
        await agent.brew("scout", g11=7.5)
        decided = await agent("consent", process="coffee", by="ana", note="too slow", decline=True)
        assert (decided["adopted"], decided["standard"]) == (False, 1)
        assert any("too slow" in said for said in decided["followed"])

    play(scenario)


def test_what_failed_becomes_a_lesson_that_the_next_nod_tells() -> None:
    """A trial that is worse: its lesson is listed, its page is read, and the same idea is no longer a fresh one."""

    async def scenario(agent: Agent) -> None:
        await agent("propose", process="coffee", changes={"grind": 11}, because="sweeter", by="scout")
        assert any("learned" in said for said in (await agent.brew("scout", g11=5.0))[-1]["followed"])
        found = await agent("lessons", process="coffee", parameter="grind")
        assert [lesson["trial"] for lesson in found["lessons"]] == [1]
        assert found["matching"] == 1
        assert (await agent("lessons", process="coffee", word="no such word"))["lessons"] == []
        nod = await agent("consult", process="coffee", changes={"grind": 11})
        assert (nod["precedents"][0]["trial"], nod["precedents"][0]["grade"]) == (1, "replicated")

    play(scenario)


def test_faults_corrections_voices_and_the_cord() -> None:
    """A fault is kept with its reason; a correction turns the verdict and pulls the cord; nothing is handed out then."""

    async def scenario(agent: Agent) -> None:
        run = (await agent("ask", process="coffee", by="scout"))["runs"][0]["run"]
        fault = await agent("fault", process="coffee", run=run, note="it leaked", reason="crash")
        assert fault["outcome"] == "fault: crash (it leaked)"
        await agent("propose", process="coffee", changes={"grind": 11}, because="sweeter", by="scout")
        told = await agent.brew("scout", g11=7.5)
        fixed = await agent(
            "correct", process="coffee", run=told[0]["run"], values={"taste": 6.5}, because="smudged", by="ana"
        )
        other = await agent(
            "correct", process="coffee", run=told[1]["run"], values={"taste": 6.5}, because="smudged", by="ana"
        )
        said = "".join((*fixed["verdicts"], *other["verdicts"]))
        assert "before, better" in said
        assert "now, not worthwhile" in said
        assert any(one.startswith("pulled: andon") for one in (*fixed["followed"], *other["followed"]))
        with pytest.raises(Refused, match="a run of coffee must wait: andon pulled by kaizen"):
            await agent("ask", process="coffee", by="scout")
        heard = await agent("voice", process="coffee", text="bitter since Monday", by="tom", theme="taste")
        assert heard["said"] == "heard, tom: bitter since Monday"
        pulled = await agent("andon", process="coffee", because="it smells burnt", by="tom")
        assert "until a person says: kaizen clear coffee" in pulled["then"]
        assert "burnt" in (await agent("show", process="coffee"))["andon"]

    play(scenario)


# ── many at work ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_siblings_see_each_others_ideas_and_the_nod_is_asked_again() -> None:
    """Two servers, two agents, one ledger: what one tests, the other reads; what has changed since is said with the run."""

    async def ana(agent: Agent) -> None:
        await agent("propose", process="coffee", changes={"grind": 11}, because="finer is sweeter", by="ana")

    async def bob(agent: Agent) -> None:
        mine = await agent("propose", process="coffee", changes={"grind": 11}, because="I think so, too", by="bob")
        assert mine["answer"] == "in_flight"
        assert mine["siblings"] == [
            {
                "idea": "proposal 1",
                "changes": "grind=11 (was 8)",
                "because": "finer is sweeter",
                "by": "ana",
                "stands": "waits for its trial",
            }
        ]

    async def test_it(agent: Agent) -> None:
        given = await agent("ask", process="coffee", by="ana", n=2)
        assert "recheck" not in given
        assert [one["by"] for one in given["siblings"]] == ["bob"]
        await agent.brew("ana", given["runs"], g11=5.0)
        second = await agent("ask", process="coffee", by="bob", n=2)
        assert len(second["recheck"]) == 1
        assert second["recheck"][0].startswith(
            "trial 2: the nod was in flight (proposal 1 waits for its trial); now it"
        )
        assert "siblings" not in second

    play(ana)
    play(bob)
    play(test_it)


def test_the_same_proposal_with_the_same_key_counts_once() -> None:
    """Sent again it is answered again; with other content the key is taken."""

    async def scenario(agent: Agent) -> None:
        given = {"process": "coffee", "changes": {"grind": 11}, "because": "sweeter", "by": "scout", "key": "idea-1"}
        first = await agent("propose", **given)
        again = await agent("propose", **given)
        assert (first["proposal"], again["proposal"], again["again"], again["answer"]) == (1, 1, True, "go")
        assert len((await agent("show", process="coffee"))["open"]) == 1
        with pytest.raises(Refused, match="the key 'idea-1' must come with the request it first came with"):
            await agent("propose", **{**given, "changes": {"grind": 12}})

    play(scenario)


def test_an_idea_is_told_in_words_and_code() -> None:
    """A sentence and a diff are asked about and kept with the proposal; siblings read the sentence."""
    diff = "--- a/brew.py\n+++ b/brew.py\n@@ -1 +1 @@\n-pour(90)\n+pour(95, slowly=True)\n"

    async def scenario(agent: Agent) -> None:
        assert (await agent("consult", process="coffee", words="pour slowly", diff=diff))["answer"] == "go"
        given = {"process": "coffee", "changes": {"celsius": 95.0}, "because": "less bitter", "by": "ana"}
        await agent("propose", **given, words="pour slowly", diff=diff)
        other = await agent("propose", process="coffee", changes={"grind": 9}, because="milder", by="bob")
        assert other["siblings"][0]["words"] == "pour slowly"

    play(scenario)


def test_a_policy_may_ask_what_is_different() -> None:
    """Where the veteran warns, a proposal without a reason is refused, in a sentence that says what to give."""
    write_recipe("[process.coffee.policy]\nreasons = true\n")

    async def scenario(agent: Agent) -> None:
        again = {"process": "coffee", "changes": {"grind": 11}, "because": "sweeter", "by": "scout"}
        refused = ""
        for _ in range(6):
            try:
                await agent("propose", **again)
            except Refused as error:
                refused = str(error)
                break
            await agent.brew("scout", g11=5.0)
        assert "must say what is different now" in refused
        assert (await agent("propose", **again, different="a new grinder"))["answer"] in (
            "failed_before",
            "think_again",
        )

    play(scenario)


def test_an_answer_told_twice_counts_once() -> None:
    """And another one is refused, with what to do instead."""

    async def scenario(agent: Agent) -> None:
        run = (await agent("ask", process="coffee", by="scout"))["runs"][0]["run"]
        again = (await agent("ask", process="coffee", by="scout"))["runs"][0]
        assert (again["run"], again["held"]) == (run, True)
        assert "again" not in await agent("tell", process="coffee", run=run, values={"taste": 6.5})
        assert (await agent("tell", process="coffee", run=run, values={"taste": 6.5}))["again"]
        with pytest.raises(Refused, match=r"run 1 must be answered once; .*\n  hint: use correct"):
            await agent("tell", process="coffee", run=run, values={"taste": 7.0})

    play(scenario)


def test_a_run_that_nobody_answers_goes_to_another() -> None:
    """A lease that has run out: the next who asks takes it over, as its second attempt."""

    async def scenario(agent: Agent) -> None:
        run = (await agent("ask", process="coffee", by="lost", lease=1))["runs"][0]["run"]
        with open_workshop(LEDGER) as shop:
            shop["coffee"].wheel.ledger.renew("coffee", "lost", 0)
        taken = (await agent("ask", process="coffee", by="scout"))["runs"][0]
        assert (taken["run"], taken["attempt"]) == (run, 2)

    play(scenario)


def test_what_others_write_meanwhile_is_seen() -> None:
    """A server holds the ledger open between calls, and looks at it as it is; also where the file is another one."""

    async def scenario(agent: Agent) -> None:
        await agent("propose", process="coffee", changes={"grind": 11}, because="sweeter", by="scout")
        with open_workshop(LEDGER) as shop:
            shop["coffee"].propose(grind=12, because="finer still", by="tom")
        assert [one["by"] for one in (await agent("show", process="coffee"))["open"]] == ["scout", "tom"]
        for file in LEDGER.parent.glob("ledger.db*"):
            file.unlink()
        assert (await agent("show"))["processes"][0]["stands"] == "described, not begun"
        assert (await agent("propose", process="coffee", changes={"grind": 9}, because="new", by="tom"))[
            "proposal"
        ] == 1

    play(scenario)


def test_long_lists_come_in_pages() -> None:
    """Open ideas by twos: every one once, whatever comes and goes meanwhile."""

    async def scenario(agent: Agent) -> None:
        for grind in range(1, 8):
            await agent("propose", process="coffee", changes={"grind": grind}, because="finer", by="scout")
        seen: list[str] = []
        cursor = ""
        while True:
            page = await agent("show", process="coffee", cursor=cursor, k=2)
            seen += [one["idea"] for one in page["open"]]
            if len(seen) == 2:
                await agent("ask", process="coffee", by="scout")  # the first becomes a trial: no page shifts
            cursor = page.get("next_cursor", "")
            if not cursor:
                break
        assert seen == [f"proposal {number}" for number in range(1, 8)]
        for bad in ("x", "1.x", "9" * 5000 + ".1"):
            with pytest.raises(Refused, match=rf"a cursor must be the next_cursor of the page before; got '{bad}'"):
                await agent("show", process="coffee", cursor=bad)

    play(scenario)


# ── at the door ───────────────────────────────────────────────────────────────────────────────────────────────────────

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("show", {"k": 21}, "kaizen_show must be called as its schema says; .*<= 20"),
    ("standard", {}, "missing required field `process`\n  hint: it takes process, and if wanted number"),
    (
        "standard",
        {"process": "tea"},
        "a process must be described before it is used; got 'tea'\n  hint: known are: coffee",
    ),
    ("standard", {"process": "coffee", "number": 7}, "a standard of coffee must be one of 1 to 1; got 7"),
    ("lessons", {"process": "coffee", "parameter": "colour"}, "a parameter of coffee must be one of grind, celsius"),
    ("consult", {"process": "coffee", "changes": {"grind": 99}}, "grind must be a whole number from 1 to 20; got 99"),
    ("consult", {"process": "coffee", "changes": {"grind": [1]}}, "got `array`"),
    ("consult", {"process": "coffee"}, "what the veteran is asked about must be values, words, or a diff"),
    (
        "propose",
        {"process": "coffee", "change": {"grind": 9}},
        "unknown field `change`\n  hint: it takes process, changes",
    ),
    ("ask", {"process": "coffee", "by": "scout", "n": 0}, ">= 1"),
    ("tell", {"process": "coffee", "run": 9, "values": {"taste": 1}}, "run 9 must be asked for before it is answered"),
    ("tell", {"process": "coffee", "run": 1, "values": {"colour": 1}}, "a metric of coffee must be one of taste"),
    ("tell", {"process": "coffee", "run": 1, "values": {"taste": "good"}}, "got `str`"),
    ("fault", {"process": "coffee", "run": 1, "reason": "mood"}, "a fault's reason must be one of crash, timeout"),
    ("correct", {"process": "coffee", "run": 1, "values": {"taste": 1}, "because": "x", "by": "a"}, "must be answered"),
    (
        "check",
        {"process": "coffee", "trial": 3},
        "a trial of coffee must be one that there is, and there is none yet; got 3",
    ),
    ("consent", {"process": "coffee", "by": "ana"}, "a trial must wait for consent"),
    ("rollback", {"process": "coffee", "because": "x", "by": "ana"}, "a rollback must go to an earlier standard"),
    (
        "voice",
        {"process": "coffee", "text": "x" * 10_001, "by": "tom"},
        "text must be at most 10000 characters; got 10001",
    ),
    ("andon", {"process": "coffee"}, "missing required field `because`"),
]


@pytest.mark.parametrize(
    ("verb", "given", "sentence"), BAD, ids=[f"{verb} {number}" for number, (verb, *_) in enumerate(BAD)]
)
def test_what_cannot_be_right_is_said_in_a_sentence(verb: str, given: dict[str, Any], sentence: str) -> None:
    """What must be what, and what was got; never a traceback, and nothing is written."""
    with open_workshop(LEDGER) as shop:
        from kaizen.recipes import toml

        bench = shop.describe(toml.read()[0])
        before = bench.head.seq

    async def scenario(agent: Agent) -> None:
        with pytest.raises(Refused, match=sentence) as refused:
            await agent(verb, **given)
        assert "Traceback" not in str(refused.value)

    play(scenario)
    with open_workshop(LEDGER) as shop:
        assert shop["coffee"].head.seq == before


def test_every_tool_has_a_bad_call_above() -> None:
    """None is left out."""
    assert {verb for verb, *_ in BAD} == {tool.verb for tool in TOOLS}


def test_objects_written_as_text_are_read() -> None:
    """Some clients write an object as a string of JSON."""

    async def scenario(agent: Agent) -> None:
        nod = await agent("consult", process="coffee", changes=json.dumps({"grind": 11}))
        assert nod["answer"] == "go"

    play(scenario)


def test_an_unknown_tool_is_named_beside_those_that_there_are() -> None:
    """So that an agent can mend its call."""

    async def scenario(agent: Agent) -> None:
        with pytest.raises(Refused, match=r"a tool must be one of kaizen_show, .*; got 'kaizen_improve'"):
            await agent("improve")

    play(scenario)


def test_a_fault_of_our_own_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The agent reads a sentence; the person who runs the server reads the rest on standard error."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    broken = tuple(tool._replace(does=fail) for tool in TOOLS)
    monkeypatch.setattr(calling, "TOOLS", broken)

    async def scenario(agent: Agent) -> None:
        with pytest.raises(Refused, match="this is a fault of Kaizen, not yours: ZeroDivisionError") as refused:
            await agent("show")
        assert "Traceback" not in str(refused.value)

    play(scenario)
    assert "Traceback" in capsys.readouterr().err


def test_a_server_may_sign_all_calls() -> None:
    """``--by`` fixes the name: tools take none, and nobody speaks in another's."""
    write_recipe(CONSENT)

    async def scenario(agent: Agent) -> None:
        tools = {tool.name: tool.input_schema for tool in (await agent.client.list_tools()).tools}
        assert not any("by" in schema["properties"] for schema in tools.values())
        assert tools["kaizen_ask"]["required"] == ["process"]
        offer = await agent("propose", process="coffee", changes={"grind": 11}, because="sweeter")
        assert offer["proposal"] == 1
        assert (await agent("show", process="coffee"))["open"][0]["by"] == "scout"
        with pytest.raises(Refused, match="by must be scout, in whose name this server was started; got 'ana'"):
            await agent("consent", process="coffee", by="ana")

    play(scenario, make_server(Where(by="scout")))


def test_a_ledger_in_memory_is_refused() -> None:
    """Calls could not share it."""

    async def scenario(agent: Agent) -> None:
        with pytest.raises(Refused, match="a ledger that tools share must be a file; got memory:"):
            await agent("show")

    play(scenario, make_server(Where(ledger="memory:")))


def test_a_changed_recipe_counts_at_once() -> None:
    """Every call that writes brings the ledger up to date with it."""

    async def scenario(agent: Agent) -> None:
        await agent("propose", process="coffee", changes={"grind": 11}, because="sweeter", by="scout")
        write_recipe(CONSENT)
        assert (await agent("standard", process="coffee"))["consent"] == "automatic"
        await agent("propose", process="coffee", changes={"grind": 12}, because="finer still", by="scout")
        assert (await agent("standard", process="coffee"))["consent"] == "ana"

    play(scenario)


# ── resources and prompts ─────────────────────────────────────────────────────────────────────────────────────────────


def test_resources_are_listed_and_read() -> None:
    """Four of every process, and its trials by number."""
    from mcp import MCPError

    async def scenario(agent: Agent) -> None:
        await agent("propose", process="coffee", changes={"grind": 11}, because="sweeter", by="scout")
        await agent.brew("scout", g11=7.5)
        listed = [resource.uri for resource in (await agent.client.list_resources()).resources]
        assert listed == [f"kaizen://coffee/{what}" for what in ("standard", "board", "lessons", "noise")]
        templates = (await agent.client.list_resource_templates()).resource_templates
        assert [template.uri_template for template in templates] == [
            f"kaizen://{{process}}/{what}" for what in ("standard", "board", "lessons", "noise", "trials/{id}")
        ]

        async def look(what: str) -> str:
            return (await agent.client.read_resource(f"kaizen://{what}")).contents[0].text

        assert json.loads(await look("coffee/standard"))["setting"]["grind"] == 11
        assert json.loads(await look("coffee/board"))["spent"].startswith("2 runs")
        assert json.loads(await look("coffee/lessons")) == {"lessons": [], "matching": 0}
        assert "Noise of coffee" in await look("coffee/noise")
        assert (await look("coffee/trials/1")).startswith("Trial 1 of standard 1: grind=11 (was 8)")
        for bad in (
            "coffee/trials/9",
            "coffee/secrets",
            "tea/board",
            "coffee/../ledger.db",
            "/board",
            f"coffee/trials/{'9' * 5000}",
        ):
            with pytest.raises(MCPError, match="must be"):
                await look(bad)

    play(scenario)


def test_prompts_are_filled_in() -> None:
    """Three, each with its arguments; what is missing is named."""
    from mcp import MCPError

    async def scenario(agent: Agent) -> None:
        prompts = {prompt.name: prompt for prompt in (await agent.client.list_prompts()).prompts}
        assert set(prompts) == {"kaizen_cycle", "kaizen_autopsy", "kaizen_setup"}
        for prompt in prompts.values():
            given = {argument.name: "{gibberish}" for argument in prompt.arguments}
            text = (await agent.client.get_prompt(prompt.name, given)).messages[0].content.text
            assert "{gibberish}" in text
            assert text.count("{") == text.count("{gibberish}")
        with pytest.raises(MCPError, match="kaizen_cycle must be given process, by; got nothing"):
            await agent.client.get_prompt("kaizen_cycle", {})

    play(scenario)


def test_tools_named_in_prompts_and_instructions_exist() -> None:
    """No text sends an agent to a tool that is not there."""
    import re

    from kaizen.faces.mcp.prompts import PROMPTS
    from kaizen.faces.mcp.server import INSTRUCTIONS

    texts = [INSTRUCTIONS, *(prompt.text for prompt in PROMPTS), *(tool.says for tool in TOOLS)]
    named = set(re.findall(r"kaizen_[a-z]+", " ".join(texts)))
    assert named <= {tool.name for tool in TOOLS}


def test_errors_are_those_of_the_house() -> None:
    """Sentence, then hint."""
    assert calling.said(Stuck("it is stuck", hint="push")) == "it is stuck\n  hint: push"


def test_what_an_attached_loop_left_is_known_at_the_next_call() -> None:
    """The loop never heard of tools: it wrote its log, and an agent asks."""
    for words in (
        ["git", "init", "-q"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "begin"],
        [sys.executable, "-m", "kaizen", "attach", "--yes", "--process", "speed"],
    ):
        subprocess.run(words, check=True, capture_output=True)
    Path("results.tsv").write_text(
        "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
        "a1b2c3d\t1.0000\t44.0\tkeep\tbaseline\n"
        "187e419\t1.2000\t60.2\tdiscard\tembedding lr 0.6 to 0.8\n",
        encoding="utf-8",
    )

    async def test_it(agent: Agent) -> None:
        nod = await agent("consult", process="speed", words="embedding_lr 0.6->0.8")
        assert nod["answer"] == "failed_before"

    play(test_it)
