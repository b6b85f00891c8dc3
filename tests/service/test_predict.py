from collections.abc import Callable

import httpx
import pytest

from models.bundle import Bundle
from tests.conftest import alike

TEXTS = [
    "Уряд готовий направити миротворців, щойно сторони підпишуть угоду.",
    "Москва считает неприемлемым присутствие войск НАТО на Украине.",
    "The talks resume on Friday, a spokesman said.",
    "Да.",
    "Minister obrony powiedział, że polskie wojska nie pojadą na Ukrainę.",
]


def test_the_answer_has_the_form_of_the_design(client: httpx.Client, bundle: Bundle) -> None:
    answer = client.post("/v1/predict", json={"texts": TEXTS})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"model", "predictions"}
    assert body["model"] == {"name": "stance", "version": bundle.manifest.version}
    assert [p["language"] for p in body["predictions"]] == ["uk", "ru", "en", "und", "pl"]
    for prediction, expected in zip(body["predictions"], bundle.model.predict(TEXTS), strict=True):
        assert set(prediction) == {"language", "stances"}
        for axis in bundle.model.axes:
            stance = prediction["stances"][axis.name]
            assert set(stance) - {"reason"} == {"label", "confidence", "certain", "probabilities"}
            assert ("reason" in stance) == (not stance["certain"])
            assert stance["label"] == expected.stances[axis.name].label
            assert stance["confidence"] == stance["probabilities"][stance["label"]]
            assert sum(stance["probabilities"].values()) == pytest.approx(1, abs=2e-4)
            assert all(round(p, 4) == p for p in stance["probabilities"].values())


def test_one_text_is_answered_like_a_list_of_one(client: httpx.Client) -> None:
    one = client.post("/v1/predict", json={"text": TEXTS[0]}).json()
    assert alike(one, client.post("/v1/predict", json={"texts": TEXTS[:1]}).json())


def test_reasons_say_why_the_model_abstains(client: httpx.Client) -> None:
    predictions = client.post("/v1/predict", json={"texts": TEXTS}).json()["predictions"]
    assert predictions[3]["stances"]["troops"]["reason"] == "too_short"
    assert predictions[4]["stances"]["outlook"]["reason"] == "unsupported_language"
    [long] = client.post("/v1/predict", json={"text": TEXTS[0][:60] * 60}).json()["predictions"]
    assert {stance["reason"] for stance in long["stances"].values()} == {"too_long"}


def test_a_large_request_keeps_its_order(client: httpx.Client) -> None:
    texts = [f"{TEXTS[n % 3]} Пункт {n}." for n in range(256)]
    predictions = client.post("/v1/predict", json={"texts": texts}).json()["predictions"]
    singles = [client.post("/v1/predict", json={"text": text}).json()["predictions"][0] for text in texts[::50]]
    assert alike(predictions[::50], singles)


def test_words_are_given_where_they_are_asked_for(client: httpx.Client) -> None:
    text = "«Ми не пошлемо&nbsp;військ», — сказав він."
    plain = client.post("/v1/predict", json={"text": text}).json()["predictions"][0]
    explained = client.post("/v1/predict", json={"text": text, "explain": True}).json()["predictions"][0]
    for axis, stance in explained["stances"].items():
        words = stance.pop("words")
        assert [text[word["start"] : word["end"]] for word in words] == [word["text"] for word in words]
        assert alike(stance, plain["stances"][axis])


def test_offsets_of_words_count_in_the_article(client: httpx.Client) -> None:
    article = "Зустріч тривала три години.\n\nУкраїна не прийме чужих солдатів, сказав міністр."
    answer = client.post("/v1/analyze", json={"text": article, "explain": True}).json()
    for statement in answer["statements"]:
        for word in statement["stances"]["troops"]["words"]:
            assert article[word["start"] : word["end"]] == word["text"]
            assert statement["start"] <= word["start"] < word["end"] <= statement["end"]


def test_n_grams_refuse_to_explain(ngram_bundle: Bundle, serve: Callable[..., str]) -> None:
    url = serve({"STANCE_BUNDLE": str(ngram_bundle.path)})
    answer = httpx.post(f"{url}/v1/predict", json={"text": "Нет войскам в Украине.", "explain": True})
    assert answer.status_code == 422
    assert answer.json()["code"] == "explain_unavailable"
