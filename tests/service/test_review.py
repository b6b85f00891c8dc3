from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

from models.text import digest
from service.storage.store import READ_TWICE
from tests.service.test_problems import refused


def twice(text: str) -> bool:
    return int(digest(text), 16) / 16**16 < READ_TWICE


TEXTS = [f"Міністр назвав {n} причин не посилати війська до України." for n in range(60)]
ONCE, DOUBLE = [text for text in TEXTS if not twice(text)][:12], [text for text in TEXTS if twice(text)][:2]


def confidences(client: httpx.Client, texts: list[str]) -> dict[str, float]:
    found = client.post("/v1/predict", json={"texts": texts, "store": True}).json()["predictions"]
    return {
        text: min(stance["confidence"] for stance in prediction["stances"].values())
        for text, prediction in zip(texts, found, strict=True)
    }


def test_the_least_sure_come_first_and_each_to_one_annotator(free: httpx.Client) -> None:
    sure = confidences(free, ONCE)
    leased = [free.post("/v1/review", params={"annotator": name}).json() for name in ["anna", "borys"] * 6]
    assert [sure[each["text"]] for each in leased] == sorted(sure.values())
    assert {each["text"] for each in leased} == set(ONCE)
    for each in leased:
        assert set(each) == {"id", "text", "language", "until"}
        assert each["language"] == "uk"
        assert datetime.fromisoformat(each["until"]) < datetime.now(UTC) + timedelta(minutes=10)
    nothing = free.post("/v1/review", params={"annotator": "carla"})
    assert (nothing.status_code, nothing.content) == (204, b"")


def test_a_leased_statement_is_labelled_by_its_id_and_a_tenth_goes_to_a_second(free: httpx.Client) -> None:
    confidences(free, [ONCE[0], DOUBLE[0]])
    assert free.get("/v1/review/summary").json()["waiting"] == 2
    for name, label, count in (("anna", "anti", 2), ("borys", "pro", 1), ("carla", "pro", 0)):
        for _ in range(count):
            leased = free.post("/v1/review", params={"annotator": name}).json()
            body = {"id": leased["id"], "labels": {"troops": label}, "annotator": name}
            assert free.post("/v1/feedback", json=body).status_code == 201
        assert free.post("/v1/review", params={"annotator": name}).status_code == 204
    assert leased["text"] == DOUBLE[0]
    summary = free.get("/v1/review/summary").json()
    assert (summary["waiting"], summary["labelled"], summary["awaiting"]) == (0, 2, 2)
    troops = summary["agreement"]["troops"]
    assert (troops["pairs"], troops["agreed"], troops["conflicts"], troops["predicted"]) == (1, 0, 1, 1)
    assert summary["agreement"]["outlook"] == {
        "pairs": 0,
        "agreed": 0,
        "conflicts": 0,
        "predicted": 0,
        "as_predicted": 0,
    }


def test_what_is_skipped_goes_to_another(free: httpx.Client) -> None:
    confidences(free, ONCE[:1])
    leased = free.post("/v1/review", params={"annotator": "anna"}).json()
    assert free.post("/v1/review", params={"annotator": "borys"}).status_code == 204
    assert free.delete(f"/v1/review/{leased['id']}", params={"annotator": "anna"}).status_code == 204
    assert free.post("/v1/review", params={"annotator": "anna"}).status_code == 204
    assert free.post("/v1/review", params={"annotator": "borys"}).json()["id"] == leased["id"]
    refused(free.delete(f"/v1/review/{'0' * 32}"), 404, "prediction_unknown")
    refused(free.delete("/v1/review/secret"), 422, "wrong_type", hides="secret")
    refused(free.post("/v1/review", params={"annotator": "secret\x00"}), 422, "invalid_character", hides="secret")


def test_what_no_label_mends_does_not_wait(free: httpx.Client) -> None:
    confidences(free, ["Так.", "Minister obrony powiedział, że polskie wojska nie pojadą na Ukrainę."])
    assert free.post("/v1/review").status_code == 204


def test_with_keys_annotators_are_told_apart_by_key(as_: Callable[[str], httpx.Client]) -> None:
    as_("desk").post("/v1/predict", json={"texts": ONCE[:2], "store": True})
    for method, path in (("POST", ""), ("GET", "/summary"), ("DELETE", f"/{'0' * 32}")):
        refused(as_("desk").request(method, f"/v1/review{path}"), 403, "role_too_low")
    leased = as_("anna").post("/v1/review?annotator=borys").json()
    assert as_("anna").delete(f"/v1/review/{leased['id']}?annotator=borys").status_code == 204
    others = [as_("borys").post("/v1/review").json()["text"] for _ in range(2)]
    assert set(others) == set(ONCE[:2])  # what anna skipped is hers no more, whatever name she gave
    assert as_("anna").post("/v1/review").status_code == 204
