import json
import socket
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.settings import Settings

JSON = {"Content-Type": "application/json"}
LIMITS = Settings()


def refused(answer: httpx.Response, status: int, code: str, *, hides: str = "") -> dict[str, Any]:
    """Hold an answer against the one shape that every error has."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "code", "detail"} <= set(body)
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]
    assert "Traceback" not in answer.text
    assert not hides or hides not in answer.text
    return body


BODIES = [
    ({"text": ""}, "blank_text", "#/text"),
    ({"text": " \t\n\u00a0"}, "blank_text", "#/text"),
    ({"texts": ["Soldiers stay.", ""]}, "blank_text", "#/texts/1"),
    ({"text": "a\x00b"}, "invalid_character", "#/text"),
    ({"text": None}, "text_or_texts", "#"),
    ({"text": 7}, "wrong_type", "#/text"),
    ({"text": ["a"]}, "wrong_type", "#/text"),
    ({"texts": "a"}, "wrong_type", "#/texts"),
    ({"texts": [1]}, "wrong_type", "#/texts/0"),
    ({"texts": []}, "no_texts", "#"),
    ({"text": "a", "texts": ["b"]}, "text_or_texts", "#"),
    ({}, "text_or_texts", "#"),
    ({"text": "a b c", "explian": True}, "unknown_field", "#/explian"),
    ({"text": "a b c", "store": 1}, "wrong_type", "#/store"),
    ([], "wrong_type", "#"),
    ("text", "wrong_type", "#"),
]


@pytest.mark.parametrize(("body", "code", "pointer"), BODIES)
def test_a_faulty_body_is_named_by_code_and_place(client: httpx.Client, body: object, code: str, pointer: str) -> None:
    found = refused(client.post("/v1/predict", json=body), 422, code)
    assert found["errors"][0]["pointer"] == pointer
    assert found["detail"].startswith(f"{pointer}: ")


def test_faults_of_several_fields_are_reported_at_once(client: httpx.Client) -> None:
    body = {"texts": ["", 3], "explian": True}
    found = refused(client.post("/v1/predict", json=body), 422, "blank_text")
    assert {error["code"] for error in found["errors"]} == {"blank_text", "unknown_field"}


@pytest.mark.parametrize(
    "body",
    [{"texts": [""] * 100_000}, {"texts": [1] * 100_000}, {f"k{n}": n for n in range(100_000)}, {"text": {"a": "b"}}],
)
def test_an_answer_does_not_grow_with_a_faulty_request(client: httpx.Client, body: object) -> None:
    for path in ("/v1/predict", "/v1/analyze", "/v1/feedback"):
        answer = client.post(path, json=body)
        refused(answer, 422, answer.json()["code"])
        assert len(answer.content) < 2_000


@pytest.mark.parametrize("name", ["My secret", "380501234567", "a" * 31])
def test_a_name_that_may_be_a_text_is_not_repeated(client: httpx.Client, name: str) -> None:
    found = refused(client.post("/v1/predict", json={"text": "a b", name: 1}), 422, "unknown_field", hides=name)
    assert found["errors"][0]["pointer"] == "#"


RAW = [
    (b"", 422, "missing_field"),
    (b"{", 400, "invalid_json"),
    (b'{"text": "\xff"}', 400, "invalid_json"),
    (b"[" * 100_000, 400, "invalid_json"),
    (b'{"text": "a \\ud800 b"}', 422, "invalid_character"),
    (b'{"text": "secret', 400, "invalid_json"),
]


@pytest.mark.parametrize(("raw", "status", "code"), RAW)
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/analyze"])
def test_bytes_that_are_no_json_are_refused(
    client: httpx.Client, path: str, raw: bytes, status: int, code: str
) -> None:
    refused(client.post(path, content=raw, headers=JSON), status, code, hides="secret")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"])
def test_a_content_type_that_is_not_json_is_refused(client: httpx.Client, kind: str) -> None:
    body = json.dumps({"text": "Soldiers stay at home."}).encode()
    refused(client.post("/v1/predict", content=body, headers={"Content-Type": kind}), 415, "unsupported_media_type")


def test_json_under_another_name_is_taken(client: httpx.Client) -> None:
    body = json.dumps({"text": "Soldiers stay at home."}).encode()
    for kind in ("application/json; charset=utf-8", "application/vnd.example+json"):
        assert client.post("/v1/predict", content=body, headers={"Content-Type": kind}).status_code == 200


def test_limits_are_exact_and_name_the_remedy(client: httpx.Client) -> None:
    most, longest, article = LIMITS.max_texts, LIMITS.max_characters, LIMITS.max_article_characters
    assert client.post("/v1/predict", json={"texts": ["a"] * most}).status_code == 200
    found = refused(client.post("/v1/predict", json={"texts": ["a"] * (most + 1)}), 422, "too_many_texts")
    assert "several requests" in found["detail"]
    assert client.post("/v1/predict", json={"text": "я" * longest}).status_code == 200
    found = refused(client.post("/v1/predict", json={"texts": ["a", "я" * (longest + 1)]}), 422, "text_too_long")
    assert found["detail"].startswith("#/texts/1: ")
    assert client.post("/v1/analyze", json={"text": "Да. " * (article // 4)}).status_code == 200
    refused(client.post("/v1/analyze", json={"text": "а" * (article + 1)}), 422, "text_too_long")


def test_a_body_over_the_limit_is_refused_by_its_declared_and_its_counted_length(client: httpx.Client) -> None:
    size = LIMITS.max_body_bytes + 1
    url = client.base_url
    with socket.create_connection((url.host, url.port)) as connection:
        head = f"POST /v1/predict HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = connection.makefile().read()
    assert answer.startswith("HTTP/1.1 413 ")
    assert '"code":"body_too_large"' in answer

    def pieces():  # type: ignore[no-untyped-def]
        for _ in range(size // 100_000 + 1):
            yield b" " * 100_000

    refused(client.post("/v1/predict", content=pieces(), headers=JSON), 413, "body_too_large")


def test_unknown_routes_and_methods_are_refused(client: httpx.Client) -> None:
    refused(client.get("/v1/nothing"), 404, "not_found")
    answer = client.get("/v1/predict")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    refused(client.delete("/livez"), 405, "method_not_allowed")
    refused(client.get("/v1/model/"), 404, "not_found")


def test_the_openapi_document_promises_problem_documents(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in ("/v1/predict", "/v1/analyze"):
        for status in ("400", "413", "415", "422"):
            assert "application/problem+json" in paths[path]["post"]["responses"][status]["content"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters()),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(body=st.dictionaries(st.sampled_from(["text", "texts", "other"]), VALUES))
def test_whatever_is_sent_is_answered_or_refused_in_form(client: httpx.Client, body: object) -> None:
    answer = client.post("/v1/predict", content=json.dumps(body).encode(), headers=JSON)
    if answer.status_code != 200:
        refused(answer, 422, answer.json()["code"])
