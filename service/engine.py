"""Where texts become predictions: one thread runs batches; what arrives while one runs is gathered into the next."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from time import perf_counter

from cachetools import LRUCache

from models.bundle import Bundle
from models.encoder import BATCH
from models.errors import RequestError
from models.stance import Prediction
from service import metrics
from service.drift import Recent

WINDOW = 256
"""Waiting texts among which those of like length are sought: enough to pad little, few enough to look through."""
COUNTED = 64
"""Texts that are counted in one go, a millisecond or two; between them others have their turn."""
Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Hold a text that waits for its prediction."""

    bundle: Bundle
    text: str
    explain: bool
    answer: "asyncio.Future[Prediction]"
    since: float = field(default_factory=perf_counter)


class Engine:
    """Answer texts in batches of like length, ``batches`` at a time, at once when fewer run; remember answers.

    Answers are kept by a digest of the text and the version that gave them, never the text; explained ones, which hold
    it word by word, are not kept. A text whose request is gone, cancelled or past its deadline is not computed.
    """

    def __init__(self, remembered: int, batches: int) -> None:
        self._known: LRUCache[Key, Prediction] = LRUCache(remembered)
        self._waiting: dict[int, _Asked] = {}
        self._batches = batches
        self._running = 0
        self._threads = ThreadPoolExecutor(batches, "encoder")
        self.recent = Recent()
        """What was answered lately, for drift."""

    async def predict(
        self,
        bundle: Bundle,
        texts: Sequence[str],
        explain: bool = False,
        deadline: float | None = None,
        remember: bool = True,
    ) -> list[Prediction]:
        """Return one prediction a text, in order, within ``deadline`` seconds where one is set.

        Without ``remember`` what is known serves, but nothing is added: a file of many texts would drive out all else.

        Raises:
            RequestError: the deadline passed before all texts were answered.
            ExplainUnavailable: an explanation is asked of a model that has none to give.
        """
        predictions = await self.answer(bundle, texts, explain, deadline, remember)
        for at in range(0, len(texts), COUNTED):
            if at:
                await asyncio.sleep(0)
            some = slice(at, at + COUNTED)
            metrics.answered(texts[some], predictions[some])
            self.recent.add(bundle, texts[some], predictions[some])
        return predictions

    async def answer(
        self,
        bundle: Bundle,
        texts: Sequence[str],
        explain: bool = False,
        deadline: float | None = None,
        remember: bool = True,
    ) -> list[Prediction]:
        """Return what ``predict`` returns, without a trace in the metrics of labels and in drift: nobody is told."""
        keys = [_key(bundle, text) for text in texts]
        found = [None if explain else self._known.get(key) for key in keys]
        metrics.looked_up(len(texts) - found.count(None), found.count(None))
        # Texts that are equal are answered once.
        missing = {key: text for key, text, known in zip(keys, texts, found, strict=True) if known is None}
        if missing:
            futures = [self._ask(bundle, text, explain) for text in missing.values()]
            metrics.WAITING.set(self.waiting)
            try:
                async with asyncio.timeout(deadline):
                    answers = dict(zip(missing, await asyncio.gather(*futures), strict=True))
            except TimeoutError as error:
                detail = f"not answered within {deadline:g} seconds; send fewer texts, or try again later"
                raise RequestError(503, "deadline_exceeded", detail) from error
            if remember and not explain and self._known.maxsize:
                self._known.update(answers)
            found = [answers.get(key, known) for key, known in zip(keys, found, strict=True)]
        return [prediction for prediction in found if prediction is not None]

    def _ask(self, bundle: Bundle, text: str, explain: bool) -> "asyncio.Future[Prediction]":
        loop = asyncio.get_running_loop()
        asked = _Asked(bundle, text, explain, loop.create_future())
        self._waiting[id(asked)] = asked
        if len(self._waiting) == 1:  # the next turn of the loop, so that texts that come together share a batch
            loop.call_soon(self._start, loop)
        return asked.answer

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let as many batches run as may, and share out among them what waits, so that no core idles beside a batch."""
        while self._waiting and (free := self._batches - self._running) > 0:
            if batch := self._next(min(BATCH, -(-len(self._waiting) // free))):
                self._running += 1
                self._threads.submit(self._compute, loop, batch)

    def _compute(self, loop: asyncio.AbstractEventLoop, batch: list[_Asked]) -> None:
        """Predict in a thread; straight from it into the loop, for every future between costs as much as a layer."""
        began = perf_counter()
        outcomes = _outcomes(batch)
        loop.call_soon_threadsafe(self._answer, loop, batch, outcomes, perf_counter() - began)

    def _next(self, most: int) -> list[_Asked]:
        """Take the text that waits longest and those nearest to it in length, of the same version; drop who is gone."""
        window = list(islice(self._waiting.values(), WINDOW))
        for asked in window:
            if asked.answer.done():
                del self._waiting[id(asked)]
        live = [asked for asked in window if not asked.answer.done()]
        if not live:
            metrics.WAITING.set(self.waiting)
            return []
        first = live[0]
        alike = [asked for asked in live if asked.bundle is first.bundle and asked.explain == first.explain]
        batch = sorted(alike, key=lambda asked: abs(len(asked.text) - len(first.text)))[:most]
        now, queued = perf_counter(), metrics.STAGE_SECONDS.labels("queue")
        for asked in batch:
            del self._waiting[id(asked)]
            queued.observe(now - asked.since)
        metrics.WAITING.set(self.waiting)
        metrics.BATCH_TEXTS.observe(len(batch))
        return batch

    def _answer(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[_Asked],
        outcomes: list[Prediction | Exception],
        seconds: float,
    ) -> None:
        self._running -= 1
        self._start(loop)
        metrics.STAGE_SECONDS.labels("encode").observe(seconds)
        for asked, outcome in zip(batch, outcomes, strict=True):
            if asked.answer.done():  # whoever asked is gone
                continue
            if isinstance(outcome, Exception):
                asked.answer.set_exception(outcome)
            else:
                asked.answer.set_result(outcome)

    @property
    def waiting(self) -> int:
        """Return how many texts wait for their batch."""
        return len(self._waiting)

    def close(self) -> None:
        """End the threads once their batches are done."""
        self._threads.shutdown()


def _outcomes(batch: list[_Asked]) -> list[Prediction | Exception]:
    """Return a prediction a text, or the error that it met: whichever text it was, its neighbours are answered."""
    try:
        return [*batch[0].bundle.model.predict([asked.text for asked in batch], batch[0].explain)]
    except Exception as error:
        return [error] if len(batch) == 1 else [outcome for asked in batch for outcome in _outcomes([asked])]


def _key(bundle: Bundle, text: str) -> Key:
    return bundle.manifest.version, blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
