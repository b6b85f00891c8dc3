import socket
import time
from collections.abc import Callable

import httpx
import pytest

from tests.conftest import Fitted
from tests.service.test_problems import refused

TEXT = {"text": "Soldiers stay at home, the minister said."}


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", ""])
def test_a_call_by_another_name_is_refused(client: httpx.Client, name: str) -> None:
    refused(client.post("/v1/predict", json=TEXT, headers={"Host": name}), 421, "unknown_host")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://[::"])
def test_a_page_of_another_site_may_not_call(client: httpx.Client, origin: str) -> None:
    refused(client.post("/v1/predict", json=TEXT, headers={"Origin": origin}), 403, "foreign_origin")


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "http://LOCALHOST", "http://[::1]:9"])
def test_a_page_of_this_machine_may_call(client: httpx.Client, origin: str) -> None:
    assert client.post("/v1/predict", json=TEXT, headers={"Origin": origin}).status_code == 200


def test_names_are_a_setting(fitted: Fitted, serve: Callable[..., str]) -> None:
    url = serve({"STANCE_STORE": str(fitted.store), "STANCE_ALLOWED_HOSTS": "desk.example, 127.0.0.1, "})
    assert httpx.get(f"{url}/livez", headers={"Host": "desk.example"}).status_code == 200
    for name in ("localhost", ""):
        refused(httpx.get(f"{url}/livez", headers={"Host": name}), 421, "unknown_host")
    for origin in ("null", ""):
        refused(httpx.get(f"{url}/livez", headers={"Origin": origin}), 403, "foreign_origin")


def test_one_request_too_many_is_sent_away_and_a_client_that_leaves_makes_room(
    fitted: Fitted, serve: Callable[..., str]
) -> None:
    url = httpx.URL(serve({"STANCE_STORE": str(fitted.store), "STANCE_MAX_REQUESTS": "1"}))
    with socket.create_connection((url.host, url.port or 80)) as slow:
        slow.sendall(
            f"POST /v1/predict HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: application/json\r\n"
            'Content-Length: 1000\r\n\r\n{"text": '.encode()
        )
        answer = until(url, 503)
        refused(answer, 503, "too_busy")
        assert answer.headers["retry-after"] == "1"
        assert httpx.get(url.join("/livez")).status_code == 200
    until(url, 200)


def test_a_head_without_end_is_refused(client: httpx.Client) -> None:
    address = client.base_url
    with socket.create_connection((address.host, address.port or 80), timeout=60) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * 70_000)
        assert connection.recv(12) == b"HTTP/1.1 400"


def until(url: httpx.URL, status: int) -> httpx.Response:
    for _ in range(100):
        answer = httpx.post(url.join("/v1/predict"), json=TEXT)
        if answer.status_code == status:
            return answer
        time.sleep(0.05)
    pytest.fail(f"never answered {status}")
