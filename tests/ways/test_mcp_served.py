"""``kaizen mcp`` as a program: over standard input and output, and over HTTP with its rights."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("mcp_types")

import anyio
from mcp import Client

from kaizen.errors import Clash, KaizenError, Malformed, Stuck
from kaizen.faces.cli import main
from kaizen.faces.mcp.http import TOKEN, token_of
from kaizen.workshop import open_workshop
from tests.ways.agents import Agent, Refused, by_http, by_stdio, play, write_recipe

SECRET = "a-token-of-twenty-two-or-more"


@pytest.fixture(autouse=True)
def _coffee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(TOKEN, raising=False)
    write_recipe()


async def wheel(agent: Agent) -> str:
    """Turn the wheel once, from propose to adoption; return what is proven."""
    await agent("propose", process="coffee", changes={"grind": 11}, because="sweeter", by="scout")
    await agent.brew("scout", g11=7.5)
    return str((await agent("standard", process="coffee"))["promise"])


# ── standard input and output ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_wheel_turns_over_stdio(mode: str) -> None:
    """The program that a client begins: tools, errors, and an end with its client."""

    async def scenario(agent: Agent) -> None:
        assert await wheel(agent) == "promised taste +1 points (exact)"
        with pytest.raises(Refused, match="grind must be a whole number from 1 to 20"):
            await agent("consult", process="coffee", changes={"grind": 0})

    play(scenario, by_stdio(), mode=mode)


def test_two_clients_over_stdio_and_a_shell_share_one_ledger() -> None:
    """All turn at once; every proposal is there once, under a number of its own, and the ledger is sound."""

    async def type_words(seen: list[int]) -> None:
        words = [
            sys.executable,
            "-m",
            *["kaizen", "propose", "coffee", "celsius=95", "--because", "hotter", "--by", "tom"],
        ]
        for _ in range(2):
            done = await anyio.run_process([*words, "--json"])
            seen.append(json.loads(done.stdout)["proposal"])

    async def work(name: str, seen: list[int]) -> None:
        async with Client(by_stdio("--by", name)) as client:
            agent = Agent(client)
            for grind in range(1, 6):
                offer = await agent("propose", process="coffee", changes={"grind": grind}, because="finer")
                seen.append(offer["proposal"])
                with suppress(Refused):  # while the other has the pair in hand
                    await agent.brew(name)

    async def both() -> list[int]:
        seen: list[int] = []
        async with anyio.create_task_group() as group:
            group.start_soon(work, "ana", seen)
            group.start_soon(work, "bob", seen)
            group.start_soon(type_words, seen)
        return seen

    assert sorted(anyio.run(both)) == list(range(1, 13))
    with open_workshop(".kaizen/ledger.db") as shop:
        assert shop.ledger.verify() == []
        assert {run.by for run in shop["coffee"].runs} <= {"ana", "bob"}
        assert len({run.id for run in shop["coffee"].runs}) == len(shop["coffee"].runs) > 0


def test_what_a_ledger_elsewhere_says_is_found_by_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client begins the program wherever it likes: --recipe names the place."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    async def scenario(agent: Agent) -> None:
        assert await wheel(agent)

    play(scenario, by_stdio("--recipe", str(tmp_path), here=elsewhere))
    assert (tmp_path / ".kaizen" / "ledger.db").exists()
    assert list(elsewhere.iterdir()) == []


def test_it_ends_with_its_input() -> None:
    """No client: nothing is said on standard output, and the status is 0."""
    done = subprocess.run(
        [sys.executable, "-m", "kaizen", "mcp"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"")


def test_options_of_http_alone_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A port without --http is a mistake."""
    assert main(["mcp", "--port", "0"]) == 2
    assert "--port and --token-file must come with --http" in capsys.readouterr().err


# ── HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Served(NamedTuple):
    """A server over HTTP."""

    port: int
    said: list[str]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/mcp"

    def status(self, method: str = "POST", path: str = "/mcp", body: str = "{}", **headers: str) -> int:
        """Return the status of one raw request; ``host_`` and the like stand for headers."""
        given = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host="Host" in given)
            for name, value in {**given, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders(body.encode())
            return connection.getresponse().status
        finally:
            connection.close()


def serve(*words: str, **environment: str) -> Iterator[Served]:
    """Run ``kaizen mcp --http`` on a port that the system picks."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kaizen", "mcp", "--http", "--port", "0", *words],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    try:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert first.startswith("kaizen mcp: http://127.0.0.1:")
        said = [first]
        if TOKEN not in environment and "--token-file" not in words:
            said.append(process.stderr.readline())
        yield Served(int(first.rsplit(":", 1)[1].partition("/")[0]), said)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def served() -> Iterator[Served]:
    """A server whose token is in the environment."""
    yield from serve(**{TOKEN: SECRET})


def test_the_wheel_turns_over_http_and_two_clients_share_it(served: Served) -> None:
    """One holds a session by the old handshake, one speaks the new protocol; each sees what the other did."""

    async def scenario() -> None:
        async with (
            Client(by_http(served.url, SECRET), mode="legacy") as first,
            Client(by_http(served.url, SECRET)) as second,
        ):
            ana, bob = Agent(first), Agent(second)
            await ana("propose", process="coffee", changes={"grind": 12}, because="finer", by="ana")
            nod = await bob("consult", process="coffee", changes={"grind": 12})
            assert (nod["answer"], nod["siblings"][0]["by"]) == ("in_flight", "ana")
            await ana.brew("ana", g12=7.5)
            assert (await bob("standard", process="coffee"))["standard"] == 2
            with pytest.raises(Refused, match="a process must be described before it is used; got 'tea'"):
                await bob("check", process="tea")

    anyio.run(scenario)


RIGHT = {"Authorization": f"Bearer {SECRET}"}
CALL = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
)  # fmt: skip


def test_rights_of_http(served: Served) -> None:
    """The token, this machine's own name, no foreign page: whatever the method and the path, deny by default."""
    here, status = f"127.0.0.1:{served.port}", served.status
    assert status(body=CALL, **RIGHT) == 200
    assert status(body=CALL, **RIGHT, Host=f"localhost:{served.port}") == 200
    assert status(body=CALL, **RIGHT, Origin=f"http://{here}") == 200
    for wrong in ({}, {"Authorization": SECRET}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {SECRET}x"},
                  {"Authorization": f"Basic {SECRET}"}):  # fmt: skip
        for method in ("POST", "GET", "DELETE", "OPTIONS", "PUT"):
            assert status(method, body=CALL, **wrong) == 401
        for path in ("/", "/health", "/../mcp", "/.well-known/oauth-protected-resource"):
            assert status("GET", path, **wrong) == 401
    for host in (
        "evil.example",
        f"evil.example:{served.port}",
        "127.0.0.1",
        f"127.0.0.1:{served.port}.evil.example",
        "",
    ):
        assert status(body=CALL, **RIGHT, Host=host) == 403
    for origin in ("http://evil.example", "null", f"https://{here}", f"http://{here}.evil.example", "http://localhost"):
        assert status(body=CALL, **RIGHT, Origin=origin) == 403
    assert status(body=CALL, **RIGHT, Sec_Fetch_Site="cross-site") == 403
    assert status("GET", "/elsewhere", **RIGHT) == 404


def test_what_is_too_large_is_refused(served: Served) -> None:
    """A mebibyte of one request is enough."""
    assert served.status(body="x" * 1_100_000, **RIGHT) == 413


def test_a_token_is_made_and_printed_once() -> None:
    """Where none is given; it opens the door, and another does not."""
    for server in serve():
        token = server.said[1].removeprefix("  token: ").strip()
        assert len(token) >= 43
        assert server.status(body=CALL, Authorization=f"Bearer {token}") == 200
        assert server.status(body=CALL, **RIGHT) == 401


def test_it_listens_on_this_machine_alone(served: Served) -> None:
    """No other address of the machine answers."""
    for family, address in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.2")):
        with socket.socket(family) as other:
            other.settimeout(10)
            assert other.connect_ex((address, served.port)) != 0
    with socket.socket() as right:
        assert right.connect_ex(("127.0.0.1", served.port)) == 0


def test_a_port_that_is_taken_is_said(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """In a sentence, with a way out."""
    assert main(["mcp", "--http", "--port", str(served.port)]) == 2
    said = capsys.readouterr().err
    assert f"kaizen: port {served.port} must be free on this machine" in said
    assert "--port 0 takes any that is" in said


def test_where_a_token_comes_from(tmp_path: Path) -> None:
    """A file of its owner's alone, the environment, or a new one each time."""
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n", encoding="utf-8")
    file.chmod(0o600)
    assert token_of(str(file), {}) == (SECRET, False)
    assert token_of(None, {TOKEN: SECRET}) == (SECRET, False)
    (one, made), (other, _) = token_of(None, {}), token_of(None, {})
    assert made
    assert one != other


def bad_tokens(tmp_path: Path) -> list[tuple[str | None, dict[str, str], type[KaizenError], str]]:
    """Return what is refused: file, environment, error, sentence."""
    open_file, short = tmp_path / "open", tmp_path / "short"
    open_file.write_text(SECRET, encoding="utf-8")
    open_file.chmod(0o644)
    short.write_text("short", encoding="utf-8")
    short.chmod(0o600)
    return [
        (str(open_file), {}, Malformed, "must be its owner's alone"),
        (str(short), {}, Malformed, "a token must be 22 characters or more"),
        (str(tmp_path / "none"), {}, Stuck, "must be one that can be read"),
        (str(short), {TOKEN: SECRET}, Clash, "a token must come from one place"),
        (None, {TOKEN: "x" * 22 + " y"}, Malformed, "without spaces"),
    ]


@pytest.mark.parametrize("number", range(5))
def test_tokens_that_are_not_safe_are_refused(number: int, tmp_path: Path) -> None:
    """Too short, readable by others, in two places, not there."""
    file, environment, kind, sentence = bad_tokens(tmp_path)[number]
    with pytest.raises(kind, match=sentence):
        token_of(file, environment)


def test_no_answer_carries_the_token(served: Served) -> None:
    """Neither its words nor its ledger."""

    async def scenario() -> Any:
        async with Client(by_http(served.url, SECRET)) as client:
            agent = Agent(client)
            await agent("propose", process="coffee", changes={"grind": 11}, because="sweeter", by="scout")
            return await agent("show", process="coffee")

    assert SECRET not in json.dumps(anyio.run(scenario))
    assert SECRET.encode() not in Path(".kaizen/ledger.db").read_bytes()
    assert not any(SECRET in line for line in served.said)
