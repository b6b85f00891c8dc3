import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from models.axes import read_axes
from models.bundle import read_manifest
from models.text import LONGEST_STATEMENT, digest
from service.keys import new_key
from tests.conftest import Fitted, alike
from tests.conftest import run as command
from tests.service.conftest import Desk
from tests.service.test_problems import refused
from training.corpus import AXES, Corpus, read_corpus
from training.release import stored

TEXT = "The minister ruled out sending any soldiers to Ukraine, even after a ceasefire."
OTHER = "Переговоры продлятся до пятницы, сообщили в министерстве."


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200
    return [httpx.Response(200, content=line).json() for line in answer.text.splitlines()]


def test_a_prediction_has_an_id_only_where_it_is_stored(free: httpx.Client) -> None:
    plain = free.post("/v1/predict", json={"texts": [TEXT, OTHER]}).json()
    stored = free.post("/v1/predict", json={"texts": [TEXT, OTHER], "store": True}).json()
    ids = [prediction.pop("id") for prediction in stored["predictions"]]
    assert len(set(ids)) == 2
    assert alike(stored, plain)
    article = {"text": f"{TEXT} {TEXT.replace('any', 'more')}"}
    assert all("id" not in each for each in free.post("/v1/analyze", json=article).json()["statements"])
    statements = free.post("/v1/analyze", json={**article, "store": True}).json()["statements"]
    assert len({each["id"] for each in statements} | set(ids)) == len(statements) + 2
    assert free.post("/v1/analyze", json={"text": " \n• \n", "store": True}).json()["statements"] == []


def test_what_is_not_to_be_stored_leaves_no_trace(free: httpx.Client, desk: Desk) -> None:
    free.post("/v1/predict", json={"text": TEXT})
    free.post("/v1/analyze", json={"text": TEXT, "store": False})
    assert free.post("/v1/feedback", json={"text": TEXT, "labels": {"troops": "green"}}).status_code == 422
    assert desk.execute("SELECT * FROM statements") == []


def test_corrections_are_exported_and_read_as_a_corpus(free: httpx.Client, tmp_path: Path) -> None:
    [stored] = free.post("/v1/predict", json={"text": OTHER, "store": True}).json()["predictions"]
    one = free.post("/v1/feedback", json={"text": TEXT, "labels": {"troops": "anti"}, "note": "clear"})
    assert one.status_code == 201
    two = free.post(
        "/v1/feedback",
        json={"id": stored["id"], "labels": {"troops": "neutral", "outlook": "neutral"}, "annotator": "anna"},
    )
    assert two.json()["id"] > one.json()["id"]
    tied = {"text": "Эксперт сомневается, что соглашение подпишут в этом году."}
    for annotator, label in (("anna", "skeptical"), ("borys", "neutral")):
        body = {**tied, "labels": {"outlook": label}, "annotator": annotator}
        assert free.post("/v1/feedback", json=body).status_code == 201
    export = free.get("/v1/feedback")
    assert export.headers["content-type"] == "application/x-ndjson"
    assert export.headers["stance-left-out"] == "1"
    assert rows(export) == [
        {
            "id": f"feedback-{one.json()['id']}",
            "lang": "en",
            "text": TEXT,
            "troops": "anti",
            "provenance": "corrected",
            "group": digest(TEXT),
        },
        {
            "id": f"feedback-{two.json()['id']}",
            "lang": "ru",
            "text": OTHER,
            "troops": "neutral",
            "outlook": "neutral",
            "provenance": "corrected",
            "group": digest(OTHER),
        },
    ]
    (tmp_path / "corrected.jsonl").write_bytes(export.content)
    frame = read_corpus([tmp_path / "corrected.jsonl"], read_axes(AXES)).frame
    assert list(frame["provenance"]) == ["corrected", "corrected"]
    assert list(frame["text"]) == [TEXT, OTHER]


