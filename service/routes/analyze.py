"""``/v1/analyze``: the statements of an article."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from models.text import split
from service.bodies import JsonBody, described
from service.dependencies import DeskDep, bounded
from service.problems import refusals
from service.wire import AnalyzeAnswer, AnalyzeRequest, ModelName, statement, summary, written

router = APIRouter(tags=["analyze"])

EXAMPLES = {
    "English": {
        "value": {
            "text": "The talks end on Friday. “We will not send troops. That is final,” the minister said.\n\n"
            "An adviser doubts that a deal is near."
        }
    },
    "українською": {"value": {"text": "Зустріч триває. Міністр певен, що угоду підпишуть до кінця місяця."}},
    "по-русски": {"value": {"text": "Встреча завершилась. «Войск не будет», — сказал министр."}},
}


@router.post(
    "/v1/analyze",
    response_model=AnalyzeAnswer,
    responses=refusals(400, 415, 422),
    openapi_extra=described(AnalyzeRequest, EXAMPLES),
)
async def analyze(body: Annotated[AnalyzeRequest, Depends(JsonBody(AnalyzeRequest))], desk: DeskDep) -> Response:
    """Split an article into statements and classify each on every axis."""
    text = bounded(body.text, "#/text", desk.settings.max_article_characters)
    found = await asyncio.to_thread(split, text)  # a long article takes a tenth of a second
    predictions, ids = await desk.answer([each.text for each in found], body.explain, body.store)
    rows = (statement(*each) for each in zip(found, predictions, ids, strict=True))
    counts = summary(desk.bundle.model.axes, predictions)
    return await written(ModelName(version=desk.bundle.manifest.version), ("statements", rows), summary=counts)
