import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from models.bundle import Bundle
from models.encoder import BATCH
from models.errors import ExplainUnavailable, RequestError
from models.stance import Prediction
from service.engine import Engine
from service.metrics import REGISTRY

TEXTS = [
    "Уряд готовий направити миротворців, щойно сторони підпишуть угоду.",
    "Москва считает неприемлемым присутствие войск НАТО на Украине.",
    "The talks resume on Friday, a spokesman said.",
    "Да.",
]


def many(count: int) -> list[str]:
    return [f"{TEXTS[n % 4]} Пункт {n}. " + "и так далее " * (n % 7) for n in range(count)]


def with_engine(work: Callable[[Engine], Coroutine[Any, Any, None]], remembered: int = 100) -> None:
    """Do some asynchronous work with an engine and end it."""
    engine = Engine(remembered, batches=2)
    asyncio.run(work(engine))
    engine.close()


def close(one: Prediction, other: Prediction) -> bool:
    return one.language == other.language and all(
        stance.probabilities == pytest.approx(other.stances[axis].probabilities, abs=1e-5)
        for axis, stance in one.stances.items()
    )


def test_requests_that_come_together_are_answered_each_in_its_order(bundle: Bundle) -> None:
    texts = many(150)
    requests = [random.Random(n).sample(texts, 1 + n) for n in range(40)]

    async def work(engine: Engine) -> None:
        found = await asyncio.gather(
            *(engine.predict(bundle, request, n % 5 == 0) for n, request in enumerate(requests))
        )
        plain = dict(zip(texts, bundle.model.predict(texts), strict=True))
        for n, (request, predictions) in enumerate(zip(requests, found, strict=True)):
            for text, prediction in zip(request, predictions, strict=True):
                assert close(prediction, plain[text])
                assert all((stance.words is not None) == (n % 5 == 0) for stance in prediction.stances.values())
        assert engine.waiting == 0

    with_engine(work)


def test_an_answer_is_remembered_for_its_version_only(bundle: Bundle) -> None:
    other = replace(bundle, manifest=bundle.manifest.model_copy(update={"version": "another"}))

    async def work(engine: Engine) -> None:
        [one] = await engine.predict(bundle, TEXTS[:1])
        assert (await engine.predict(bundle, TEXTS[:1]))[0] is one
        assert (await engine.predict(other, TEXTS[:1]))[0] is not one
        assert (await engine.predict(bundle, TEXTS[:1], explain=True))[0] is not one
        await engine.predict(bundle, many(100))
        assert (await engine.predict(bundle, TEXTS[:1]))[0] is not one

    with_engine(work)


def test_an_explanation_which_holds_the_text_is_not_remembered(bundle: Bundle) -> None:
    async def work(engine: Engine) -> None:
        [one] = await engine.predict(bundle, TEXTS[:1], explain=True)
        [other] = await engine.predict(bundle, TEXTS[:1], explain=True)
        assert one is not other
        assert close(one, other)
        [plain] = await engine.predict(bundle, TEXTS[:1])
        assert plain.stances["troops"].words is None

    with_engine(work)


def test_many_texts_of_a_file_drive_out_nothing_and_are_not_remembered(bundle: Bundle) -> None:
    async def work(engine: Engine) -> None:
        [one] = await engine.predict(bundle, TEXTS[:1])
        found = await engine.predict(bundle, [*TEXTS[:1], *many(100)], remember=False)
        assert found[0] is one
        assert (await engine.predict(bundle, TEXTS[:1]))[0] is one
        assert (await engine.predict(bundle, many(1)))[0] is not found[1]

    with_engine(work)


def test_equal_texts_of_a_request_are_computed_once(bundle: Bundle) -> None:
    async def work(engine: Engine) -> None:
        before = REGISTRY.get_sample_value("stance_batch_texts_sum") or 0
        found = await engine.predict(bundle, [*TEXTS, *TEXTS[::-1]])
        assert REGISTRY.get_sample_value("stance_batch_texts_sum") == before + len(TEXTS)
        assert found[: len(TEXTS)] == found[: len(TEXTS) - 1 : -1]

    with_engine(work, remembered=0)


def test_what_waits_is_shared_out_among_the_batches_that_may_run(bundle: Bundle) -> None:
    async def work(engine: Engine) -> None:
        before = REGISTRY.get_sample_value("stance_batch_texts_count") or 0
        await engine.predict(bundle, many(BATCH))
        assert REGISTRY.get_sample_value("stance_batch_texts_count") == before + 2

    with_engine(work, remembered=0)


def test_nothing_is_remembered_where_no_room_is_set(bundle: Bundle) -> None:
    async def work(engine: Engine) -> None:
        assert len(await engine.predict(bundle, TEXTS)) == len(TEXTS)

    with_engine(work, remembered=0)


def test_what_is_past_its_deadline_or_cancelled_is_not_computed(bundle: Bundle) -> None:
    async def work(engine: Engine) -> None:
        with pytest.raises(RequestError) as raised:
            await engine.predict(bundle, many(40 * BATCH), deadline=0.001)
        assert raised.value.code == "deadline_exceeded"
        left = asyncio.create_task(engine.predict(bundle, many(40 * BATCH)))
        await asyncio.sleep(0)
        assert engine.waiting > 40 * BATCH
        left.cancel()
        [answer] = await engine.predict(bundle, ["Soldiers stay at home, he said."])
        assert close(answer, bundle.model.predict(["Soldiers stay at home, he said."])[0])
        assert engine.waiting == 0  # so nothing of the eighty batches is left to compute, and one text cost no wait

    with_engine(work)


def test_what_fails_fails_alone(ngram_bundle: Bundle) -> None:
    async def work(engine: Engine) -> None:
        explained = asyncio.create_task(engine.predict(ngram_bundle, TEXTS, explain=True))
        plain = await engine.predict(ngram_bundle, TEXTS)
        assert len(plain) == len(TEXTS)
        with pytest.raises(ExplainUnavailable):
            await explained

    with_engine(work)
