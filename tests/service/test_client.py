import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from functools import cache
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.bundle import Bundle
from models.errors import ServiceError
from models.text import digest
from service.client import MAX_TEXTS, TRIES, AsyncStanceClient, StanceClient
from service.keys import new_key
from tests.conftest import Fitted, alike
from tests.service.conftest import Desk
from tests.service.test_guard import until
from tests.service.test_predict import TEXTS

ARTICLE = "Зустріч тривала три години.\n\nУкраїна не прийме чужих солдатів, сказав міністр."


class Turns:
    """Send each request to the next of some services, then to the last, as a proxy would; count them."""

    def __init__(self, *urls: str) -> None:
        super().__init__()
        self.urls = [httpx.URL(url) for url in urls]
        self.sent = 0

    def turned(self, request: httpx.Request) -> httpx.Request:
        url = self.urls[min(self.sent, len(self.urls) - 1)]
        request.url = request.url.copy_with(host=url.host, port=url.port)
        self.sent += 1
        return request


class SyncTurns(Turns, httpx.HTTPTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return super().handle_request(self.turned(request))


class AsyncTurns(Turns, httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await super().handle_async_request(self.turned(request))


Call = Callable[[Any], Any]


class Sync:
    turns = SyncTurns
    key, entry = new_key("sync", "predict")

    def __call__(self, url: str, call: Call, **options: Any) -> Any:
        with StanceClient(url, **options) as client:
            return call(client)


class Async:
    turns = AsyncTurns
    key, entry = new_key("async", "predict")

    def __call__(self, url: str, call: Call, **options: Any) -> Any:
        async def asking() -> Any:
            async with AsyncStanceClient(url, **options) as client:
                return await call(client)

        return asyncio.run(asking())


@pytest.fixture(params=[Sync, Async])
def ask(request: pytest.FixtureRequest) -> Any:
    """Do a call with a client that blocks, or with one in coroutines."""
    return request.param()


@pytest.fixture(scope="module")
def url(client: httpx.Client) -> str:
    return str(client.base_url)


@pytest.fixture(scope="module")
def keyed(fitted: Fitted, serve: Callable[..., str]) -> Callable[[str], str]:
    """Serve whoever has a key, at a rate."""
    env = {"STANCE_STORE": str(fitted.store), "STANCE_API_KEYS": f"{Sync.entry},{Async.entry}"}
    return cache(lambda rate: serve({**env, "STANCE_RATE": rate}))


@pytest.fixture(scope="module")
def narrow(fitted: Fitted, serve: Callable[..., str]) -> httpx.URL:
    """Serve one request at a time."""
    return httpx.URL(serve({"STANCE_STORE": str(fitted.store), "STANCE_MAX_REQUESTS": "1"}))


@pytest.fixture(scope="module")
def other(ngram_bundle: Bundle, serve: Callable[..., str]) -> str:
    """Serve another version."""
    return serve({"STANCE_BUNDLE": str(ngram_bundle.path)})


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[str]:
    """Serve something else: a page at the address of the model, and nothing that is posted to."""
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "model").write_text("<html>a page</html>")

    class Pages(SimpleHTTPRequestHandler):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words, directory=str(tmp_path))

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def plain(answer: Any) -> Any:
    return answer.model_dump(mode="json", exclude_none=True)


def test_answers_are_those_of_the_wire(ask: Any, client: httpx.Client, url: str) -> None:
    body: dict[str, object] = {"texts": TEXTS, "explain": True}
    found = ask(url, lambda c: c.predict(TEXTS, explain=True))
    assert alike(plain(found), client.post("/v1/predict", json=body).json())
    body = {"text": ARTICLE, "explain": False}
    assert alike(plain(ask(url, lambda c: c.analyze(ARTICLE))), client.post("/v1/analyze", json=body).json())
    assert ask(url, lambda c: c.model()).model_dump(mode="json") == client.get("/v1/model").json()


def test_what_is_stored_is_corrected_by_its_id(ask: Any, desk: Desk) -> None:
    answered = [
        ask(desk.url, lambda c: c.predict(TEXTS[:2], store=True, explain=True)).predictions,
        ask(desk.url, lambda c: c.analyze(ARTICLE, store=True)).statements,
    ]
    ids = [each.id for found in answered for each in found]
    assert len(set(ids)) == 4
    assert all(stance.words for each in answered[0] for stance in each.stances.values())
    one = ask(desk.url, lambda c: c.correct({"troops": "anti"}, id=ids[0], note="clear", annotator="anna"))
    two = ask(desk.url, lambda c: c.correct({"outlook": "neutral"}, text=ARTICLE))
    found = desk.execute("SELECT id, digest, annotator, labels, note FROM feedback ORDER BY id")
    assert found == [
        (one.id, digest(TEXTS[0]), "anna", '{"troops": "anti"}', "clear"),
        (two.id, digest(ARTICLE), "", '{"outlook": "neutral"}', None),
    ]


def test_nothing_is_stored_unless_it_is_asked_for(ask: Any, desk: Desk) -> None:
    [found] = ask(desk.url, lambda c: c.predict(TEXTS[:1])).predictions
    assert found.id is None
    assert {each.id for each in ask(desk.url, lambda c: c.analyze(ARTICLE)).statements} == {None}
    assert desk.execute("SELECT * FROM statements") == []


