"""A challenger that answers a share of the requests unseen, so that its agreement with what serves is known before."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import random

import structlog

from models.bundle import Bundle
from models.stance import Prediction
from service.engine import Engine

log = structlog.get_logger()


class Shadow:
    """Answer a ``share`` of the requests with a challenger, after they were answered, and count per axis who agrees.

    One request at a time: what comes meanwhile is passed over, so that a challenger costs what serves no more than one
    batch of waiting.
    """

    def __init__(self, bundle: Bundle, share: float) -> None:
        self.bundle = bundle
        self.share = share
        self.compared: Counter[str] = Counter()
        self.agreed: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    def notice(self, engine: Engine, texts: Sequence[str], predictions: Sequence[Prediction]) -> None:
        """Let the challenger answer texts that were answered, where the request falls into the share."""
        if random() < self.share and (self._task is None or self._task.done()):  # noqa: S311 (a sample, no secret)
            self._task = asyncio.create_task(self._compare(engine, list(texts), list(predictions)))

    async def _compare(self, engine: Engine, texts: list[str], served: list[Prediction]) -> None:
        try:
            found = await engine.answer(self.bundle, texts)
        except Exception as error:  # a challenger that fails is no concern of who was answered
            log.error("shadow_failed", detail=type(error).__name__)
            return
        for one, other in zip(served, found, strict=True):
            for axis in one.stances.keys() & other.stances.keys():
                self.compared[axis] += 1
                self.agreed[axis] += one.stances[axis].label == other.stances[axis].label

    def agreement(self) -> dict[str, float]:
        """Return per axis the share of texts on which both gave the same label."""
        return {axis: round(self.agreed[axis] / count, 4) for axis, count in sorted(self.compared.items())}
