import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from models.bundle import Bundle
from service.keys import new_key
from service.settings import Settings
from tests.conftest import Fitted
from tests.service.test_guard import until
from tests.service.test_predict import TEXTS
from tests.service.test_problems import JSON, VALUES, refused

INFER = "/v2/models/stance/infer"


def talking(url: httpx.URL) -> InferenceServerClient:
    return InferenceServerClient(f"{url.host}:{url.port}")


@pytest.fixture(scope="module")
def triton(client: httpx.Client) -> Iterator[InferenceServerClient]:
    with talking(client.base_url) as talks:
        yield talks


def tensor(texts: list[str], shape: list[int] | None = None, binary: bool = False) -> InferInput:
    shape = shape or [len(texts)]
    made = InferInput("text", shape, "BYTES")
    return made.set_data_from_numpy(np.array(texts, dtype=np.object_).reshape(shape), binary_data=binary)


def body(data: object, shape: object = None) -> dict[str, Any]:
    shape = [len(data)] if shape is None and isinstance(data, list) else shape
    return {"inputs": [{"name": "text", "datatype": "BYTES", "shape": shape, "data": data}]}


def test_the_server_and_its_model_are_described(triton: InferenceServerClient, bundle: Bundle) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("stance")
    assert not triton.is_model_ready("another")
    assert triton.get_server_metadata()["name"] == "stance-desk"
    described = triton.get_model_metadata("stance")
    assert described["name"] == "stance"
    assert described["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    assert described["outputs"] == [
        {"name": axis.name + suffix, "datatype": datatype, "shape": shape}
        for axis in bundle.model.axes
        for suffix, datatype, shape in (
            ("", "BYTES", [-1]),
            ("_certain", "BOOL", [-1]),
            ("_probabilities", "FP32", [-1, len(axis.labels)]),
        )
    ]


@pytest.mark.parametrize("shape", [[len(TEXTS)], [len(TEXTS), 1]])
def test_texts_are_answered_as_by_predict(
    client: httpx.Client, triton: InferenceServerClient, bundle: Bundle, shape: list[int]
) -> None:
    answer = triton.infer("stance", [tensor(TEXTS, shape)], request_id="7")
    assert answer.get_response()["id"] == "7"
    assert answer.get_response()["model_version"] == bundle.manifest.version
    predictions = client.post("/v1/predict", json={"texts": TEXTS}).json()["predictions"]
    for axis in bundle.model.axes:
        expected = [prediction["stances"][axis.name] for prediction in predictions]
        labels = answer.get_output(f"{axis.name}_probabilities")["parameters"]["labels"].split(",")
        assert labels == list(axis.labels)
        assert answer.as_numpy(axis.name).tolist() == [stance["label"] for stance in expected]
        certain, shares = answer.as_numpy(f"{axis.name}_certain"), answer.as_numpy(f"{axis.name}_probabilities")
        assert (certain.dtype, shares.dtype, shares.shape) == (bool, np.float32, (len(TEXTS), len(labels)))
        assert certain.tolist() == [stance["certain"] for stance in expected]
        assert shares == pytest.approx(
            np.array([[stance["probabilities"][label] for label in labels] for stance in expected]), abs=1.5e-4
        )


def test_data_nested_as_its_shape_is_taken_as_flat_data_is(client: httpx.Client) -> None:
    flat = client.post(INFER, json=body(TEXTS)).json()
    assert "id" not in flat
    assert client.post(INFER, json=body([[text] for text in TEXTS], [len(TEXTS), 1])).json() == flat


def test_the_outputs_that_are_asked_for_come_in_their_order(triton: InferenceServerClient, bundle: Bundle) -> None:
    names = [f"{bundle.model.axes[1].name}_certain", bundle.model.axes[0].name]
    asked = [InferRequestedOutput(name) for name in [*names, names[0]]]  # in binary, by default; JSON is given
    answer = triton.infer("stance", [tensor(TEXTS)], outputs=asked)
    assert [output["name"] for output in answer.get_response()["outputs"]] == names
    assert answer.as_numpy(names[1]).shape == (len(TEXTS),)


REFUSED = [
    (tensor([*TEXTS, " "]), "stance", "422", f"#/inputs/0/data/{len(TEXTS)}: "),
    (tensor(["a"] * (Settings().max_texts + 1)), "stance", "422", "#/inputs/0/data: "),
    (tensor(["a", "я" * (Settings().max_characters + 1)]), "stance", "422", "#/inputs/0/data/1: "),
    (tensor([]), "stance", "422", "#/inputs/0: "),
    (tensor(TEXTS, binary=True), "stance", "415", "binary_data=False"),
    (tensor(TEXTS), "another", "404", "/docs lists"),
]


@pytest.mark.parametrize(("sent", "name", "status", "told"), REFUSED)
def test_the_client_is_told_what_is_wrong(
    triton: InferenceServerClient, sent: InferInput, name: str, status: str, told: str
) -> None:
    with pytest.raises(InferenceServerException) as raised:
        triton.infer(name, [sent])
    assert raised.value.status() == status
    assert told in raised.value.message()


