"""What the tests of ``kaizen mcp`` share: a process for hands, and an agent that calls tools."""

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from kaizen.faces.mcp import Where, make_server

RECIPE = """
[process.coffee]
about = "The first cup of the day."

[process.coffee.metric]
taste = { better = "higher", scale = "difference", worthwhile = 0.5, exact = true, unit = "points" }

[process.coffee.standard]
grind   = 8
celsius = 90.0

[process.coffee.may]
grind   = "1..20"
celsius = "80.0..99.0 degC"
"""
CONSENT = '[process.coffee.policy]\nconsent = "ana"\n'


def write_recipe(more: str = "") -> None:
    """Write the recipe here."""
    Path("kaizen.toml").write_text(RECIPE + more, encoding="utf-8")


class Refused(Exception):
    """A tool answered with an error; the text is what the agent reads."""


class Agent:
    """Calls tools by their verbs; answers are checked against the tools' own schemas by the client."""

    def __init__(self, client: Client) -> None:
        """Speak through a client."""
        self.client = client

    async def __call__(self, verb: str, /, **given: Any) -> dict[str, Any]:
        """Call a tool and return its typed answer."""
        answer = await self.client.call_tool(f"kaizen_{verb}", given)
        if answer.is_error:
            raise Refused(answer.content[0].text)
        assert answer.structured_content is not None
        return answer.structured_content

    async def brew(self, by: str, runs: list[dict[str, Any]] | None = None, **taste: float) -> list[dict[str, Any]]:
        """Take two cups (or ``runs``) and tell how they taste: ``g11=7.5`` of grind 11, and 6.5 of any other."""
        runs = runs or (await self("ask", process="coffee", by=by, n=2))["runs"]
        told = []
        for run in runs:
            value = taste.get(f"g{run['setting']['grind']}", 6.5)
            told.append(await self("tell", process="coffee", run=run["run"], values={"taste": value}))
        return told


def play(scenario: Callable[[Agent], Any], server: Any = None, *, mode: str = "auto") -> Any:
    """Let an agent play a scenario against a server (one in this process by default); return what it returns."""
    failed: list[Exception] = []

    async def main() -> Any:
        async with Client(make_server(Where()) if server is None else server, mode=mode) as client:
            try:
                return await scenario(Agent(client))
            except Exception as error:  # noqa: BLE001 - raised below, outside of the client's task groups
                failed.append(error)

    found = anyio.run(main)
    if failed:
        raise failed[0]
    return found


def by_stdio(*words: str, here: Path | None = None) -> StdioServerParameters:
    """Return how to begin ``kaizen mcp`` in this folder."""
    command = [sys.executable, "-m", "kaizen", "mcp", *words]
    return StdioServerParameters(command=command[0], args=command[1:], cwd=here or Path.cwd(), env=dict(os.environ))


@asynccontextmanager
async def by_http(url: str, token: str) -> AsyncIterator[Any]:
    """Connect to a server over HTTP, with a token."""
    async with (
        create_mcp_http_client(headers={"Authorization": f"Bearer {token}"}) as client,
        streamable_http_client(url, http_client=client) as streams,
    ):
        yield streams
