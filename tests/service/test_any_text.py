"""Whatever Unicode is sent, the answer is a prediction or a problem with a known code, and offsets are exact."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.table import fault
from models.text import split
from tests.conftest import Fitted, alike
from tests.service.test_bulk import NDJSON
from tests.service.test_problems import JSON, refused

WORDS = st.sampled_from(
    "війська soldiers Переговоры «мир» № 5. &nbsp; &amp; й e\u0301 🇺🇦 👩‍👩‍👧 \u202e \u00ad don't — … \n \r\n ) „".split(
        " "
    )
)
TEXT = st.text(st.characters()) | st.lists(WORDS, min_size=1).map(" ".join)
HALVES = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs, which UTF-8 cannot write back."""
TEXTS = st.lists(TEXT, min_size=1, max_size=6)
SOUND = TEXT.filter(lambda text: fault(text) is None)


@pytest.fixture(scope="module")
def forgetful(fitted: Fitted, serve: Callable[..., str]) -> Iterator[httpx.Client]:
    """Ask a service that remembers no answer, so that the same text is computed again."""
    url = serve({"STANCE_STORE": str(fitted.store), "STANCE_CACHE_TEXTS": "0"})
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client


def sent(client: httpx.Client, path: str, body: object) -> httpx.Response:
    """Send JSON in ASCII, in which halves of surrogate pairs can be written."""
    return client.post(path, content=json.dumps(body).encode(), headers=JSON)


def alone(client: httpx.Client, text: str) -> dict[str, Any]:
    [prediction] = sent(client, "/v1/predict", {"text": text}).json()["predictions"]
    return dict(prediction)


def exact(words: list[dict[str, Any]], text: str, start: int, end: int) -> None:
    """Hold words against the text that they lie in, in their order, between two places."""
    for word in words:
        assert start <= word["start"] < word["end"] <= end
        assert text[word["start"] : word["end"]] == word["text"]
        start = word["end"]


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS)
def test_texts_are_answered_or_the_first_fault_is_named(forgetful: httpx.Client, texts: list[str]) -> None:
    answer = sent(forgetful, "/v1/predict", {"texts": texts})
    faults = [(code, n) for n, code in enumerate(map(fault, texts)) if code]
    if not faults:
        assert answer.status_code == 200
        assert len(answer.json()["predictions"]) == len(texts)
    else:
        code, n = faults[0]
        assert refused(answer, 422, code)["detail"].startswith(f"#/texts/{n}: ")


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(SOUND, min_size=2, max_size=6))
def test_an_answer_does_not_depend_on_what_is_asked_beside_it(forgetful: httpx.Client, texts: list[str]) -> None:
    together = sent(forgetful, "/v1/predict", {"texts": texts}).json()["predictions"]
    assert alike(together, [alone(forgetful, text) for text in texts])


@settings(max_examples=40, deadline=None)
@given(text=SOUND)
def test_words_of_any_text_lie_where_they_say(forgetful: httpx.Client, text: str) -> None:
    [prediction] = sent(forgetful, "/v1/predict", {"text": text, "explain": True}).json()["predictions"]
    for stance in prediction["stances"].values():
        exact(stance["words"], text, 0, len(text))


@settings(max_examples=40, deadline=None)
@given(texts=TEXTS)
def test_statements_of_any_article_lie_where_they_say(forgetful: httpx.Client, texts: list[str]) -> None:
    article = "\n".join(texts)
    answer = sent(forgetful, "/v1/analyze", {"text": article, "explain": True})
    if code := fault(article):
        refused(answer, 422, code)
        return
    statements = answer.json()["statements"]
    assert [(s["text"], s["start"], s["end"]) for s in statements] == [(s.text, s.start, s.end) for s in split(article)]
    for statement in statements:
        assert article[statement["start"] : statement["end"]] == statement["text"]
        for stance in statement["stances"].values():
            exact(stance["words"], article, statement["start"], statement["end"])


@settings(max_examples=40, deadline=None)
@given(texts=TEXTS)
def test_rows_of_any_texts_are_answered_in_their_place(forgetful: httpx.Client, texts: list[str]) -> None:
    lines = "".join(json.dumps({"n": n, "text": text}) + "\n" for n, text in enumerate(texts))
    answer = forgetful.post("/v1/predict/bulk", content=lines.encode(), headers=NDJSON)
    assert answer.status_code == 200
    *rows, last = [json.loads(line) for line in answer.text.split("\n") if line]
    faults = [fault(text) for text in texts]
    assert last == {"done": True, "rows": len(texts), "errors": len(texts) - faults.count(None)}
    assert [row.get("stance_error") for row in rows] == faults
    assert [(row["n"], row["text"]) for row in rows] == [
        (n, HALVES.sub("\ufffd", text)) for n, text in enumerate(texts)
    ]
    if None in faults:
        n = faults.index(None)
        assert rows[n]["stance_language"] == alone(forgetful, texts[n])["language"]
