"""Logs: a JSON object a line on standard error, never with a text in it."""

import logging
import re
import secrets
import sys
import time
from collections.abc import Sequence
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import metrics

log = structlog.get_logger()

LEFT = 499
"""Status under which a request is logged whose client left before it was answered, as nginx does."""
_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?"
)


def configure(level: str) -> None:
    """Write the service's own log lines and those of its libraries as JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        _without_message,
    ]
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, render],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),  # past the logging module, which takes longer
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                render,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


def _without_message(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Reduce an exception to its type and place: its message may quote a text."""
    record = event.get("_record")
    info = event.pop("exc_info", None) or (record.exc_info if record is not None else None)
    if record is not None:
        record.exc_info = record.exc_text = None
    error = info[1] if isinstance(info, tuple) else info if isinstance(info, BaseException) else None
    if error is not None and error.__traceback__ is not None:
        last = error.__traceback__
        while last.tb_next is not None:
            last = last.tb_next
        event["error"] = type(error).__name__
        event["place"] = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}"
    return event


class AccessLog:
    """Name each request, log it and count it: route, method, status, milliseconds, and the name of the key that asked.

    The name is what the client sent as X-Request-ID, where that is a token, else a new one. It stands in the answer and
    in every line that is logged on the way, there beside the trace of a W3C traceparent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and log it when it is answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0
        headers = Headers(scope=scope)
        name = request_id(headers.get("x-request-id", ""))
        scope.setdefault("state", {})["request_id"] = name
        trace = trace_id(headers.getlist("traceparent"))
        structlog.contextvars.clear_contextvars()  # a pipelined request begins in the context of the one before
        structlog.contextvars.bind_contextvars(request_id=name, **({"trace_id": trace} if trace else {}))

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", name.encode())]
            await send(message)

        try:
            await self.app(scope, receive, noting)
            status = status or LEFT
        finally:
            status = status or 500
            took = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", None)
            metrics.requested(route, scope["method"], status, took)
            line = {"method": scope["method"], "route": route, "status": status, "ms": round(took * 1000, 2)}
            if key := scope["state"].get("key"):
                line["key"] = key.name
            log.info("request", **line)


def request_id(sent: str) -> str:
    """Return the name of a request: what was sent where that can stand in a log, else a new one.

    >>> request_id("order-7"), request_id("a b") == request_id("a b")
    ('order-7', False)
    """
    return sent if _TOKEN.fullmatch(sent) else secrets.token_hex(16)


def trace_id(sent: Sequence[str]) -> str | None:
    """Return the trace of the traceparent headers of a request, None where there is not one, of the W3C's form.

    >>> trace_id(["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
    '0af7651916cd43dd8448eb211c80319c'
    """
    match = _TRACEPARENT.fullmatch(sent[0]) if len(sent) == 1 else None
    if match is None or (match["version"] == "00" and match["more"]):
        return None
    return match["trace"]