def test_a_correction_that_is_refused_is_raised_with_its_code(ask: Any, desk: Desk) -> None:
    for call, status, code in (
        (lambda c: c.correct({"troops": "anti"}, text=TEXTS[0], id="0" * 32), 422, "text_or_id"),
        (lambda c: c.correct({"troops": "green"}, text=TEXTS[0]), 422, "label_unknown"),
        (lambda c: c.correct({"troops": "anti"}, id="0" * 32), 404, "prediction_unknown"),
    ):
        with pytest.raises(ServiceError) as raised:
            ask(desk.url, call)
        assert (raised.value.status, raised.value.code) == (status, code)


def test_a_list_longer_than_a_request_is_answered_whole_and_in_order(ask: Any, url: str) -> None:
    texts = [f"{TEXTS[n % 3]} Пункт {n}." for n in range(MAX_TEXTS + 1)]
    transport = ask.turns(url)
    found = ask(url, lambda c: c.predict(texts), transport=transport).predictions
    assert transport.sent == 2
    assert len(found) == len(texts)
    last = ask(url, lambda c: c.predict(texts[-1:])).predictions
    assert alike(plain(found[-1]), plain(last[0]))
    assert found[-1] != found[0]


def test_what_the_service_refuses_is_raised_with_its_code(ask: Any, url: str) -> None:
    with pytest.raises(ServiceError, match=rf"^#/texts/{MAX_TEXTS}: ") as raised:
        ask(url, lambda c: c.predict([*["a"] * MAX_TEXTS, " "]))
    assert (raised.value.status, raised.value.code) == (422, "blank_text")
    with pytest.raises(ServiceError, match="at least one") as raised:
        ask(url, lambda c: c.predict([]))
    assert (raised.value.status, raised.value.code) == (422, "no_texts")
    with pytest.raises(TypeError, match="list of texts"):
        ask(url, lambda c: c.predict("Soldiers stay."))


def test_an_answer_of_something_else_is_an_error_without_what_it_says(ask: Any, foreign: str) -> None:
    for call, status in ((lambda c: c.predict(TEXTS), 501), (lambda c: c.model(), 200)):
        with pytest.raises(ServiceError, match="who answers there") as raised:
            ask(foreign, call)
        assert (raised.value.status, raised.value.code) == (status, "service_error")
        assert "page" not in str(raised.value)


def test_a_service_that_is_not_there_is_an_error_of_the_transport(ask: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    with pytest.raises(httpx.TransportError):
        ask(f"http://127.0.0.1:{port}", lambda c: c.model())


def test_a_key_lets_in_and_one_that_asks_too_often_waits(ask: Any, keyed: Callable[[str], str]) -> None:
    url = keyed("1/3 second")
    with pytest.raises(ServiceError) as raised:
        ask(url, lambda c: c.predict(TEXTS))
    assert (raised.value.status, raised.value.code) == (401, "key_missing")
    transport = ask.turns(url)
    found = ask(url, lambda c: c.predict(TEXTS[:2]), key=ask.key, max_texts=1, transport=transport)
    assert len(found.predictions) == 2
    assert transport.sent > 2


def test_who_would_wait_too_long_is_told_at_once(ask: Any, keyed: Callable[[str], str]) -> None:
    url = keyed("1/hour")
    transport = ask.turns(url)
    with pytest.raises(ServiceError) as raised:
        ask(url, lambda c: c.predict(TEXTS[:2]), key=ask.key, max_texts=1, transport=transport)
    assert (raised.value.status, raised.value.code) == (429, "rate_exceeded")
    assert raised.value.retry_after is not None
    assert raised.value.retry_after > 3000
    assert transport.sent == 2


def test_a_service_that_stays_busy_is_asked_a_few_times(ask: Any, narrow: httpx.URL) -> None:
    with socket.create_connection((narrow.host, narrow.port or 80)) as slow:
        head = f"POST /v1/predict HTTP/1.1\r\nHost: {narrow.host}\r\nContent-Type: application/json\r\n"
        slow.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        until(narrow, 503)
        transport = ask.turns(str(narrow))
        with pytest.raises(ServiceError) as raised:
            ask(str(narrow), lambda c: c.predict(TEXTS), transport=transport)
    assert (raised.value.status, raised.value.code, raised.value.retry_after) == (503, "too_busy", 1)
    assert transport.sent == TRIES


def test_an_answer_is_of_one_version_though_the_service_changes_it(
    ask: Any, url: str, bundle: Bundle, other: str
) -> None:
    transport = ask.turns(other, url)
    found = ask(url, lambda c: c.predict(TEXTS[:2]), max_texts=1, transport=transport)
    assert found.model.version == bundle.manifest.version
    assert len(found.predictions) == 2
    assert transport.sent == 4
    with pytest.raises(ServiceError) as raised:
        ask(url, lambda c: c.predict(TEXTS[:2]), max_texts=1, transport=ask.turns(*[other, url] * TRIES))
    assert raised.value.code == "version_changed"
