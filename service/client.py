"""A client of the service, with the names of the wire; it needs the extra ``client``."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from models.errors import ServiceError
from service.problems import Problem
from service.routes.feedback import FeedbackAnswer
from service.routes.model import ModelAnswer
from service.settings import Settings
from service.wire import AnalyzeAnswer, PredictAnswer

TRIES = 4
"""Most times that one request is sent: a busy service is free in seconds, or something is wrong with it."""
LONGEST_WAIT = 60
"""Most seconds that are waited before a request is sent again; who is told to wait longer is told by an error."""
TIMEOUT = 60.0
"""Seconds that the service may be silent: more than its own deadline, so that its error is heard."""
MAX_TEXTS: int = Settings.model_fields["max_texts"].default
Form = TypeVar("Form", bound=BaseModel)


class StanceClient:
    """Ask a service: ``with StanceClient(address) as client``.

    ``key`` is the secret of a key, ``timeout`` in seconds, ``max_texts`` the service's most texts a request: a longer
    list goes in several. Where the service answers 429 or 503 with Retry-After, the client waits and asks again.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        timeout: float = TIMEOUT,
        max_texts: int = MAX_TEXTS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=base_url, headers=_headers(key), timeout=timeout, transport=transport)
        self._max_texts = max_texts

    def predict(self, texts: Sequence[str], explain: bool = False, store: bool = False) -> PredictAnswer:
        """Classify texts on every axis: one prediction a text, in order, all by one version of the model.

        ``store`` keeps them for review and correction, each under its ``id``; of a list that had to be asked for again
        because the version changed, what the first version answered stays stored too.

        Raises:
            ServiceError: the service refused or failed, or its version changed again and again in between.
            httpx.TransportError: the service cannot be reached or was silent for too long.
        """
        starts, bodies = _bodies(texts, explain, store, self._max_texts)
        for _ in range(TRIES):
            answers = [
                self._ask(PredictAnswer, "POST", "/v1/predict", body, start)
                for start, body in zip(starts, bodies, strict=True)
            ]
            if len({answer.model.version for answer in answers}) == 1:
                return _joined(answers)
        raise _changing()

    def analyze(self, text: str, explain: bool = False, store: bool = False) -> AnalyzeAnswer:
        """Split an article into statements and classify each; raises what ``predict`` raises."""
        return self._ask(AnalyzeAnswer, "POST", "/v1/analyze", {"text": text, "explain": explain, "store": store})

    def correct(
        self,
        labels: Mapping[str, str],
        text: str | None = None,
        id: str | None = None,  # noqa: A002 (the wire's name)
        note: str | None = None,
        annotator: str | None = None,
    ) -> FeedbackAnswer:
        """Say what the labels of a text should be, by axis: of ``text``, or of a stored prediction by its ``id``.

        With keys the annotator is the key's name. Once this returns the correction is stored; raises what ``predict``
        raises.
        """
        return self._ask(FeedbackAnswer, "POST", "/v1/feedback", _correction(labels, text, id, note, annotator))

    def model(self) -> ModelAnswer:
        """Describe the served model; raises what ``predict`` raises."""
        return self._ask(ModelAnswer, "GET", "/v1/model")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, form: type[Form], method: str, path: str, body: Any = None, start: int = 0) -> Form:
        tried = 1
        while wait := _wait(response := self._http.request(method, path, json=body), tried):
            time.sleep(wait)
            tried += 1
        return _read(form, response, start)


