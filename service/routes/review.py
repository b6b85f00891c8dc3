"""``/v1/review``: the statements that people label next."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

from models.axes import Axis
from models.errors import RequestError
from service.corrections import Agreement, agreement
from service.dependencies import AnnotatorDep, BundleDep, QueueDep, StoreDep
from service.problems import refusals
from service.storage.store import Store
from service.wire import Id

router = APIRouter(tags=["review"])


class ReviewAnswer(BaseModel):
    """A statement to label, this annotator's alone until a moment; without the model's answer, which would sway him."""

    id: Annotated[str, Field(description="Of a stored prediction of it; feedback takes it.")]
    text: str
    language: str
    until: datetime


class SummaryAnswer(BaseModel):
    """How many stored statements wait for a label, how many texts have one, and agreement per axis.

    ``awaiting`` are the texts that were given a label after the last correction that the served model learnt from: they
    await the next training.
    """

    waiting: int
    labelled: int
    awaiting: int
    agreement: dict[str, Agreement]


@router.post(
    "/v1/review",
    response_model=ReviewAnswer,
    responses={**refusals(422), 204: {"description": "Nothing waits for this annotator."}},
)
async def lease(queue: QueueDep, annotator: AnnotatorDep) -> ReviewAnswer | Response:
    """Lease, for ten minutes, the stored statement that the model was least sure of and that is nobody else's.

    It is done with feedback on its id. A tenth of the statements are leased to a second annotator after the first.
    """
    found = await asyncio.to_thread(queue.lease, annotator, datetime.now(UTC))
    return ReviewAnswer(**asdict(found)) if found else Response(status_code=204)


@router.get("/v1/review/summary")
async def summary(bundle: BundleDep, store: StoreDep, queue: QueueDep) -> SummaryAnswer:
    """Count the statements that wait and those that are labelled, and how far annotators and model agree."""
    waiting, labelled = await asyncio.to_thread(queue.counts)
    return SummaryAnswer(
        waiting=waiting,
        labelled=labelled,
        awaiting=await asyncio.to_thread(queue.corrected_since, bundle.manifest.last_feedback or 0),
        agreement=await asyncio.to_thread(_agreement, store, bundle.model.axes),
    )


def _agreement(store: Store, axes: tuple[Axis, ...]) -> dict[str, Agreement]:
    return agreement(axes, store.corrections(), store.predicted())


@router.delete("/v1/review/summary", include_in_schema=False)
async def no_statement() -> None:
    """Refuse to skip what is no statement, rather than take its name for an id."""
    raise HTTPException(405)


@router.delete("/v1/review/{id}", status_code=204, responses=refusals(404, 422))
async def skip(id: Id, queue: QueueDep, annotator: AnnotatorDep) -> None:  # noqa: A002
    """Give a leased statement back and see it no more; others may."""
    if not await asyncio.to_thread(queue.skip, id, annotator):
        raise RequestError(404, "prediction_unknown", "No prediction is stored under this id; ask for another.")
