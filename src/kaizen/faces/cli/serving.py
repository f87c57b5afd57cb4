"""Other faces, begun from the command line."""

import argparse

from kaizen.errors import Malformed
from kaizen.faces.cli import version
from kaizen.faces.cli.answer import Answer


def mcp(given: argparse.Namespace) -> Answer:
    """Serve the verbs to agents, until the client is gone or somebody interrupts."""
    from kaizen.faces.mcp import Where, serve, serve_over_http

    if not given.http and (given.port is not None or given.token_file is not None):
        raise Malformed("--port and --token-file must come with --http; got standard input and output")
    where = Where(recipe=given.recipe, ledger=given.ledger, by=given.by)
    if given.http:
        serve_over_http(where, port=given.port, token_file=given.token_file, version=version())
    else:
        serve(where, version=version())
    return Answer("", {"served": True})
