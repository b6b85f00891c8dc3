"""``/v1/predict``: the stances of statements."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from service.bodies import JsonBody, described
from service.dependencies import DeskDep, bounded, bounded_texts
from service.problems import refusals
from service.wire import ModelName, PredictAnswer, PredictionAnswer, PredictRequest, stances, written

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


@router.post(
    "/v1/predict",
    response_model=PredictAnswer,
    responses=refusals(400, 415, 422),
    openapi_extra=described(PredictRequest, EXAMPLES),
)
async def predict(body: Annotated[PredictRequest, Depends(JsonBody(PredictRequest))], desk: DeskDep) -> Response:
    """Classify one text or several on every axis."""
    if body.texts is None:
        texts = [bounded(body.text or "", "#/text", desk.settings.max_characters)]
    else:
        texts = bounded_texts(body.texts, "#/texts", desk.settings)
    found, ids = await desk.answer(texts, body.explain, body.store)
    rows = (
        PredictionAnswer(id=stored, language=p.language, stances=stances(p))
        for p, stored in zip(found, ids, strict=True)
    )
    return await written(ModelName(version=desk.bundle.manifest.version), ("predictions", rows))