def test_a_model_names_the_last_correction_that_it_learnt_from_and_later_ones_await_training(
    free: httpx.Client, desk: Desk, corpus: Corpus, serve: Callable[..., str], tmp_path: Path
) -> None:
    small = corpus.frame.groupby("part", group_keys=False).head(500)
    small.drop(columns=["digest", "part"]).to_json(tmp_path / "small.jsonl", orient="records", lines=True)
    examined = small.loc[(small["part"] == "exam") & (small["lang"] == "en") & small["troops"].notna(), "text"]
    ids = [
        free.post("/v1/feedback", json={"text": text, "labels": {"troops": "anti"}}).json()["id"]
        for text in (TEXT, OTHER, examined.iloc[0])
    ]
    (tmp_path / "corrected.jsonl").write_bytes(free.get("/v1/feedback").content)
    words = ["training", "fit", "--no-track", "--features", "ngrams", "--data", str(tmp_path / "small.jsonl")]
    env = {"STANCE_STORE": str(tmp_path / "store"), "COLUMNS": "200"}
    models, awaiting = [], []
    for more in ([], ["--with", str(tmp_path / "corrected.jsonl")]):
        found = command(*words, *more, env=env)
        assert found.returncode == 0, found.stderr
        bundle = stored(tmp_path / "store")
        with httpx.Client(base_url=serve({**desk.env, "STANCE_BUNDLE": str(bundle)}), timeout=30) as served:
            models.append(served.get("/v1/model").json()["last_feedback"])
            awaiting.append(served.get("/v1/review/summary").json()["awaiting"])
    assert models == [None, ids[1]]  # the last of all is of a text that is examined on, so it was left out
    assert awaiting == [3, 1]  # all were sent before either model was fitted
    assert read_manifest(bundle).last_feedback == ids[1]
    assert f"up to feedback {ids[1]}\n" in found.stdout


