"""The bundle that is being served, and the watch over ``current``."""

import asyncio
from pathlib import Path

import structlog

from models.bundle import Bundle, load_bundle, serving
from models.errors import BundleError
from models.language import load as load_languages
from service.settings import Settings

log = structlog.get_logger()


class Live:
    """Hold the served bundle in one reference; a request takes it once and keeps it to its end.

    Raises:
        BundleError: at the start, where there is no sound bundle to serve.
    """

    def __init__(self, settings: Settings) -> None:
        load_languages()
        self._settings = settings
        self._place = self._chosen()
        self.bundle: Bundle = load_bundle(self._place)
        self.fault: str | None = None
        """Code of the error that keeps a newer choice from being served."""

    def _chosen(self) -> Path:
        return self._settings.bundle or serving(self._settings.store)

    async def watch(self) -> None:
        """Serve what ``current`` says, looking at it every few seconds, for ever."""
        while True:
            await asyncio.sleep(self._settings.reload_seconds)
            await self._look()

    async def _look(self) -> None:
        try:
            place = self._chosen()
            if place == self._place:
                return
            self._place = place  # a bad bundle is tried once, not every few seconds
            self.bundle = await asyncio.to_thread(load_bundle, place)
        except BundleError as error:
            if error.code != self.fault:
                log.error("reload_refused", code=error.code, detail=str(error), serving=self.bundle.manifest.version)
            self.fault = error.code
        else:
            self.fault = None
            log.info("reloaded", version=self.bundle.manifest.version)
