"""What stands before the routes: who may call by which name, how many at once, and the end of requests left alone."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import problem

RETRY_AFTER = 1
"""Seconds after which a request that was sent away may come again: most are answered in a tenth of that."""


class Hosts:
    """Answer only calls by a known name, and of browsers only those whose page came from one.

    A page elsewhere can make a browser call this machine, and a name elsewhere can be made to point at it (DNS
    rebinding); both give themselves away in the headers Host and Origin.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self.app = app
        self.allowed = {name.lower() for name in allowed if name}  # no name is what pages without an address have

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 or 403, or pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _name(f"//{headers.get('host', '')}") not in self.allowed:
            detail = "The service is not called by this name; STANCE_ALLOWED_HOSTS says by which it is."
            await problem(421, "unknown_host", detail)(scope, receive, send)
        elif "origin" in headers and _name(headers["origin"]) not in self.allowed:
            detail = "Pages of other sites may not call the service; STANCE_ALLOWED_HOSTS says which may."
            await problem(403, "foreign_origin", detail)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _name(address: str) -> str:
    """Return the host in an address, an IPv6 one in brackets, without its port."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    return f"[{host}]" if ":" in host else host


class Crowd:
    """Let so many requests work at once, send others away, and end those whose client has gone."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most
        self.working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503 where too many are at work, or pass the request on until it is answered or left alone."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self.app(scope, receive, send)
        elif self.working >= self.most:
            detail = f"{self.most} requests are at work; try again in a second."
            await problem(503, "too_busy", detail, headers={"Retry-After": str(RETRY_AFTER)})(scope, receive, send)
        else:
            self.working += 1
            try:
                await _until_gone(self.app, scope, receive, send)
            finally:
                self.working -= 1


OPEN = frozenset({"/livez", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"})
"""What a supervisor asks, even of a service that is busy."""


async def _until_gone(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run an application, cancelled when its client has gone before it was answered."""
    work = asyncio.current_task()
    assert work is not None
    watcher: asyncio.Task[None] | None = None
    left = answered = False

    async def watch() -> None:
        nonlocal left
        await receive()  # after the body only the end is left to come
        if not answered:  # an answered request is told to be gone as well
            left = True
            work.cancel()

    async def receiving() -> Message:
        nonlocal watcher, left
        if watcher:
            await asyncio.Future()  # who asks for more waits for the end, and that ends him
        message = await receive()
        if message["type"] == "http.disconnect":
            left = True
            raise asyncio.CancelledError
        if not message.get("more_body", False):
            watcher = asyncio.create_task(watch())
        return message

    async def sending(message: Message) -> None:
        nonlocal answered
        answered = message["type"] == "http.response.body" and not message.get("more_body", False)
        await send(message)

    try:
        await app(scope, receiving, sending)
    except asyncio.CancelledError:
        if not left:
            raise
        work.uncancel()
    finally:
        if watcher:
            watcher.cancel()