class AsyncStanceClient:
    """Ask a service as ``StanceClient`` does, in coroutines: ``async with AsyncStanceClient(address) as client``."""

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        timeout: float = TIMEOUT,
        max_texts: int = MAX_TEXTS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, headers=_headers(key), timeout=timeout, transport=transport)
        self._max_texts = max_texts

    async def predict(self, texts: Sequence[str], explain: bool = False, store: bool = False) -> PredictAnswer:
        """Classify texts as ``StanceClient.predict`` does."""
        starts, bodies = _bodies(texts, explain, store, self._max_texts)
        for _ in range(TRIES):
            answers = [
                await self._ask(PredictAnswer, "POST", "/v1/predict", body, start)
                for start, body in zip(starts, bodies, strict=True)
            ]
            if len({answer.model.version for answer in answers}) == 1:
                return _joined(answers)
        raise _changing()

    async def analyze(self, text: str, explain: bool = False, store: bool = False) -> AnalyzeAnswer:
        """Split an article into statements and classify each."""
        body = {"text": text, "explain": explain, "store": store}
        return await self._ask(AnalyzeAnswer, "POST", "/v1/analyze", body)

    async def correct(
        self,
        labels: Mapping[str, str],
        text: str | None = None,
        id: str | None = None,  # noqa: A002 (the wire's name)
        note: str | None = None,
        annotator: str | None = None,
    ) -> FeedbackAnswer:
        """Correct labels as ``StanceClient.correct`` does."""
        return await self._ask(FeedbackAnswer, "POST", "/v1/feedback", _correction(labels, text, id, note, annotator))

    async def model(self) -> ModelAnswer:
        """Describe the served model."""
        return await self._ask(ModelAnswer, "GET", "/v1/model")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, form: type[Form], method: str, path: str, body: Any = None, start: int = 0) -> Form:
        tried = 1
        while wait := _wait(response := await self._http.request(method, path, json=body), tried):
            await asyncio.sleep(wait)
            tried += 1
        return _read(form, response, start)


def _headers(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _bodies(texts: Sequence[str], explain: bool, store: bool, most: int) -> tuple[Sequence[int], list[dict[str, Any]]]:
    """Cut a list into requests; return where each begins, and its body."""
    if isinstance(texts, str):  # a sequence of texts too, each of one character
        raise TypeError("predict takes a list of texts; put a single one in a list")
    starts = range(0, max(1, len(texts)), most)  # an empty list goes too: the service says what is wrong with it
    asked = {"explain": explain, "store": store}
    return starts, [{"texts": list(texts[start : start + most]), **asked} for start in starts]


def _correction(
    labels: Mapping[str, str], text: str | None, stored: str | None, note: str | None, annotator: str | None
) -> dict[str, Any]:
    return {"labels": dict(labels), "text": text, "id": stored, "note": note, "annotator": annotator}


def _joined(answers: Sequence[PredictAnswer]) -> PredictAnswer:
    return PredictAnswer(model=answers[0].model, predictions=[p for answer in answers for p in answer.predictions])


def _changing() -> ServiceError:
    detail = "requests for parts of the list were answered by different versions of the model, again and again"
    return ServiceError(200, "version_changed", detail)


def _wait(response: httpx.Response, tried: int) -> int:
    """Return the seconds after which a request is to be sent again, 0 where it is not."""
    told = _retry_after(response)
    if told is None or response.status_code not in (429, 503) or tried == TRIES or told > LONGEST_WAIT:
        return 0
    return max(1, told)


def _retry_after(response: httpx.Response) -> int | None:
    told = response.headers.get("Retry-After", "")
    return int(told) if re.fullmatch(r"[0-9]{1,9}", told) else None


def _read(form: type[Form], response: httpx.Response, start: int) -> Form:
    """Return an answer in its form; a place in the texts that an error names counts from the start of the list."""
    try:
        if response.is_success:
            return form.model_validate_json(response.content)
        problem = Problem.model_validate_json(response.content)
    except ValidationError as error:
        detail = f"{response.status_code} {response.reason_phrase}, not in the form of this service; who answers there?"
        raise ServiceError(response.status_code, ServiceError.code, detail, _retry_after(response)) from error
    detail = re.sub(r"^#/texts/([0-9]+)", lambda place: f"#/texts/{int(place[1]) + start}", problem.detail)
    raise ServiceError(response.status_code, problem.code, detail, _retry_after(response))
