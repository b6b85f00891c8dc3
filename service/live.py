"""The bundle that is being served, and the watch over ``current``."""

import asyncio
from pathlib import Path
from typing import Any
from weakref import ref

import structlog

from models.bundle import Bundle, load_bundle, serving
from models.errors import StanceError
from models.language import load as load_languages
from service import metrics
from service.memory import give_back, pool
from service.settings import Settings
from service.shadow import Shadow

log = structlog.get_logger()

State = tuple[Path, tuple[tuple[object, ...], ...]]


class Live:
    """Hold the served bundle in one reference; a request takes it once and keeps it to its end.

    Raises:
        BundleError: at the start, where there is no sound bundle to serve.
    """

    def __init__(self, settings: Settings) -> None:
        pool()
        load_languages()
        self._settings = settings
        place = self._chosen().resolve()
        self._served = _state(place)
        self._refused: State | None = None
        self.bundle: Bundle = load_bundle(place, settings.threads)
        metrics.MODEL.labels(self.bundle.manifest.version).set(1)
        self._left: ref[Any] | None = None
        self._looking = asyncio.Lock()
        self.shadow = self._challenger()
        give_back()
        self.fault: str | None = None
        """Code of the error that keeps a newer choice from being served."""

    def _challenger(self) -> Shadow | None:
        if not self._settings.shadow:
            return None
        version, share = self._settings.shadow.split(":")
        return Shadow(load_bundle(self._settings.store / version, self._settings.threads), float(share))

    def _chosen(self) -> Path:
        return self._settings.bundle or serving(self._settings.store)

    async def watch(self) -> None:
        """Serve what ``current`` says, looking at it every few seconds, for ever."""
        while True:
            await asyncio.sleep(self._settings.reload_seconds)
            async with self._looking:
                await self._look()

    async def look(self) -> None:
        """Serve what is chosen now; where it is not sound, what serves goes on and ``fault`` says why."""
        async with self._looking:
            self._refused = None
            await self._look()

    async def _look(self) -> None:
        state: State | None = None
        try:
            place = self._chosen().resolve()
            state = _state(place)
            if state == self._refused:  # to load it takes seconds, and it is as it was
                return
            if state != self._served:
                before = self.bundle.manifest.version
                await asyncio.to_thread(self._exchange, place)
                self._served = state
                version = self.bundle.manifest.version
                metrics.MODEL.labels(before).set(0)
                metrics.MODEL.labels(version).set(1)
                metrics.RELOADS.labels("done").inc()
                log.info("reloaded", version=version)
            elif self._left and self._left() is None:  # the last request that held it is answered
                self._left = None
                await asyncio.to_thread(give_back)
            self.fault = self._refused = None
        except Exception as error:  # whatever is wrong with a new choice, what serves goes on and the watch with it
            code = error.code if isinstance(error, StanceError) else "internal_error"
            metrics.RELOADS.labels(code).inc()
            if code != self.fault:
                version = self.bundle.manifest.version
                log.error("reload_refused", code=code, detail=f"{type(error).__name__}: {error}", serving=version)
            self.fault, self._refused = code, state

    def _exchange(self, place: Path) -> None:
        """Serve the bundle in a folder; off the event loop, for freeing the one before takes a tenth of a second."""
        loaded = load_bundle(place, self._settings.threads)
        self._left, self.bundle = ref(self.bundle.model.heads.features), loaded
        give_back()


def _state(place: Path) -> State:
    """Return what tells whether a bundle is another than before, or the same one mended, without reading it."""
    files = [place, *sorted(place.iterdir())] if place.is_dir() else []
    found = [(file.name, file.lstat()) for file in files]
    return place, tuple((n, s.st_ino, s.st_mtime_ns, s.st_size, s.st_mode, s.st_uid) for n, s in found)
