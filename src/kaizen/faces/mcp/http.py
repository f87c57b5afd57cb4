"""Streamable HTTP on this machine alone: one door before everything, which looks at Host, Origin and token."""

import hashlib
import hmac
import json
import os
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

from kaizen.errors import Clash, Malformed, Stuck

TOKEN = "KAIZEN_MCP_TOKEN"  # noqa: S105 - the variable's name
PORT = 8737
"""Where it listens unless told otherwise."""
PATH = "/mcp"

_HOST = "127.0.0.1"
_SHORTEST = 22  # characters: 128 bits in base 64
_LARGEST = 1_048_576  # bytes of one request
_AT_ONCE = 64  # requests
_BYE_S = 2  # seconds that open streams are waited for at the end

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Door:
    """Lets pass who holds the token and speaks to this machine from it; whatever else, whatever path, is refused."""

    def __init__(self, app: App, *, token: str, port: int) -> None:
        """Stand before ``app``, which listens on ``port``; only a hash of the token is kept."""
        self._app = app
        self._token = _hash(token.encode())
        names = [f"{name}:{port}" for name in (_HOST, "localhost")]
        self._hosts = frozenset(name.encode() for name in names)
        self._origins = frozenset(f"http://{name}".encode() for name in names)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope["headers"]) if scope["type"] == "http" else (403, "it must be HTTP")
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(send, *refusal)

    def _refusal(self, headers: list[tuple[bytes, bytes]]) -> tuple[int, str] | None:
        """Return the status and the sentence with which a request is refused; ``None`` lets it pass."""
        found: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            found.setdefault(name.lower(), []).append(value)
        hosts = found.get(b"host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return 403, "Host must be this machine and port"
        if any(origin not in self._origins for origin in found.get(b"origin", [])):
            return 403, "Origin must be this machine and port, or be left out"
        if any(site not in (b"same-origin", b"none") for site in found.get(b"sec-fetch-site", [])):
            return 403, "Sec-Fetch-Site must be same-origin"
        given = found.get(b"authorization", [])
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(_hash(token.strip()), self._token):
            return 401, "Authorization must be Bearer and the token that this server was started with"
        return None


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


async def _refuse(send: Send, status: int, said: str) -> None:
    body = json.dumps({"error": f"a request was refused: {said}"}).encode()
    headers = [
        (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"), (b"connection", b"close"),
    ]  # fmt: skip
    headers += [(b"www-authenticate", b'Bearer realm="kaizen"')] if status == 401 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


# ── the token ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def token_of(file: str | None, environment: Mapping[str, str]) -> tuple[str, bool]:
    """Return the token, and whether it was made here: from a file, from the environment, else a new one.

    Raises:
        Clash: it comes from both.
        Malformed: it is too short to be safe, or others may read its file.
        Stuck: the file cannot be read.
    """
    given = environment.get(TOKEN, "")
    if file is not None and given:
        raise Clash(f"a token must come from one place; got one in {TOKEN} and one in {file}")
    if file is None and not given:
        return secrets.token_urlsafe(32), True
    token = (given if file is None else _read(Path(file))).strip()
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise Malformed(
            f"a token must be {_SHORTEST} characters or more, of printable ASCII without spaces; got {len(token)}",
            hint="python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one",
        )
    return token, False


def _read(path: Path) -> str:
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Stuck(f"a token's file must be one that can be read; got {path} ({error})") from error
    if os.name == "posix" and mode & 0o077:
        raise Malformed(f"a token's file must be its owner's alone; got {path}, which others may read or write",
                        hint=f"chmod 600 {path}")  # fmt: skip
    return text


# ── serving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def serve_http(server: Any, *, port: int, token: str, made: bool) -> None:
    """Serve until interrupted; say the address, and the token if it was ``made`` here, once, on standard error.

    Raises:
        Stuck: the port is taken.
    """
    listening = _listen(port)
    port = listening.getsockname()[1]
    app = server.streamable_http_app(streamable_http_path=PATH, host=_HOST, max_request_body_size=_LARGEST)
    config = uvicorn.Config(
        Door(app, token=token, port=port), log_level="warning", access_log=False, server_header=False,
        limit_concurrency=_AT_ONCE, timeout_graceful_shutdown=_BYE_S, proxy_headers=False,
    )  # fmt: skip
    sys.stderr.write(f"kaizen mcp: http://{_HOST}:{port}{PATH}\n")
    sys.stderr.write(f"  token: {token}\n" if made else "")
    sys.stderr.flush()
    uvicorn.Server(config).run(sockets=[listening])


def _listen(port: int) -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((_HOST, port))
        found.listen()  # before the address is said: whoever reads it may come at once
    except (OSError, OverflowError) as error:
        found.close()
        raise Stuck(
            f"port {port} must be free on this machine; got {error}", hint="--port 0 takes any that is"
        ) from error
    return found
