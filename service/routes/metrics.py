"""``/metrics``: figures for Prometheus."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from service.metrics import exposition

router = APIRouter(tags=["sight"])


@router.get("/metrics", response_class=PlainTextResponse)
def metrics() -> PlainTextResponse:
    """Return what was counted since the start, by all workers, in the text format of Prometheus."""
    return PlainTextResponse(exposition(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
