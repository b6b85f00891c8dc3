"""The OpenAPI document says what the service does: schemathesis holds the one against the other."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from models.bundle import Bundle
from service.keys import new_key
from tests.conftest import ROOT, Fitted
from tests.service import test_feedback, test_problems, test_v2
from tests.service.test_problems import refused

CONFIG = Path(__file__).parent / "schemathesis.toml"
EXAMPLES = 20
OFTEN = {"STANCE_RATE": "1000000/minute"}
"""As often as schemathesis asks."""
OPEN = {"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"}


def checked(url: str, folder: Path, *words: str) -> None:
    """Hold a service against its document with all checks, from examples to sequences of calls."""
    program = Path(sys.executable).parent / "schemathesis"
    options = ["--checks", "all", "--seed", "1", "--max-examples", str(EXAMPLES), "--no-color"]
    found = subprocess.run(
        [program, "--config-file", CONFIG, "run", *options, *words, f"{url}/openapi.json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.service.schemathesis_hooks"},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def accepted(client: httpx.Client, path: str, body: object) -> bool:
    """Say whether the document promises that a body is taken."""
    found = document(client)
    schema = found["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return bool(jsonschema_rs.is_valid({**schema, "components": found["components"]}, body))


def test_a_service_without_keys_does_what_its_document_says(
    fitted: Fitted, serve: Callable[..., str], tmp_path: Path
) -> None:
    checked(serve({"STANCE_STORE": str(fitted.store)}), tmp_path)


def test_a_service_with_keys_does_what_its_document_says(
    fitted: Fitted, serve: Callable[..., str], tmp_path: Path
) -> None:
    secret, entry = new_key("chief", "admin")
    url = serve({"STANCE_STORE": str(fitted.store), "STANCE_API_KEYS": entry, **OFTEN})
    checked(url, tmp_path, "--header", f"Authorization: Bearer {secret}")
    with httpx.Client(base_url=url) as client:
        for path, operations in document(client)["paths"].items():
            for method, operation in operations.items():
                answer = client.request(method, path.replace("{id}", "1"))
                assert ("security" in operation) == (path not in OPEN)
                if path in OPEN:
                    assert answer.status_code == 200
                else:
                    refused(answer, 401, "key_missing")


def test_a_service_without_keys_asks_for_none(client: httpx.Client) -> None:
    for operations in document(client)["paths"].values():
        for operation in operations.values():
            assert "security" not in operation
            assert "401" not in operation["responses"]


def test_every_refusal_is_promised_as_a_problem(client: httpx.Client) -> None:
    for operations in document(client)["paths"].values():
        for operation in operations.values():
            assert {"403", "413", "421", "500"} <= operation["responses"].keys()
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"]


def test_an_address_names_all_its_methods(client: httpx.Client) -> None:
    for path, methods in (("/v1/feedback", {"GET", "POST"}), ("/v1/review/summary", {"GET"}), ("/docs", {"GET"})):
        answer = client.delete(path)
        refused(answer, 405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == methods


def test_the_media_type_of_the_card_is_promised(client: httpx.Client) -> None:
    content = document(client)["paths"]["/v1/model/card"]["get"]["responses"]["200"]["content"]
    assert client.get("/v1/model/card").headers["content-type"].split(";")[0] in content


def test_labels_and_outputs_are_those_of_the_served_model(client: httpx.Client, bundle: Bundle) -> None:
    schemas = document(client)["components"]["schemas"]
    labels = schemas["FeedbackRequest"]["properties"]["labels"]["properties"]
    assert labels == {axis.name: {"enum": list(axis.labels)} for axis in bundle.model.axes}
    outputs = client.get("/v2/models/stance").json()["outputs"]
    assert schemas["OutputName"]["properties"]["name"]["enum"] == [output["name"] for output in outputs]


TOLD = [  # faults that only the running service can tell
    "prediction_unknown",
    "language_not_learnt",
    "text_too_long",
    "wrong_shape",
]
FAULTY = [
    *(("/v1/predict", body) for body, _, _ in test_problems.BODIES),
    *(("/v1/feedback", body) for body, _, code in test_feedback.FAULTY if code not in TOLD),
    *((test_v2.INFER, body) for body, code, _ in test_v2.BODIES if code not in TOLD),
]


@pytest.mark.parametrize(("path", "body"), FAULTY)
def test_a_faulty_body_is_refused_by_the_document_too(client: httpx.Client, path: str, body: object) -> None:
    assert not accepted(client, path, body)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/predict", {"text": "Війська не підуть, сказав міністр.", "texts": None}),
        ("/v1/predict", {"texts": ["a", "\n b"], "explain": True}),
        ("/v1/analyze", {"text": "Да."}),
        (test_v2.INFER, test_v2.body([["a"], ["b"]], [2, 1])),
        (test_v2.INFER, test_v2.body(["a"])),
    ],
)
def test_a_body_that_is_taken_is_taken_by_the_document_too(client: httpx.Client, path: str, body: object) -> None:
    assert accepted(client, path, body)
    assert client.post(path, content=json.dumps(body), headers=test_problems.JSON).status_code == 200
