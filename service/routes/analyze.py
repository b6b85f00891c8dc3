"""``/v1/analyze``: the statements of an article."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body

from models.text import split
from service.dependencies import BundleDep, EngineDep, PredictKey, SettingsDep, ShadowDep, StoreDep, bounded, named
from service.problems import refusals
from service.wire import AnalyzeAnswer, AnalyzeRequest, ModelName, statement, summary

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


@router.post("/v1/analyze", response_model_exclude_none=True, responses=refusals(400, 415, 422))
async def analyze(
    body: Annotated[AnalyzeRequest, Body(openapi_examples=EXAMPLES)],
    bundle: BundleDep,
    engine: EngineDep,
    settings: SettingsDep,
    shadow: ShadowDep,
    store: StoreDep,
    key: PredictKey,
) -> AnalyzeAnswer:
    """Split an article into statements and classify each on every axis."""
    text = bounded(body.text, "#/text", settings.max_article_characters)
    found = await asyncio.to_thread(split, text)  # a long article takes a tenth of a second
    texts = [each.text for each in found]
    predictions = await engine.predict(bundle, texts, body.explain, settings.deadline_seconds)
    if shadow:
        shadow.notice(engine, texts, predictions)
    ids: list[str] | list[None] = [None] * len(texts)
    if body.store:
        ids = await asyncio.to_thread(store.keep, named(key, None), bundle.manifest.version, texts, predictions)
    return AnalyzeAnswer(
        model=ModelName(version=bundle.manifest.version),
        statements=[statement(*each) for each in zip(found, predictions, ids, strict=True)],
        summary=dict(summary(bundle.model.axes, predictions)),
    )
