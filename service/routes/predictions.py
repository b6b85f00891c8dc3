"""``/v1/predictions``: what was stored because the request said so."""

import asyncio

from fastapi import APIRouter

from models.errors import RequestError
from service.dependencies import OwnerDep, StoreDep
from service.problems import refusals
from service.wire import Id

router = APIRouter(tags=["predict"])


@router.delete("/v1/predictions/{id}", status_code=204, responses=refusals(404, 422))
async def forget(id: Id, store: StoreDep, owner: OwnerDep) -> None:  # noqa: A002
    """Delete a stored prediction, one's own, an administrator any; its text goes with the last that stands on it."""
    if not await asyncio.to_thread(store.drop_prediction, id, owner):
        raise RequestError(404, "prediction_unknown", "No prediction of yours is stored under this id.")
