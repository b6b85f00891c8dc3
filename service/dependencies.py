"""What routes ask for: the served bundle, the settings, what is stored and who asks.

None of it waits, yet all of it is async: FastAPI hands plain functions over to a thread, each for a tenth of a
millisecond and more.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request

from models.bundle import Bundle
from models.errors import RequestError
from models.stance import Prediction
from service.engine import Engine
from service.keys import Key, may
from service.live import Live
from service.settings import Settings
from service.shadow import Shadow
from service.storage.queue import Queue
from service.storage.store import Store
from service.wire import Name


async def _live(request: Request) -> Live:
    live = request.app.state.live
    assert isinstance(live, Live)
    return live


LiveDep = Annotated[Live, Depends(_live)]


async def _bundle(live: LiveDep) -> Bundle:
    return live.bundle


async def _shadow(live: LiveDep) -> Shadow | None:
    return live.shadow


async def _settings(request: Request) -> Settings:
    settings = request.app.state.settings
    assert isinstance(settings, Settings)
    return settings


async def _engine(request: Request) -> Engine:
    engine = request.app.state.engine
    assert isinstance(engine, Engine)
    return engine


async def _store(request: Request) -> Store:
    store = request.app.state.store
    assert isinstance(store, Store)
    return store


async def _queue(request: Request) -> Queue:
    queue = request.app.state.queue
    assert isinstance(queue, Queue)
    return queue


EngineDep = Annotated[Engine, Depends(_engine)]
BundleDep = Annotated[Bundle, Depends(_bundle)]
ShadowDep = Annotated[Shadow | None, Depends(_shadow)]
SettingsDep = Annotated[Settings, Depends(_settings)]
StoreDep = Annotated[Store, Depends(_store)]
QueueDep = Annotated[Queue, Depends(_queue)]
AnnotateKey = Annotated[Key | None, Depends(may("annotate"))]


def named(key: Key | None, said: str | None) -> str:
    """Return who asks: the name of the key, without keys what he says, empty where he says nothing."""
    return key.name if key else said or ""


@dataclass(frozen=True, slots=True)
class Desk:
    """Hold what answers a request: the bundle that served when it came, to its end, and whoever is told of answers."""

    bundle: Bundle
    settings: Settings
    engine: Engine
    shadow: Shadow | None
    store: Store
    key: Key | None

    async def answer(
        self, texts: Sequence[str], explain: bool, stored: bool
    ) -> tuple[list[Prediction], Sequence[str | None]]:
        """Return the predictions of texts and the ids under which they are stored, where that is asked for.

        Raises:
            RequestError: the deadline passed before all texts were answered.
            ExplainUnavailable: an explanation is asked of a model that has none to give.
            DatabaseError: they cannot be stored.
        """
        found = await self.engine.predict(self.bundle, texts, explain, self.settings.deadline_seconds)
        if self.shadow:
            self.shadow.notice(self.engine, texts, found)
        if not stored:
            return found, [None] * len(texts)
        version, name = self.bundle.manifest.version, named(self.key, None)
        return found, await asyncio.to_thread(self.store.keep, name, version, texts, found)


async def _desk(request: Request) -> Desk:
    # One dependency of its own: FastAPI takes some 20 microseconds to resolve each. So the key that the router asked
    # for is taken from where that left it.
    live = await _live(request)
    key = getattr(request.state, "key", None)
    assert key is None or isinstance(key, Key)
    return Desk(live.bundle, await _settings(request), await _engine(request), live.shadow, await _store(request), key)


DeskDep = Annotated[Desk, Depends(_desk)]


async def _annotator(
    key: AnnotateKey,
    annotator: Annotated[Name | None, Query(description="Who labels, where the service has no keys.")] = None,
) -> str:
    return named(key, annotator)


AnnotatorDep = Annotated[str, Depends(_annotator)]


async def _owner(key: AnnotateKey) -> str | None:
    return None if key is None or key.role == "admin" else key.name


OwnerDep = Annotated[str | None, Depends(_owner)]
"""Whose rows alone may be deleted; None for an administrator, and where there are no keys: anybody's."""


def bounded(text: str, pointer: str, limit: int) -> str:
    """Return a text that is within its limit of characters.

    Raises:
        RequestError: it is longer.
    """
    if len(text) > limit:
        detail = f"{pointer}: {len(text)} characters, at most {limit} are taken; send it in parts"
        raise RequestError(422, "text_too_long", detail)
    return text


def bounded_texts(texts: Sequence[str], pointer: str, settings: Settings) -> list[str]:
    """Return texts that are within the limits of a request, in number and each in length.

    Raises:
        RequestError: there are more, or one is longer.
    """
    if len(texts) > settings.max_texts:
        detail = f"{pointer}: {len(texts)} texts, at most {settings.max_texts} are taken; send several requests"
        raise RequestError(422, "too_many_texts", detail)
    return [bounded(text, f"{pointer}/{i}", settings.max_characters) for i, text in enumerate(texts)]
