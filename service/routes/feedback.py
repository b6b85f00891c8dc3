"""``/v1/feedback``: what people say of texts, and what trains with it."""

import asyncio
import json
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.axes import Axis
from models.errors import RequestError
from models.language import identify
from models.text import LONGEST_STATEMENT
from service.bodies import JsonBody, described
from service.corrections import corpus_lines
from service.dependencies import AnnotateKey, BundleDep, OwnerDep, StoreDep, bounded, named
from service.problems import refusals
from service.storage.store import Store
from service.wire import WRITABLE, Id, Name, Text, either, few_names, writable

router = APIRouter(tags=["feedback"])
export = APIRouter(tags=["feedback"])

MOST_ID = 2**63 - 1


class FeedbackRequest(BaseModel):
    """What a person says of a text: his own, or one that was stored with its prediction."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=either(text="string", id="string"))

    text: Annotated[Text | None, Field(description="One statement.")] = None
    id: Annotated[Id | None, Field(description="Of a stored prediction, in place of the text.")] = None
    labels: Annotated[
        dict[str, str],
        BeforeValidator(few_names),
        Field(description="By axis, a label of one axis at least.", json_schema_extra={"minProperties": 1}),
    ]
    note: Annotated[
        Annotated[str, Field(max_length=2000, json_schema_extra={**WRITABLE}), AfterValidator(writable)] | None,
        Field(description="For whoever reads corrections; nothing is trained on it."),
    ] = None
    annotator: Annotated[Name | None, Field(description="Who says so; with keys it is the key's name.")] = None

    _few = model_validator(mode="before")(few_names)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.text is None) == (self.id is None):
            raise PydanticCustomError("text_or_id", 'needs either "text" or "id"')
        if not self.labels:
            raise PydanticCustomError("no_labels", '"labels" is empty; send a label of one axis at least')
        return self


class FeedbackAnswer(BaseModel):
    """The id under which a correction is stored."""

    id: int


@router.post(
    "/v1/feedback",
    status_code=201,
    responses=refusals(400, 404, 415, 422),
    openapi_extra=described(FeedbackRequest),
)
async def correct(
    body: Annotated[FeedbackRequest, Depends(JsonBody(FeedbackRequest))],
    bundle: BundleDep,
    store: StoreDep,
    key: AnnotateKey,
) -> FeedbackAnswer:
    """Store what the labels of a text should be; once this is answered, no crash loses it.

    Who says two things of one text is taken at his last word.
    """
    _known(body.labels, bundle.model.axes)
    if body.id is not None:
        found = await asyncio.to_thread(store.text, body.id)
        if found is None:
            raise RequestError(404, "prediction_unknown", "No prediction is stored under this id; send the text.")
        text, language = found
    else:
        text = body.text or ""
        language = identify(text)
    bounded(text, "#/text", LONGEST_STATEMENT)
    if language not in bundle.model.languages:
        detail = f"the text is in none of the languages that the model learns: {', '.join(bundle.model.languages)}"
        raise RequestError(422, "language_not_learnt", f"{detail}; a whole sentence is told more surely")
    name = named(key, body.annotator)
    return FeedbackAnswer(id=await asyncio.to_thread(store.correct, text, language, body.labels, name, body.note))


def _known(labels: dict[str, str], axes: tuple[Axis, ...]) -> None:
    of = {axis.name: axis.labels for axis in axes}
    for axis, label in labels.items():
        if axis not in of:
            raise RequestError(422, "axis_unknown", f"#/labels: not an axis of the model; it has {', '.join(of)}")
        if label not in of[axis]:
            detail = f"#/labels/{axis}: not a label of this axis; it has {', '.join(of[axis])}"
            raise RequestError(422, "label_unknown", detail)


@router.delete("/v1/feedback/{id}", status_code=204, responses=refusals(404, 422))
async def withdraw(id: Annotated[int, Path(ge=1, le=MOST_ID)], store: StoreDep, owner: OwnerDep) -> None:  # noqa: A002
    """Delete a correction: one's own, an administrator any."""
    if not await asyncio.to_thread(store.drop_correction, id, owner):
        raise RequestError(404, "feedback_unknown", "No correction of yours is stored under this id.")


@export.get(
    "/v1/feedback",
    response_class=Response,
    responses={
        200: {
            "description": "Rows of the corpus.",
            "content": {"application/x-ndjson": {}},
            "headers": {
                "Stance-Left-Out": {
                    "description": "Labels left out because no majority of annotators gave them.",
                    "schema": {"type": "integer"},
                }
            },
        },
    },
)
async def corrections(bundle: BundleDep, store: StoreDep) -> Response:
    """Return corrections as rows of the corpus, to be saved as `data/corpus/corrected.jsonl`, which every fit reads.

    Where annotators differ, the label that most of them gave stands; where none has a majority, it is left out.
    """
    body, left_out = await asyncio.to_thread(_lines, store, bundle.model.axes)
    return Response(body, media_type="application/x-ndjson", headers={"Stance-Left-Out": str(left_out)})


def _lines(store: Store, axes: tuple[Axis, ...]) -> tuple[str, int]:
    rows, left_out = corpus_lines(axes, store.corrections())
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), left_out
