import os
import re
import socket
from collections.abc import Callable

import httpx
import pytest

from models.errors import KeysError, RequestError
from service.keys import ROLES, Keyring, new_key
from tests.conftest import ROOT, Fitted, run
from tests.service.test_problems import refused

README = (ROOT / "README.md").read_text("utf-8")
TEXT = {"text": "Soldiers stay at home, the minister said."}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def secrets() -> dict[str, tuple[str, str]]:
    return {role: new_key(f"{role}-desk", role) for role in ("predict", "annotate", "admin")}


@pytest.fixture(scope="module")
def keyed(fitted: Fitted, serve: Callable[..., str], secrets: dict[str, tuple[str, str]]) -> str:
    entries = ", ".join(entry for _, entry in secrets.values())
    return serve({"STANCE_STORE": str(fitted.store), "STANCE_API_KEYS": entries})


def test_a_route_asks_for_a_key_and_says_so(keyed: str, secrets: dict[str, tuple[str, str]]) -> None:
    for headers, code in (
        ({}, "key_missing"),
        (bearer("nonsense"), "key_unknown"),
        ({"Authorization": "Basic x"}, "key_missing"),
    ):
        answer = httpx.post(f"{keyed}/v1/predict", json=TEXT, headers=headers)
        refused(answer, 401, code)
        assert answer.headers["www-authenticate"] == "Bearer"
    for role in secrets:
        assert httpx.post(f"{keyed}/v1/predict", json=TEXT, headers=bearer(secrets[role][0])).status_code == 200
    for path in ("/livez", "/readyz", "/docs"):
        assert httpx.get(keyed + path).status_code == 200
    refused(httpx.get(f"{keyed}/v1/model"), 401, "key_missing")


def test_a_role_that_is_too_low_is_refused(keyed: str, secrets: dict[str, tuple[str, str]]) -> None:
    for role in ("predict", "annotate"):
        refused(httpx.post(f"{keyed}/v1/admin/reload", headers=bearer(secrets[role][0])), 403, "role_too_low")
    answer = httpx.post(f"{keyed}/v1/admin/reload", headers=bearer(secrets["admin"][0]))
    assert answer.json()["reload_fault"] is None


def head(url: str, path: str, kind: str, secret: str | None) -> str:
    """Send the head of a request, never its body; return what is answered to that."""
    address = httpx.URL(url)
    key = f"Authorization: Bearer {secret}\r\n" if secret else ""
    with socket.create_connection((address.host, address.port or 80), timeout=60) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {address.host}\r\n{key}"
            f"Content-Type: {kind}\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n".encode()
        )
        return connection.makefile().read()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/predict", "application/json"),
        ("/v1/analyze", "application/json"),
        ("/v1/feedback", "application/json"),
        ("/v2/models/stance/infer", "application/json"),
        ("/v1/predict/bulk", "text/csv"),
    ],
)
def test_a_key_is_checked_before_any_of_the_body_has_come(
    keyed: str, secrets: dict[str, tuple[str, str]], path: str, kind: str
) -> None:
    for secret, code in ((None, "key_missing"), ("nonsense", "key_unknown")):
        answer = head(keyed, path, kind, secret)
        assert answer.startswith("HTTP/1.1 401 ")
        assert f'"code":"{code}"' in answer
    if path == "/v1/feedback":
        assert head(keyed, path, kind, secrets["predict"][0]).startswith("HTTP/1.1 403 ")


def test_a_large_body_without_a_key_is_refused_and_its_connection_goes_on(
    keyed: str, secrets: dict[str, tuple[str, str]]
) -> None:
    with httpx.Client(base_url=keyed, timeout=30) as client:
        for _ in range(3):
            refused(client.post("/v1/predict", json={"text": "a" * 5_000_000}), 401, "key_missing")
            assert client.post("/v1/predict", json=TEXT, headers=bearer(secrets["predict"][0])).status_code == 200


