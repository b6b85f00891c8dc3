"""The application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline

from service import problems
from service.engine import Engine
from service.guard import Crowd, Hosts
from service.keys import Keyring, may
from service.live import Live
from service.logs import AccessLog
from service.routes import admin, analyze, bulk, drift, health, metrics, model, predict, v2
from service.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Make the application around the bundle that the settings choose.

    Raises:
        BundleError: there is no sound bundle to serve.
        KeysError: the keys or their rate are not of the form.
    """
    keyring = Keyring(settings.api_keys.get_secret_value(), settings.rate)
    live = Live(settings)
    engine = Engine(settings.cache_texts)

    @asynccontextmanager
    async def watching(_app: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(live.watch())
        yield
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        engine.close()

    app = FastAPIOffline(
        title="Stance Desk",
        summary="Stance of news statements toward foreign forces in Ukraine, and their outlook.",
        version=version("stance-desk"),
        redoc_url=None,
        redirect_slashes=False,
        lifespan=watching,
    )
    app.state.live = live
    app.state.engine = engine
    app.state.keyring = keyring
    app.state.settings = settings
    problems.install(app)
    app.include_router(health.router)
    app.include_router(v2.health)
    for noun in (predict, analyze, bulk, model, v2):
        app.include_router(noun.router, dependencies=[Depends(may("predict"))])
    if keyring.has("admin") or not keyring.keys:
        for noun in (metrics, drift):
            app.include_router(noun.router, dependencies=[Depends(may("admin"))])
    if keyring.has("admin"):
        app.include_router(admin.router, dependencies=[Depends(may("admin"))])
    app.add_middleware(problems.BodyLimit, most=settings.max_body_bytes, larger={bulk.PATH: settings.max_bulk_bytes})
    app.add_middleware(Crowd, most=settings.max_requests)
    app.add_middleware(Hosts, allowed=[name.strip() for name in settings.allowed_hosts.split(",")])
    app.add_middleware(AccessLog)
    return app