FAULTY = [
    ({"labels": {"troops": "anti"}}, 422, "text_or_id"),
    ({"text": TEXT, "id": "0" * 32, "labels": {"troops": "anti"}}, 422, "text_or_id"),
    ({"text": TEXT}, 422, "missing_field"),
    ({"text": TEXT, "labels": {}}, 422, "no_labels"),
    ({"text": TEXT, "labels": {"secret": "anti"}}, 422, "axis_unknown"),
    ({"text": TEXT, "labels": {"troops": "secret"}}, 422, "label_unknown"),
    ({"text": TEXT, "labels": {"troops": 3}}, 422, "wrong_type"),
    ({"text": TEXT, "labels": {f"secret{n}": "a" for n in range(1000)}}, 422, "unknown_field"),
    ({"text": TEXT, "labels": {"troops": "anti"}, "My secret": 1}, 422, "unknown_field"),
    ({"text": " ", "labels": {"troops": "anti"}}, 422, "blank_text"),
    ({"text": "Soldiers stay. " * (LONGEST_STATEMENT // 15 + 1), "labels": {"troops": "anti"}}, 422, "text_too_long"),
    ({"text": "Wojska nie pojadą na Ukrainę, powiedział.", "labels": {"troops": "anti"}}, 422, "language_not_learnt"),
    ({"text": TEXT, "labels": {"troops": "anti"}, "note": "secret\x00"}, 422, "invalid_character"),
    ({"text": TEXT, "labels": {"troops": "anti"}, "note": "a" * 2001}, 422, "wrong_type"),
    ({"text": TEXT, "labels": {"troops": "anti"}, "annotator": "secret\x00"}, 422, "invalid_character"),
    ({"id": "secret", "labels": {"troops": "anti"}}, 422, "wrong_type"),
    ({"id": "0" * 32, "labels": {"troops": "anti"}}, 404, "prediction_unknown"),
]


@pytest.mark.parametrize(("body", "status", "code"), FAULTY)
def test_faulty_feedback_is_refused_by_code(
    free: httpx.Client, body: dict[str, object], status: int, code: str
) -> None:
    answer = free.post("/v1/feedback", json=body)
    refused(answer, status, code, hides="secret")
    assert len(answer.content) < 2_000


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/feedback/999999", 404, "feedback_unknown"),
        ("/v1/feedback/0", 422, "wrong_type"),
        (f"/v1/feedback/{2**63}", 422, "wrong_type"),
        ("/v1/feedback/secret", 422, "wrong_type"),
        (f"/v1/predictions/{'0' * 32}", 404, "prediction_unknown"),
        ("/v1/predictions/secret%00", 422, "wrong_type"),
    ],
)
def test_what_is_not_there_cannot_be_deleted(free: httpx.Client, path: str, status: int, code: str) -> None:
    refused(free.delete(path), status, code, hides="secret")


def test_with_keys_the_annotator_is_the_name_of_the_key(as_: Callable[[str], httpx.Client]) -> None:
    for name in ("anna", "borys", "chief"):
        label = "pro" if name == "borys" else "anti"
        body = {"text": TEXT, "labels": {"troops": label}, "annotator": "borys"}
        assert as_(name).post("/v1/feedback", json=body).status_code == 201
    [row] = [row for row in rows(as_("chief").get("/v1/feedback")) if row["text"] == TEXT]
    assert row["troops"] == "anti"  # two against one; by the bodies' names there were one voice alone, the last


def test_roles_say_who_may_correct_and_export(as_: Callable[[str], httpx.Client], keyed: str) -> None:
    body = {"text": OTHER, "labels": {"troops": "neutral"}}
    refused(as_("desk").post("/v1/feedback", json=body), 403, "role_too_low")
    refused(as_("anna").get("/v1/feedback"), 403, "role_too_low")
    refused(httpx.get(f"{keyed}/v1/feedback"), 401, "key_missing")
    refused(httpx.post(f"{keyed}/v1/feedback", json=body), 401, "key_missing")
    refused(as_("desk").delete("/v1/feedback/1"), 403, "role_too_low")
    refused(as_("desk").delete(f"/v1/predictions/{'0' * 32}"), 403, "role_too_low")


def test_an_annotator_deletes_his_own_and_an_administrator_any(as_: Callable[[str], httpx.Client]) -> None:
    body = {"text": OTHER, "labels": {"troops": "neutral"}}
    made = [as_("anna").post("/v1/feedback", json=body).json()["id"] for _ in range(2)]
    refused(as_("borys").delete(f"/v1/feedback/{made[0]}"), 404, "feedback_unknown")
    assert as_("anna").delete(f"/v1/feedback/{made[0]}").status_code == 204
    assert as_("chief").delete(f"/v1/feedback/{made[1]}").status_code == 204
    refused(as_("chief").delete(f"/v1/feedback/{made[1]}"), 404, "feedback_unknown")
    stored = [as_("anna").post("/v1/predict", json={"text": OTHER, "store": True}) for _ in range(2)]
    ids = [answer.json()["predictions"][0]["id"] for answer in stored]
    refused(as_("borys").delete(f"/v1/predictions/{ids[0]}"), 404, "prediction_unknown")
    assert as_("anna").delete(f"/v1/predictions/{ids[0]}").status_code == 204
    assert as_("chief").delete(f"/v1/predictions/{ids[1]}").status_code == 204
    refused(as_("chief").delete(f"/v1/predictions/{ids[1]}"), 404, "prediction_unknown")


def test_with_keys_but_no_administrator_there_is_no_export_and_a_request_counts_once(
    fitted: Fitted, serve: Callable[..., str]
) -> None:
    secret, entry = new_key("anna", "annotate")
    url = serve({"STANCE_STORE": str(fitted.store), "STANCE_API_KEYS": entry, "STANCE_RATE": "3/hour"})
    headers = {"Authorization": f"Bearer {secret}"}
    refused(httpx.get(f"{url}/v1/feedback", headers=headers), 405, "method_not_allowed")
    answers = [httpx.post(f"{url}/v1/predict", json={"text": TEXT, "store": True}, headers=headers)]
    body = {"text": TEXT, "labels": {"troops": "anti"}}
    answers += [httpx.post(f"{url}/v1/feedback", json=body, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 201, 201, 429]


def test_a_database_that_does_not_answer_is_told_of_and_the_rest_goes_on(free: httpx.Client, desk: Desk) -> None:
    desk.execute("ALTER TABLE statements RENAME TO elsewhere")
    answer = free.post("/v1/feedback", json={"text": TEXT, "labels": {"troops": "anti"}})
    plain = free.post("/v1/predict", json={"text": TEXT})
    desk.execute("ALTER TABLE elsewhere RENAME TO statements")
    refused(answer, 503, "database_unavailable")
    assert answer.headers["retry-after"] == "10"
    assert plain.status_code == 200
    log = desk.file.with_name("log").read_text()
    assert '"event": "database_unavailable"' in log
    assert "minister" not in log
    assert free.post("/v1/feedback", json={"text": TEXT, "labels": {"troops": "anti"}}).status_code == 201


def test_a_second_process_shares_the_queue_and_deletes_what_is_over_when_it_starts(
    free: httpx.Client, desk: Desk, serve: Callable[..., str]
) -> None:
    texts = [TEXT, OTHER, "A deal is near, the adviser is sure.", "Війська не підуть, сказав міністр."]
    free.post("/v1/predict", json={"texts": texts, "store": True})
    week = "UPDATE predictions SET created = datetime(created, '-8 days') WHERE digest = ?"
    desk.execute(week, digest(TEXT))
    with httpx.Client(base_url=serve({**desk.env, "STANCE_RETENTION_DAYS": "7"})) as other:
        for _ in range(200):
            if other.get("/v1/review/summary").json()["waiting"] == 3:
                break
            time.sleep(0.05)
        leased = [client.post("/v1/review").json()["text"] for client in (free, other, free)]
        assert set(leased) == set(texts[1:])
        assert other.post("/v1/review").status_code == 204
