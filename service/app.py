"""The application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from service import problems
from service.live import Live
from service.logs import AccessLog
from service.routes import analyze, health, model, predict
from service.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Make the application around the bundle that the settings choose.

    Raises:
        BundleError: there is no sound bundle to serve.
    """
    live = Live(settings)

    @asynccontextmanager
    async def watching(_app: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(live.watch())
        yield
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch

    app = FastAPIOffline(
        title="Stance Desk",
        summary="Stance of news statements toward foreign forces in Ukraine, and their outlook.",
        version=version("stance-desk"),
        redoc_url=None,
        redirect_slashes=False,
        lifespan=watching,
    )
    app.state.live = live
    app.state.settings = settings
    problems.install(app)
    for noun in (predict, analyze, model, health):
        app.include_router(noun.router)
    app.add_middleware(problems.BodyLimit, most=settings.max_body_bytes)
    app.add_middleware(AccessLog)
    return app
