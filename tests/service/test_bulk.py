import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.bulk import Answer, by_curl, by_httpx, write
from models.bundle import Bundle
from models.table import answer, columns
from service.routes.bulk import IN_MEMORY
from tests.conftest import Fitted, alike
from tests.service.test_problems import refused

NDJSON = {"Content-Type": "application/x-ndjson"}
ROWS = [
    {"id": 1, "text": "Уряд готовий направити миротворців, щойно сторони підпишуть угоду."},
    {"id": 2, "text": ""},
    {"id": 3, "text": "The talks resume on Friday, a spokesman said.", "tags": ["a"]},
]


def lines(rows: list[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def many(count: int) -> list[dict[str, object]]:
    return [{"id": n, "text": f"The minister named {n} reasons not to send soldiers to Ukraine."} for n in range(count)]


def test_json_lines_are_answered_in_their_place_and_counted(client: httpx.Client, bundle: Bundle) -> None:
    found = client.post("/v1/predict/bulk", content=lines(ROWS) + b"{\n", headers=NDJSON)
    assert found.headers["content-type"] == "application/x-ndjson"
    *rows, last = [json.loads(line) for line in found.text.splitlines()]
    assert last == {"done": True, "rows": 4, "errors": 2}
    one, three = bundle.model.predict([str(ROWS[0]["text"]), str(ROWS[2]["text"])])
    version = bundle.manifest.version
    assert alike(rows[0], {**ROWS[0], **answer(version, one)})
    assert alike(rows[2], {**ROWS[2], **answer(version, three)})
    assert rows[1] == {**ROWS[1], "stance_version": version, "stance_error": "blank_text"}
    assert rows[3] == {"stance_version": version, "stance_error": "invalid_json"}


def test_csv_comes_back_as_csv_with_the_columns_of_the_table_form(client: httpx.Client, bundle: Bundle) -> None:
    body = "date;body\n2026-01-02;=Войска не придут\n2026-01-03;Переговоры продлятся, сообщили в министерстве.\n"
    found = client.post(
        "/v1/predict/bulk?text_column=body&spreadsheet=true",
        content=body.encode("cp1251"),
        headers={"Content-Type": "text/csv; charset=windows-1251"},
    )
    assert found.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(found.content.decode())))
    assert list(rows[0]) == ["date", "body", *columns(bundle.model.axes)]
    assert rows[0]["body"] == "'=Войска не придут"
    assert [row["stance_language"] for row in rows] == ["ru", "ru"]


def test_what_cannot_be_answered_is_refused_before_the_answer_begins(
    client: httpx.Client, fitted: Fitted, serve: Callable[..., str]
) -> None:
    refused(
        client.post("/v1/predict/bulk", content=b"a", headers={"Content-Type": "text/plain"}),
        415,
        "unsupported_media_type",
    )
    for body in (b"body\na\n", b"text,text\na,b\n", b"text,stance_version\na,b\n", b""):
        refused(
            client.post("/v1/predict/bulk", content=body, headers={"Content-Type": "text/csv"}), 422, "table_invalid"
        )
    headless = "Войск не будет, сказал министр;1\nНет;2\n"
    for body in (headless.encode(), headless.encode("cp1251"), headless.encode("utf-16"), b'"' + b"a\n" * 2_000_000):
        answer = client.post("/v1/predict/bulk", content=body, headers={"Content-Type": "text/csv"})
        refused(answer, 422, "table_invalid", hides="Войск")
    url = serve({"STANCE_STORE": str(fitted.store), "STANCE_MAX_BULK_BYTES": "1000"})
    refused(httpx.post(f"{url}/v1/predict/bulk", content=b" " * 1001, headers=NDJSON), 413, "body_too_large")
    assert httpx.post(f"{url}/v1/predict/bulk", content=b" " * 1000, headers=NDJSON).json()["rows"] == 0

    def pieces() -> Iterator[bytes]:
        yield from (b" " * 600, b" " * 600)

    refused(httpx.post(f"{url}/v1/predict/bulk", content=pieces(), headers=NDJSON), 413, "body_too_large")


@pytest.mark.parametrize("send", [by_httpx, by_curl])
def test_a_bulk_that_lies_in_a_file_is_answered_whole_and_in_order(
    client: httpx.Client, tmp_path: Path, send: Callable[[str, Path], Answer]
) -> None:
    file = tmp_path / "rows.jsonl"
    rows = write(file, 1)
    assert file.stat().st_size > IN_MEMORY
    count, last = send(str(client.base_url).rstrip("/"), file)
    assert (count, json.loads(last)) == (rows + 1, {"done": True, "rows": rows, "errors": 0})


def test_a_bulk_larger_than_one_batch_keeps_its_order(client: httpx.Client) -> None:
    found = client.post("/v1/predict/bulk", content=lines(many(700)), headers=NDJSON)
    *rows, last = [json.loads(line) for line in found.text.splitlines()]
    assert [row["id"] for row in rows] == list(range(700))
    assert last == {"done": True, "rows": 700, "errors": 0}
