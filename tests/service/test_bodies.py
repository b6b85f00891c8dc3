import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event, get_ident

import httpx
import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from models.errors import RequestError
from service.bodies import LARGE, JsonBody, Patient
from service.wire import PredictRequest
from tests.service.test_problems import JSON, refused

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda v: st.lists(v) | st.dictionaries(st.text(st.characters()), v),
)


def request(body: bytes) -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "headers": [(b"content-type", b"application/json")]}, receive)


def texts(size: int) -> bytes:
    """Return a body of so many bytes at least."""
    text = "Переговоры продлятся до пятницы, сообщили в министерстве."
    return json.dumps({"texts": [text] * (1 + size // len(json.dumps(text)))}).encode()


def test_a_large_body_is_parsed_in_a_thread_and_a_small_one_is_not() -> None:
    read, free = JsonBody(PredictRequest), Event()

    async def work() -> None:
        with ThreadPoolExecutor(1) as only:
            asyncio.get_running_loop().set_default_executor(only)
            only.submit(free.wait)  # the one thread is taken, so what wants it stands still
            large = asyncio.create_task(read(request(texts(LARGE))))
            small = await read(request(texts(LARGE // 2)))
            assert small.texts
            assert not large.done()
            free.set()
            found = await large
            assert found.texts
            assert len(found.texts) > len(small.texts)

    asyncio.run(work())


def test_a_validator_of_a_large_body_runs_in_the_thread_too() -> None:
    threads = set()

    class Noting(PredictRequest):
        def model_post_init(self, _context: object) -> None:
            threads.add(get_ident())

    async def work() -> None:
        await JsonBody(Noting)(request(texts(LARGE)))
        assert get_ident() not in threads
        await JsonBody(Noting)(request(texts(10)))
        assert get_ident() in threads

    asyncio.run(work())


@given(value=VALUES)
def test_the_patient_decoder_reads_what_the_other_reads(value: object) -> None:
    for written in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert json.loads(written, cls=Patient) == json.loads(written) == value


@given(written=st.text(st.sampled_from('{}[]",:\\u0aeE+-. truefalsn\ud800')) | st.binary())
def test_the_patient_decoder_refuses_what_the_other_refuses(written: str | bytes) -> None:
    found: list[object] = []
    for cls in (None, Patient):
        try:
            found.append(repr(json.loads(written, cls=cls)))
        except ValueError as error:
            found.append(str(error))
    assert found[0] == found[1]


@pytest.mark.parametrize("many", [10, LARGE])
def test_faults_are_the_same_in_small_and_in_large_bodies(client: httpx.Client, many: int) -> None:
    blank = b" " * many
    for raw, status, code in (
        (b'{"text": "secret', 400, "invalid_json"),
        (b'{"text": "\xff"}', 400, "invalid_json"),
        (b'{"text": "a \\ud800 b"}', 422, "invalid_character"),
        (b'{"texts": ["", 3], "explian": true}', 422, "blank_text"),
        (b"[]", 422, "wrong_type"),
        (b"[" * 100_000, 400, "invalid_json"),
    ):
        refused(client.post("/v1/predict", content=raw + blank, headers=JSON), status, code, hides="secret")
    good = json.dumps({"text": "Soldiers stay at home, he said."}).encode()
    assert client.post("/v1/predict", content=good + blank, headers=JSON).status_code == 200


def test_nesting_without_end_is_refused_in_a_large_body_too() -> None:
    async def work() -> None:
        with pytest.raises(RequestError) as raised:
            await JsonBody(PredictRequest)(request(b"[" * LARGE))
        assert raised.value.code == "invalid_json"

    asyncio.run(work())
