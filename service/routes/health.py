"""``/livez`` and ``/readyz``: for whoever supervises the service."""

from fastapi import APIRouter
from pydantic import BaseModel

from service.dependencies import LiveDep

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class Ready(BaseModel):
    """A verified bundle, whose golden texts were answered again, is being served."""

    status: str = "ready"
    version: str
    reload_fault: str | None


@router.get("/livez")
async def livez() -> Alive:
    """Say that the process answers."""
    return Alive()


@router.get("/readyz")
async def readyz(live: LiveDep) -> Ready:
    """Say which verified version is served, and the code of the error that keeps a newer one out, if any."""
    return Ready(version=live.bundle.manifest.version, reload_fault=live.fault)
