"""``/v1/predict``: the stances of statements."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body

from service.dependencies import (
    BundleDep,
    EngineDep,
    PredictKey,
    SettingsDep,
    ShadowDep,
    StoreDep,
    bounded,
    bounded_texts,
    named,
)
from service.problems import refusals
from service.wire import ModelName, PredictAnswer, PredictionAnswer, PredictRequest, stances

router = APIRouter(tags=["predict"])

EXAMPLES = {
    "English": {"value": {"text": "The minister ruled out sending any soldiers to Ukraine, even after a ceasefire."}},
    "українською": {"value": {"text": "Уряд готовий направити миротворців, щойно сторони підпишуть угоду."}},
    "по-русски, два текста": {
        "value": {
            "texts": [
                "Переговоры продлятся до пятницы, сообщили в министерстве.",
                "Эксперт сомневается, что соглашение подпишут в этом году.",
            ]
        }
    },
}


@router.post("/v1/predict", response_model_exclude_none=True, responses=refusals(400, 415, 422))
async def predict(
    body: Annotated[PredictRequest, Body(openapi_examples=EXAMPLES)],
    bundle: BundleDep,
    engine: EngineDep,
    settings: SettingsDep,
    shadow: ShadowDep,
    store: StoreDep,
    key: PredictKey,
) -> PredictAnswer:
    """Classify one text or several on every axis."""
    if body.texts is None:
        texts = [bounded(body.text or "", "#/text", settings.max_characters)]
    else:
        texts = bounded_texts(body.texts, "#/texts", settings)
    found = await engine.predict(bundle, texts, body.explain, settings.deadline_seconds)
    if shadow:
        shadow.notice(engine, texts, found)
    ids: list[str] | list[None] = [None] * len(texts)
    if body.store:
        ids = await asyncio.to_thread(store.keep, named(key, None), bundle.manifest.version, texts, found)
    return PredictAnswer(
        model=ModelName(version=bundle.manifest.version),
        predictions=[
            PredictionAnswer(id=stored, language=p.language, stances=stances(p))
            for stored, p in zip(ids, found, strict=True)
        ],
    )
