"""``/v1/admin``: what an administrator does to a running service. There only where an admin key is."""

from fastapi import APIRouter

from service.dependencies import LiveDep
from service.routes.health import Ready

router = APIRouter(tags=["admin"])


@router.post("/v1/admin/reload")
async def reload(live: LiveDep) -> Ready:
    """Look now which bundle is to be served, not at the next look; say what is served and what keeps another out."""
    await live.look()
    return Ready(version=live.bundle.manifest.version, reload_fault=live.fault)
