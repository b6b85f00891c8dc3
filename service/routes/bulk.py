"""``/v1/predict/bulk``: a file of statements, answered row by row."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from email.message import Message
from typing import IO, Annotated, cast

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from models.bundle import Bundle
from models.errors import RequestError, TableError
from models.table import Form, Reader, Writer, batches, scored, texts
from service.dependencies import BundleDep, EngineDep, SettingsDep
from service.engine import Engine
from service.problems import refusals

PATH = "/v1/predict/bulk"
FORMS: dict[str, Form] = {"application/x-ndjson": "ndjson", "application/jsonl": "ndjson", "text/csv": "csv"}
EXAMPLES: dict[Form, str] = {
    "ndjson": '{"text": "The talks resume on Friday, a spokesman said."}\n',
    "csv": "date,text\n2026-01-02,Переговоры продлятся до пятницы.\n",
}
IN_MEMORY = 1_000_000
"""Bytes of an upload that are held in memory; a larger one lies in a temporary file."""

router = APIRouter(tags=["predict"])


@router.post(
    PATH,
    response_class=StreamingResponse,
    responses={
        **refusals(415, 422),
        200: {"content": {kind: {} for kind in FORMS}, "description": "The rows, answered."},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}, "example": EXAMPLES[form]}
                for kind, form in FORMS.items()
            },
        }
    },
)
async def bulk(
    request: Request,
    bundle: BundleDep,
    engine: EngineDep,
    settings: SettingsDep,
    text_column: Annotated[str, Query(description="The column, or key, that holds the text.")] = "text",
    spreadsheet: Annotated[bool, Query(description="Lead cells of CSV that would run as formulas by '.")] = False,
) -> StreamingResponse:
    """Answer every row of JSON lines or CSV in its place, in the form that came; a bad row gets `stance_error`.

    The upload is taken whole before the answer begins. JSON lines end with `{"done": true, "rows": …, "errors": …}`.
    All rows are answered by the version that served when the upload had come.
    """
    form, encoding = _form(request)
    spool = await _spooled(request)
    try:
        reader = await asyncio.to_thread(
            Reader, spool, form, bundle.model.axes, text_column, encoding, settings.max_characters
        )
    except TableError as error:
        spool.close()
        raise RequestError(422, "table_invalid", str(error)) from error
    except BaseException:
        spool.close()
        raise
    writer = Writer(reader.header, bundle.model.axes, spreadsheet)
    media_type = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
    return StreamingResponse(_answers(spool, reader, writer, bundle, engine, text_column), media_type=media_type)


def _form(request: Request) -> tuple[Form, str]:
    header = Message()
    header["Content-Type"] = request.headers.get("content-type", "")
    kind = FORMS.get(header.get_content_type())
    if kind is None:
        raise RequestError(415, "unsupported_media_type", f"Send one of {', '.join(FORMS)} as the Content-Type.")
    return kind, str(header.get_param("charset", "utf-8"))


async def _spooled(request: Request) -> IO[bytes]:
    """Take the whole upload: who answers while reading stands still with a client that writes before it reads."""
    spool = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed with the answer)
    try:
        async for chunk in request.stream():
            spool.write(chunk)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return cast("IO[bytes]", spool)


async def _answers(
    spool: IO[bytes], reader: Reader, writer: Writer, bundle: Bundle, engine: Engine, text_column: str
) -> AsyncIterator[bytes]:
    with spool:
        yield writer.begin().encode()
        rows = batches(reader)
        while batch := await asyncio.to_thread(next, rows, None):
            found = await engine.predict(bundle, texts(batch, text_column), remember=False)
            added = scored(bundle.manifest.version, batch, found)
            yield (await asyncio.to_thread(writer.put, batch, added)).encode()
        yield writer.end().encode()