BODIES = [
    (body(TEXTS, [1]), "wrong_shape", "#/inputs/0"),
    (body(TEXTS, [1, len(TEXTS)]), "wrong_shape", "#/inputs/0"),
    (body([["a", "b"]], [1, 2]), "wrong_type", "#/inputs/0/data/0"),
    (body("a", [1]), "wrong_type", "#/inputs/0/data"),
    (body(["a\x00b"]), "invalid_character", "#/inputs/0/data/0"),
    ({"inputs": []}, "wrong_type", "#/inputs"),
    ({"inputs": body(["a"])["inputs"] * 2}, "wrong_type", "#/inputs"),
    ({**body(["a"]), "id": 7}, "wrong_type", "#/id"),
    ({**body(["a"]), "outputs": [{}]}, "missing_field", "#/outputs/0/name"),
    ({**body(["a"]), "outputs": [{"name": "secret"}]}, "unknown_output", "#/outputs/0"),
    ({}, "missing_field", "#/inputs"),
]


@pytest.mark.parametrize(("sent", "code", "pointer"), BODIES)
def test_a_faulty_body_is_named_by_code_and_place(client: httpx.Client, sent: object, code: str, pointer: str) -> None:
    found = refused(client.post(INFER, json=sent), 422, code, hides="secret")
    assert found["detail"].startswith(f"{pointer}: ")
    assert found["error"] == found["detail"]


def test_every_problem_under_v2_has_the_form_of_the_protocol_too(client: httpx.Client) -> None:
    answers = [
        client.get("/v2/nothing"),
        client.get(INFER),
        client.get("/v2", headers={"Host": "evil.example"}),
        client.post(INFER, content=b"{", headers=JSON),
        client.post(INFER, content=b" " * (Settings().max_body_bytes + 1), headers=JSON),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 421, 400, 413]
    for answer in answers:
        assert answer.json()["error"] == refused(answer, answer.status_code, answer.json()["code"])["detail"]
    assert "error" not in client.get("/v2nothing").json()


@pytest.mark.parametrize("many", [{"outputs": [{}] * 100_000}, {"inputs": [{}] * 100_000}, body([1] * 100_000)])
def test_an_answer_does_not_grow_with_a_faulty_request(client: httpx.Client, many: dict[str, object]) -> None:
    answer = client.post(INFER, json={**body(["a"]), **many})
    refused(answer, 422, answer.json()["code"])
    assert len(answer.content) < 2_000


def test_an_output_asked_for_again_and_again_is_given_once(client: httpx.Client, bundle: Bundle) -> None:
    asked = [{"name": bundle.model.axes[0].name}] * 100_000
    assert len(client.post(INFER, json={**body(["a"]), "outputs": asked}).content) < 2_000


def test_health_is_open_and_the_rest_needs_a_key(fitted: Fitted, serve: Callable[..., str]) -> None:
    secret, entry = new_key("cluster", "predict")
    headers = {"Authorization": f"Bearer {secret}"}
    url = serve({"STANCE_STORE": str(fitted.store), "STANCE_API_KEYS": entry})
    with talking(httpx.URL(url)) as triton:
        assert triton.is_server_live()
        assert triton.is_server_ready()
        assert not triton.is_model_ready("stance")
        assert triton.is_model_ready("stance", headers=headers)
        for ask in (triton.get_server_metadata, lambda: triton.get_model_metadata("stance")):
            with pytest.raises(InferenceServerException, match="Send a key"):
                ask()
        with pytest.raises(InferenceServerException, match="Send a key"):
            triton.infer("stance", [tensor(TEXTS)])
        assert triton.infer("stance", [tensor(TEXTS)], headers=headers).as_numpy("troops").shape == (len(TEXTS),)


def test_a_busy_service_says_so_and_that_it_is_alive(fitted: Fitted, serve: Callable[..., str]) -> None:
    url = httpx.URL(serve({"STANCE_STORE": str(fitted.store), "STANCE_MAX_REQUESTS": "1"}))
    with talking(url) as triton, socket.create_connection((url.host, url.port or 80)) as slow:
        head = f"POST {INFER} HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: application/json\r\n"
        slow.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        until(url, 503)
        with pytest.raises(InferenceServerException, match="1 requests are at work"):
            triton.infer("stance", [tensor(TEXTS)])
        assert triton.is_server_live()
        assert triton.is_server_ready()


@settings(max_examples=80, deadline=None)
@given(fields=st.dictionaries(st.sampled_from(["name", "datatype", "shape", "data", "id", "outputs"]), VALUES))
def test_whatever_is_sent_is_answered_or_refused_in_form(client: httpx.Client, fields: dict[str, Any]) -> None:
    whole = body(["Soldiers stay at home."])
    asked = {name: fields.pop(name) for name in ("id", "outputs") if name in fields}
    sent = {"inputs": [{**whole["inputs"][0], **fields}], **asked}
    answer = client.post(INFER, content=json.dumps(sent).encode(), headers=JSON)
    if answer.status_code != 200:
        refused(answer, 422, answer.json()["code"])
