"""The application."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline

from service import problems
from service.document import Document
from service.engine import Engine
from service.guard import Crowd, Hosts
from service.keys import Keyring, may
from service.live import Live
from service.logs import AccessLog
from service.problems import refusals
from service.routes import (
    admin,
    analyze,
    bulk,
    drift,
    feedback,
    health,
    metrics,
    model,
    page,
    predict,
    predictions,
    review,
    v2,
)
from service.settings import Settings
from service.storage.database import Database
from service.storage.queue import Queue
from service.storage.retention import retain
from service.storage.store import Store


def create_app(settings: Settings) -> FastAPI:
    """Make the application around the bundle that the settings choose.

    Raises:
        BundleError: there is no sound bundle to serve.
        KeysError: the keys or their rate are not of the form.
        DatabaseError: the database cannot be opened or brought up to date.
    """
    keyring = Keyring(settings.api_keys.get_secret_value(), settings.rate)
    live = Live(settings)
    engine = Engine(settings.cache_texts, settings.batches)
    database = Database(settings.database_url.get_secret_value())
    store = Store(database)

    @asynccontextmanager
    async def watching(_app: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(live.watch()),
            asyncio.create_task(retain(store, timedelta(days=settings.retention_days))),
        ]
        gc.collect()
        gc.freeze()  # else a collection looks through all that was imported, a tenth of a second
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        engine.close()
        database.close()

    app = FastAPIOffline(
        responses=refusals(403, 413, 421, 500),
        title="Stance Desk",
        summary="Stance of news statements toward foreign forces in Ukraine, and their outlook.",
        version=version("stance-desk"),
        redoc_url=None,
        redirect_slashes=False,
        lifespan=watching,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it would look for exporters at each request
    )
    app.state.live = live
    app.state.engine = engine
    app.state.store = store
    app.state.queue = Queue(database)
    app.state.keyring = keyring
    app.state.settings = settings
    problems.install(app)
    guarded = refusals(401, 429, 503) if keyring.keys else refusals(503)
    for noun in (predict, analyze, bulk, model, v2):  # what is asked most first, for routes are tried in their order
        app.include_router(noun.router, dependencies=[Depends(may("predict"))], responses=guarded)
    app.include_router(health.router)
    app.include_router(v2.health)
    for noun in (feedback, review, predictions):
        app.include_router(noun.router, dependencies=[Depends(may("annotate"))], responses=guarded)
    if keyring.has("admin") or not keyring.keys:  # who works alone, without keys, trains with his corrections too
        for router in (metrics.router, drift.router, feedback.export):
            app.include_router(router, dependencies=[Depends(may("admin"))], responses=guarded)
    if keyring.has("admin"):
        app.include_router(admin.router, dependencies=[Depends(may("admin"))], responses=guarded)
    page.install(app)
    app.openapi = Document(app, live, bool(keyring.keys))  # type: ignore[method-assign]  # the framework's own way
    app.add_middleware(problems.BodyLimit, most=settings.max_body_bytes, larger={bulk.PATH: settings.max_bulk_bytes})
    app.add_middleware(Crowd, most=settings.max_requests)
    app.add_middleware(Hosts, allowed=[name.strip() for name in settings.allowed_hosts.split(",")])
    app.add_middleware(AccessLog)
    return app
