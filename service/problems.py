"""Errors on the wire: problem documents of RFC 9457 with a stable code, never the input and never a trace."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import DatabaseError, ExplainUnavailable, RequestError

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class Fault(BaseModel):
    """One faulty field, by JSON pointer."""

    code: str
    pointer: str
    detail: str


class Problem(BaseModel):
    """A problem document of RFC 9457."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[Fault] = []
    error: Annotated[str | None, Field(description="Under /v2 the detail again: its clients look for it here.")] = None


HTTP_CODES = {
    404: ("not_found", "There is nothing at this address; /docs lists what there is."),
    405: ("method_not_allowed", "This address takes another method; the header Allow says which."),
    413: ("body_too_large", "The body is larger than this service takes; send fewer or shorter texts a request."),
}
"""Code and remedy of the errors that the framework finds, by HTTP status."""
FIELD_CODES = {
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "unknown_field": "unknown_field",
    "string_unicode": "invalid_character",
    "invalid_character": "invalid_character",
    "blank_text": "blank_text",
    "no_texts": "no_texts",
    "text_or_texts": "text_or_texts",
    "text_or_id": "text_or_id",
    "no_labels": "no_labels",
    "wrong_shape": "wrong_shape",
}
"""Codes of what can be wrong with a field, by pydantic's type of error; any other is ``wrong_type``."""


DATABASE_RETRY_AFTER = 10
"""Seconds after which a database that did not answer may be asked again; one that starts anew takes about so long."""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Name the HTTP statuses under which a route answers a problem document, for the OpenAPI document."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


class ProblemResponse(JSONResponse):
    """Send a problem document; under ``/v2`` its detail stands as ``error`` too, where clients of that look for it."""

    media_type = MEDIA_TYPE

    def __init__(self, content: Mapping[str, Any], status: int, headers: Mapping[str, str] | None) -> None:
        super().__init__(content, status, headers)
        self.content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it in the form of the address that was asked."""
        if f"{scope['path']}/".startswith("/v2/"):
            self.body = self.render({**self.content, "error": self.content["detail"]})
            self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def problem(
    status: int,
    code: str,
    detail: str,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a problem document; ``errors`` names each faulty field by JSON pointer."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        body["errors"] = [dict(error) for error in errors]
    return ProblemResponse(body, status, headers)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    errors = [
        {"code": FIELD_CODES.get(f["type"], "wrong_type"), "pointer": _pointer(f["loc"]), "detail": str(f["msg"])}
        for f in faults
    ]
    return problem(422, errors[0]["code"], f"{errors[0]['pointer']}: {errors[0]['detail']}", errors)


def _pointer(place: Sequence[str | int]) -> str:
    """Return the JSON pointer of a place in the body; a name that may be more than a name is not repeated."""
    told = (part for part in place[1:] if isinstance(part, int) or re.fullmatch(r"[a-z_]{1,30}", part))
    return "#" + "".join(f"/{part}" for part in told)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, detail = HTTP_CODES.get(error.status_code, ("http_error", HTTPStatus(error.status_code).phrase))
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := _methods(request)):
        headers["Allow"] = methods
    return problem(error.status_code, code, detail, headers=headers)


def _methods(request: Request) -> str:
    """Return the methods that an address takes; the framework names those of one route, and several may share it."""
    place = getattr(request.scope.get("route"), "path", "")
    return ", ".join(method.upper() for method in request.app.openapi()["paths"].get(place, {}))


def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestError)
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(error.status, error.code, str(error), headers=headers)


def _unexplained(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ExplainUnavailable)
    return problem(422, error.code, str(error))


def _unstored(_request: Request, error: Exception) -> JSONResponse:
    log.error("database_unavailable", exc_info=error.__cause__)
    detail = "Nothing can be stored or read just now, and nothing of this request was; try again later."
    return problem(503, "database_unavailable", detail, headers={"Retry-After": str(DATABASE_RETRY_AFTER)})


def _unforeseen(request: Request, _error: Exception) -> JSONResponse:
    # This is answered outside of the middleware that puts its name on every other answer.
    headers = {"X-Request-ID": request.state.request_id}
    return problem(500, "internal_error", "The service failed; its log says where.", headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of an application with a problem document."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(ExplainUnavailable, _unexplained)
    app.add_exception_handler(DatabaseError, _unstored)
    app.add_exception_handler(Exception, _unforeseen)


class BodyLimit:
    """Refuse a body over a limit, at some paths over a larger one.

    By its declared length before any of it is read, else as soon as too much has come. FastAPI has such a limit too,
    but answers a declared length in plain text.
    """

    def __init__(self, app: ASGIApp, most: int, larger: Mapping[str, int]) -> None:
        self.app = app
        self.most = most
        self.larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, or pass the request on and count what comes."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self.larger.get(scope["path"], self.most)
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > most:
            await problem(413, *HTTP_CODES[413])(scope, receive, send)
            return
        came = 0

        async def counting() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise HTTPException(413)
            return message

        await self.app(scope, counting, send)
