"""JSON bodies of requests: read after the key has been checked, and large ones parsed off the event loop."""

import asyncio
import json
from collections.abc import Mapping
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # the types lack it
from typing import Any, Generic, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from models.errors import RequestError

LARGE = 100_000
"""Bytes from which a body is parsed in a thread: a smaller one takes two milliseconds at most, whatever it holds."""
Form = TypeVar("Form", bound=BaseModel)


class Patient(json.JSONDecoder):
    """Read JSON value by value, so that the event loop has its turns: the decoder in C keeps the interpreter all along.

    A single string is still read in one piece: eight megabytes take nine milliseconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scan_once = py_make_scanner(self)


class JsonBody(Generic[Form]):
    """Take the body of a request as a form: a dependency, for FastAPI reads its own bodies before it asks for a key.

    ``untyped`` takes a body without a Content-Type for JSON.
    """

    def __init__(self, form: type[Form], untyped: bool = False) -> None:
        self._form = form
        self._untyped = untyped

    async def __call__(self, request: Request) -> Form:
        """Read, parse and validate.

        Raises:
            RequestError: the body is not JSON, or not said to be.
            RequestValidationError: it is not of the form.
        """
        if not _json(request.headers.get("content-type", ""), self._untyped):
            detail = "Send JSON, with the header Content-Type: application/json."
            raise RequestError(415, "unsupported_media_type", detail)
        body = await request.body()
        if not body:
            raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required"}])
        if len(body) < LARGE:
            return self._read(body)
        return await asyncio.to_thread(self._read, body, cls=Patient)

    def _read(self, body: bytes, cls: type[json.JSONDecoder] | None = None) -> Form:
        try:
            return self._form.model_validate(json.loads(body, cls=cls))
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from error
        except (ValueError, RecursionError) as error:
            detail = "The body is not JSON in UTF-8, or is nested too deeply."
            raise RequestError(400, "invalid_json", detail) from error


def _json(kind: str, untyped: bool) -> bool:
    kind = kind.split(";")[0].strip().lower()
    return (untyped and not kind) or (kind.startswith("application/") and kind.endswith(("/json", "+json")))


def described(form: type[BaseModel], examples: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Say in the OpenAPI document that a route takes a form as its body."""
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{form.__name__}"}}
    if examples:
        content["examples"] = examples
    return {"requestBody": {"required": True, "content": {"application/json": content}}}
