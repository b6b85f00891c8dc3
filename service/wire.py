"""What goes over the wire: requests and answers as pydantic models."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import Annotated, Any, Self

from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, StrictBool, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError, to_json

from models.axes import Axis
from models.stance import Prediction, Stance
from models.text import UNWRITABLE, Statement

PIECE = 100_000
"""Characters that are looked through in one go, half a millisecond; between them other threads have their turn."""


def writable(text: str) -> str:
    """Return a text that UTF-8 and a database can hold; the validator of every text on the wire."""
    if any(UNWRITABLE.search(text, at, at + PIECE) for at in range(0, len(text), PIECE)):
        raise PydanticCustomError("invalid_character", "holds a NUL or half a surrogate pair; take it out")
    return text


def _legible(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank_text", "is blank; send a sentence")
    return text


WRITABLE = {"pattern": r"^[^\x00]*$"}
LEGIBLE = {"pattern": r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"}
"""What the two validators ask, for the OpenAPI document, whose \\s knows fewer blanks than Python's."""
Text = Annotated[str, AfterValidator(writable), AfterValidator(_legible), Field(json_schema_extra={**LEGIBLE})]
Name = Annotated[str, Field(max_length=64, json_schema_extra={**WRITABLE}), AfterValidator(writable)]
Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


def either(**types: str) -> JsonDict:
    """Say in a JSON schema that one of two fields is there, and not null; a validator says it to who sends neither."""
    return {"oneOf": [{"required": [name], "properties": {name: {"type": kind}}} for name, kind in types.items()]}


def few_names(body: Any) -> Any:
    """Refuse an object of many unknown names at once: naming each would make the answer larger than the request."""
    if isinstance(body, dict) and len(body) > MOST_NAMES:
        raise PydanticCustomError("unknown_field", "has far more fields than there are")
    return body


MOST_NAMES = 16
Explain = Annotated[StrictBool, Field(description="Whether each stance is to come with its words and their weights.")]
Stored = Annotated[StrictBool, Field(description="Whether to store text and prediction, for review and correction.")]


class PredictRequest(BaseModel):
    """One text, or several."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=either(text="string", texts="array"))

    text: Annotated[Text | None, Field(description="One statement.")] = None
    texts: Annotated[
        Annotated[list[Text], Field(json_schema_extra={"minItems": 1})] | None,
        FailFast(),
        Field(description="Several statements, answered in their order."),
    ] = None
    explain: Explain = False
    store: Stored = False

    _few = model_validator(mode="before")(few_names)

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.text is None) == (self.texts is None):
            raise PydanticCustomError("text_or_texts", 'needs either "text" or "texts"')
        if self.texts == []:
            raise PydanticCustomError("no_texts", '"texts" is empty; send at least one')
        return self


class AnalyzeRequest(BaseModel):
    """One article."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[Text, Field(description="An article, as plain text.")]
    explain: Explain = False
    store: Stored = False

    _few = model_validator(mode="before")(few_names)


class ModelName(BaseModel):
    """Which model answered."""

    name: str = "stance"
    version: str


class WordAnswer(BaseModel):
    """A word of the text that was sent, and its share of the label's logit; the shares sum to it less the bias."""

    text: str
    start: int
    end: int
    weight: float


class StanceAnswer(BaseModel):
    """The stance of a text on one axis."""

    label: Annotated[str, Field(description="The most probable label.")]
    confidence: Annotated[float, Field(description="Its probability.")]
    certain: Annotated[bool, Field(description="False where the model abstains; then there is a reason.")]
    reason: Annotated[str | None, Field(description="too_short, unsupported_language, too_long or low_confidence.")] = (
        None
    )
    probabilities: dict[str, float]
    words: Annotated[list[WordAnswer] | None, Field(description="Where an explanation was asked for.")] = None


class PredictionAnswer(BaseModel):
    """The stances of one text."""

    id: Annotated[str | None, Field(description="Where it was stored.")] = None
    language: Annotated[str, Field(description="BCP-47 code, und where unknown.")]
    stances: dict[str, StanceAnswer]


class PredictAnswer(BaseModel):
    """The stances of all texts, in the order of the request."""

    model: ModelName
    predictions: list[PredictionAnswer]


class StatementAnswer(PredictionAnswer):
    """A statement of an article; offsets count Unicode code points of the text that was sent."""

    text: str
    start: int
    end: int


class AnalyzeAnswer(BaseModel):
    """The statements of an article, and per axis how many have each label or are uncertain."""

    model: ModelName
    statements: list[StatementAnswer]
    summary: dict[str, dict[str, int]]


def stances(prediction: Prediction, start: int = 0) -> dict[str, StanceAnswer]:
    """Put the stances of a prediction in wire form; ``start`` is where its text begins in the text that was sent."""
    return {axis: _stance(stance, start) for axis, stance in prediction.stances.items()}


def _stance(stance: Stance, start: int) -> StanceAnswer:
    words = None
    if stance.words is not None:
        words = [
            WordAnswer(text=w.text, start=start + w.start, end=start + w.end, weight=round(w.weight, 6))
            for w in stance.words
        ]
    return StanceAnswer(
        label=stance.label,
        confidence=round(stance.confidence, 4),
        certain=stance.certain,
        reason=stance.reason,
        probabilities={label: round(p, 4) for label, p in stance.probabilities.items()},
        words=words,
    )


def statement(statement: Statement, prediction: Prediction, stored: str | None) -> StatementAnswer:
    """Put a statement and its prediction in wire form, with its id where it was stored."""
    return StatementAnswer(
        id=stored,
        text=statement.text,
        start=statement.start,
        end=statement.end,
        language=prediction.language,
        stances=stances(prediction, statement.start),
    )


def summary(axes: Sequence[Axis], predictions: Iterable[Prediction]) -> Mapping[str, dict[str, int]]:
    """Count the labels of each axis; a stance that is not certain counts as uncertain only."""
    found = list(predictions)
    counts = {
        axis.name: Counter(s.label if s.certain else "uncertain" for p in found for s in [p.stances[axis.name]])
        for axis in axes
    }
    return {axis.name: {label: counts[axis.name][label] for label in (*axis.labels, "uncertain")} for axis in axes}


TURN = 0.002
"""Seconds of writing after which others have their turn: with explanations an answer is megabytes."""


async def written(model: ModelName, rows: tuple[str, Iterable[BaseModel]], **more: object) -> Response:
    """Return an answer in JSON: the model, rows under their name, and what else there is.

    A thread would not do: whatever writes JSON holds the interpreter until it is done.
    """
    name, each = rows
    lines, began = [], perf_counter()
    for row in each:
        lines.append(row.model_dump_json(exclude_none=True).encode())
        if perf_counter() - began > TURN:
            await asyncio.sleep(0)
            began = perf_counter()
    fields = {"model": to_json(model), name: b"[%s]" % b",".join(lines)}
    fields |= {key: to_json(value) for key, value in more.items()}
    body = b"{%s}" % b",".join(b'"%s":%s' % (key.encode(), value) for key, value in fields.items())
    return Response(body, media_type="application/json")