def test_every_route_is_documented_with_the_role_that_it_asks_for(
    keyed: str, secrets: dict[str, tuple[str, str]]
) -> None:
    documented = {
        route: role
        for routes, role in re.findall(r"^\| (`.*?`) \| (predict|annotate|admin|nobody's) \|", README, re.MULTILINE)
        for route in re.findall(r"`([A-Z]+ /\S*)`", routes)
    }
    paths = httpx.get(f"{keyed}/openapi.json").json()["paths"]
    assert set(documented) == {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    for route, role in documented.items():
        method, path = route.replace("{id}", "1").split(" ")
        if role != "nobody's":
            refused(httpx.request(method, keyed + path), 401, "key_missing")
        for own, (secret, _) in secrets.items():
            answer = httpx.request(method, keyed + path, headers=bearer(secret))
            lower = role in ROLES and ROLES.index(own) < ROLES.index(role)
            assert (answer.status_code == 403) == lower, f"{route} with {own}"


def test_without_an_admin_key_there_is_no_admin_route(client: httpx.Client) -> None:
    refused(client.post("/v1/admin/reload"), 404, "not_found")


def test_a_key_that_asks_too_often_is_told_when_to_come_again(fitted: Fitted, serve: Callable[..., str]) -> None:
    secret, entry = new_key("script", "predict")
    other, other_entry = new_key("person", "predict")
    url = serve(
        {"STANCE_STORE": str(fitted.store), "STANCE_API_KEYS": f"{entry},{other_entry}", "STANCE_RATE": "3/hour"}
    )
    answers = [httpx.post(f"{url}/v1/predict", json=TEXT, headers=bearer(secret)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused(answers[3], 429, "rate_exceeded")
    assert head(url, "/v1/predict", "application/json", secret).startswith("HTTP/1.1 429 ")
    assert 3000 < int(answers[3].headers["retry-after"]) <= 3600
    assert httpx.post(f"{url}/v1/predict", json=TEXT, headers=bearer(other)).status_code == 200


def test_the_command_makes_a_key_that_lets_in() -> None:
    printed = run("service", "key", "newsroom", "annotate")
    assert printed.returncode == 0, printed.stderr
    found = re.search(r"key, shown only now: +(\S+)\nentry for STANCE_API_KEYS: +(\S+)\n", printed.stdout)
    assert found
    secret, entry = found.groups()
    assert len(secret) == 43  # 256 bits
    key = Keyring(entry, "1/second").find(secret)
    assert key is not None
    assert (key.name, key.role) == ("newsroom", "annotate")
    assert secret not in entry
    assert run("service", "key", "News Room", "annotate").returncode == 1
    assert run("service", "key", "newsroom", "queen").returncode == 2


@pytest.mark.parametrize(
    ("entries", "rate", "told"),
    [
        ("desk:predict:123", "1/second", "name:role:sha256"),
        ("desk:queen:" + "0" * 64, "1/second", "name:role:sha256"),
        ("desk:predict:" + "0" * 64 + ",desk:admin:" + "1" * 64, "1/second", "desk stands twice"),
        ("", "often", "write it as 600/minute"),
        ("", "0/minute", "write it as 600/minute"),
        ("", "10/second;600/hour", "write it as 600/minute"),
        ("", f"{'9' * 30}/day", "write it as 600/minute"),
    ],
)
def test_keys_and_rates_that_are_not_of_their_form_are_refused_without_a_digest(
    entries: str, rate: str, told: str
) -> None:
    with pytest.raises(KeysError, match=told) as raised:
        Keyring(entries, rate)
    assert "0000" not in str(raised.value)


def test_the_count_of_one_key_is_not_that_of_another() -> None:
    ring = Keyring(",".join(new_key(name, "predict")[1] for name in ("one", "two")), "1/hour")
    one, two = ring.keys
    ring.count(one)
    ring.count(two)
    with pytest.raises(RequestError) as raised:
        ring.count(one)
    assert raised.value.code == "rate_exceeded"


def test_a_public_address_needs_keys(fitted: Fitted) -> None:
    printed = run("service", env={**os.environ, **fitted.env, "STANCE_HOST": "0.0.0.0", "STANCE_PORT": "0"})
    assert printed.returncode == 1
    assert "set STANCE_API_KEYS first" in printed.stderr
    bad = run("service", env={**os.environ, **fitted.env, "STANCE_API_KEYS": "desk:predict:123", "STANCE_PORT": "0"})
    assert bad.returncode == 1
    assert "name:role:sha256" in bad.stderr
