import asyncio
import json
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle import Bundle
from service.app import create_app
from service.logs import LEFT, request_id, trace_id
from service.settings import Settings
from tests.service.conftest import SECRETS, Desk
from tests.service.test_problems import refused

NEW = re.compile(r"[0-9a-f]{32}")
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TEXT = {"text": "Soldiers stay at home, the minister said."}


@pytest.fixture(scope="module")
def logged(
    bundle: Bundle, tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., str]
) -> tuple[str, Callable[[str], dict[str, Any]]]:
    """A service, and what finds the line of a request by its name."""
    log: Path = tmp_path_factory.mktemp("logged") / "log"
    return serve({"STANCE_BUNDLE": str(bundle.path)}, log), partial(line_of, log)


def line_of(log: Path, name: str) -> dict[str, Any]:
    """Return the line of a request in a log."""
    for _ in range(200):
        lines = [each for each in map(json.loads, log.read_text().splitlines()) if each["event"] == "request"]
        if found := [each for each in lines if each["request_id"] == name]:
            assert len(found) == 1
            return dict(found[0])
        time.sleep(0.05)
    return pytest.fail(f"{name} was never logged")


def test_a_request_bears_its_name_in_the_answer_and_in_the_log(logged: tuple[str, Callable[[str], Any]]) -> None:
    url, line = logged
    sent = httpx.post(f"{url}/v1/predict", json=TEXT, headers={"X-Request-ID": "order-7.a_B"})
    assert sent.headers.get_list("x-request-id") == ["order-7.a_B"]
    assert line("order-7.a_B")["route"] == "/v1/predict"
    made = [httpx.post(f"{url}/v1/predict", json=TEXT).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    assert all(NEW.fullmatch(name) for name in made)
    assert all("trace_id" not in line(name) for name in made)


@pytest.mark.parametrize("sent", ["", "a b", "a" * 65, "<script>", '"'])
def test_a_name_that_is_no_token_is_replaced(logged: tuple[str, Callable[[str], Any]], sent: str) -> None:
    url, line = logged
    name = httpx.get(f"{url}/livez", headers={"X-Request-ID": sent}).headers["x-request-id"]
    assert NEW.fullmatch(name)
    assert line(name)["status"] == 200


def test_the_line_names_the_key_that_asked_and_never_its_secret(
    locked: Desk, as_: Callable[[str], httpx.Client]
) -> None:
    log = locked.file.with_name("log")
    for name, status in (("desk", 403), ("anna", 422)):
        answer = as_(name).post("/v1/feedback", json={})
        assert answer.status_code == status
        assert line_of(log, answer.headers["x-request-id"])["key"] == name
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = httpx.post(f"{locked.url}/v1/feedback", json={}, headers=headers)
        assert "key" not in line_of(log, answer.headers["x-request-id"])
    written = log.read_text()
    assert "nonsense" not in written
    assert not any(secret in written or entry in written for secret, entry in SECRETS.values())


def test_without_keys_a_line_names_none(logged: tuple[str, Callable[[str], Any]]) -> None:
    url, line = logged
    assert "key" not in line(httpx.post(f"{url}/v1/predict", json=TEXT).headers["x-request-id"])


def test_errors_bear_a_name_as_well(logged: tuple[str, Callable[[str], Any]]) -> None:
    url, line = logged
    for answer in (
        httpx.post(f"{url}/v1/predict", json={}),
        httpx.post(f"{url}/v1/predict", content=b"{", headers={"Content-Type": "application/json"}),
        httpx.get(f"{url}/nothing"),
        httpx.get(f"{url}/v1/predict"),
        httpx.get(f"{url}/livez", headers={"Host": "evil.example"}),
        httpx.post(f"{url}/v1/predict", content=b" " * (Settings().max_body_bytes + 1)),
    ):
        assert answer.status_code >= 400
        assert line(answer.headers["x-request-id"])["status"] == answer.status_code


def test_a_failure_of_the_service_bears_the_name_that_is_logged(bundle: Bundle) -> None:
    app = create_app(Settings(bundle=bundle.path))
    app.state.engine = None

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/v1/predict", json=TEXT, headers={"X-Request-ID": "seven"})

    answer = asyncio.run(ask())
    refused(answer, 500, "internal_error")
    assert answer.headers.get_list("x-request-id") == ["seven"]


def test_the_trace_of_a_caller_is_logged(logged: tuple[str, Callable[[str], Any]]) -> None:
    url, line = logged
    for sent, trace in ((f"00-{TRACE}-{PARENT}-01", TRACE), (f"00-{TRACE}-{PARENT}", None)):
        name = httpx.get(f"{url}/livez", headers={"traceparent": sent}).headers["x-request-id"]
        assert line(name).get("trace_id") == trace


@pytest.mark.parametrize(
    ("sent", "trace"),
    [
        ([f"00-{TRACE}-{PARENT}-00"], TRACE),
        ([f"01-{TRACE}-{PARENT}-01"], TRACE),
        ([f"01-{TRACE}-{PARENT}-01-what-comes-later"], TRACE),
        ([f"00-{TRACE}-{PARENT}-01-more"], None),
        ([f"01-{TRACE}-{PARENT}-01more"], None),
        ([f"ff-{TRACE}-{PARENT}-01"], None),
        ([f"00-{TRACE.upper()}-{PARENT}-01"], None),
        ([f"00-{'0' * 32}-{PARENT}-01"], None),
        ([f"00-{TRACE}-{'0' * 16}-01"], None),
        ([f"00-{TRACE}-{PARENT}-1"], None),
        ([f" 00-{TRACE}-{PARENT}-01"], None),
        ([f"00-{TRACE}-{PARENT}-01"] * 2, None),
        ([""], None),
        ([], None),
    ],
)
def test_a_traceparent_is_taken_in_its_form_only(sent: list[str], trace: str | None) -> None:
    assert trace_id(sent) == trace


@given(sent=st.text())
def test_whatever_is_sent_a_name_is_a_token(sent: str) -> None:
    assert re.fullmatch(r"[\w.-]{1,64}", request_id(sent), re.ASCII)
    assert trace_id([sent]) is None or re.fullmatch(r"[0-9a-f]{32}", trace_id([sent]) or "")


def test_a_client_that_leaves_is_no_failure_of_the_service(logged: tuple[str, Callable[[str], Any]]) -> None:
    url, line = logged
    head = {"Content-Type": "application/json", "X-Request-ID": "impatient", "Content-Length": "1000"}

    def half() -> Any:
        yield b'{"text": '
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        httpx.post(f"{url}/v1/predict", content=half(), headers=head)
    assert line("impatient")["status"] == LEFT
