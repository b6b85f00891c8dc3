import httpx

from models.text import split
from tests.conftest import alike

ARTICLE = (
    "🇺🇦 Переговори тривають\n\nКИЇВ, 6 січ. — Міністр сказав: «Ми готові. Війська підуть». "
    "Експерт Р. Коваль сумнівається, що угоду підпишуть цього року.\n\nYes."
)


def test_statements_come_in_order_with_exact_offsets(client: httpx.Client) -> None:
    body = client.post("/v1/analyze", json={"text": ARTICLE}).json()
    assert set(body) == {"model", "statements", "summary"}
    assert [s["text"] for s in body["statements"]] == [s.text for s in split(ARTICLE)]
    for statement in body["statements"]:
        assert ARTICLE[statement["start"] : statement["end"]] == statement["text"]
        assert set(statement) == {"text", "start", "end", "language", "stances"}


def test_a_statement_is_answered_as_it_is_alone(client: httpx.Client) -> None:
    for statement in client.post("/v1/analyze", json={"text": ARTICLE}).json()["statements"]:
        [alone] = client.post("/v1/predict", json={"text": statement["text"]}).json()["predictions"]
        assert alike(alone["stances"], statement["stances"])


def test_the_summary_counts_a_statement_once_an_axis(client: httpx.Client) -> None:
    body = client.post("/v1/analyze", json={"text": ARTICLE}).json()
    for axis, counts in body["summary"].items():
        stances = [s["stances"][axis] for s in body["statements"]]
        assert sum(counts.values()) == len(stances)
        assert counts["uncertain"] == sum(not s["certain"] for s in stances)
        for label in set(counts) - {"uncertain"}:
            assert counts[label] == sum(s["certain"] and s["label"] == label for s in stances)


def test_an_article_of_bullets_alone_has_no_statement(client: httpx.Client) -> None:
    body = client.post("/v1/analyze", json={"text": " \n• \n"}).json()
    assert body["statements"] == []
    assert set(body["summary"]["troops"].values()) == {0}
