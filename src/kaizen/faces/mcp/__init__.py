"""Kaizen's verbs for agents, by the Model Context Protocol: ``kaizen mcp``.

Tools are the verbs (``kaizen_propose``, ``kaizen_ask``, ``kaizen_tell`` …), resources what may be read of a process,
prompts what a person may begin with. Every call looks at the ledger as it is then, and writes in one turn, so that
any number of servers, command lines and workers share one.
"""

import os
import sys

from kaizen.errors import Stuck

try:
    import mcp_types  # noqa: F401 - there from version 2 on
    from mcp.server import Server  # noqa: F401
except ImportError as error:
    _HINT = "pip install 'kaizen-engine[mcp]'"
    raise Stuck("kaizen mcp must have the MCP SDK, 2.3 or later, which is not installed", hint=_HINT) from error

from kaizen.faces.mcp.room import Where
from kaizen.faces.mcp.server import make_server, serve_stdio

__all__ = ["Where", "make_server", "serve", "serve_over_http"]


def serve(where: Where, *, version: str = "") -> None:
    """Serve one client on standard input and output, until it is gone."""
    from functools import partial

    import anyio

    if sys.stdin.isatty():
        sys.stderr.write("kaizen mcp speaks to a program on standard input and output; Ctrl-C ends it\n")
    anyio.run(partial(serve_stdio, make_server(where, version=version)))


def serve_over_http(where: Where, *, port: int | None = None, token_file: str | None = None, version: str = "") -> None:
    """Serve any number of clients of this machine by streamable HTTP, until interrupted.

    Raises:
        Mistake: the token is none.
        Stuck: the port is taken, or the token's file cannot be read.
    """
    from kaizen.faces.mcp.http import PORT, serve_http, token_of

    token, made = token_of(token_file, os.environ)
    serve_http(make_server(where, version=version), port=PORT if port is None else port, token=token, made=made)
