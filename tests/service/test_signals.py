"""What the service has taken it keeps: rows by SIGTERM, corrections by a kill."""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest

from service.storage.database import Database
from service.storage.store import Store
from tests.conftest import Fitted, serving
from tests.service.test_bulk import NDJSON, lines, many


def stopping(log: Path, workers: int) -> None:
    """Wait until every worker has said that it stops."""
    for _ in range(400):
        if log.read_text().count('"Shutting down"') == workers:
            return
        time.sleep(0.05)
    pytest.fail("never said that it stops")


@pytest.mark.parametrize("workers", [1, 2])
def test_bulks_that_are_answered_or_still_come_in_are_answered_whole(
    fitted: Fitted, tmp_path: Path, workers: int
) -> None:
    log, begun, ended = tmp_path / "log", Event(), Event()
    rows = many(600)

    def slowly() -> Iterator[bytes]:
        yield lines(rows[:300])
        begun.set()
        assert ended.wait(60)
        yield lines(rows[300:])

    def sent(content: bytes | Iterator[bytes], kind: str, parts: list[bytes], first: Event) -> bytes:
        with httpx.stream("POST", bulk, content=content, headers={"Content-Type": kind}, timeout=60) as answer:
            for part in answer.iter_bytes():
                parts.append(part)
                first.set()
        return b"".join(parts)

    env = {**fitted.env, "STANCE_WORKERS": str(workers), "STANCE_CACHE_TEXTS": "0"}
    with serving(env, log) as (process, url), ThreadPoolExecutor() as clients:
        bulk = f"{url}/v1/predict/bulk"
        late = clients.submit(sent, slowly(), NDJSON["Content-Type"], [], Event())
        assert begun.wait(60)
        firsts = [Event(), Event()]
        table = "".join(f"{row['id']},{row['text']}\n" for row in rows).encode()
        early = clients.submit(sent, lines(rows), NDJSON["Content-Type"], [], firsts[0])
        csv = clients.submit(sent, b"id,text\n" + table, "text/csv", [], firsts[1])
        assert all(first.wait(60) for first in firsts)
        process.send_signal(signal.SIGTERM)
        stopping(log, workers)
        ended.set()
        for answer in (late, early):
            *found, last = [json.loads(line) for line in answer.result(60).splitlines()]
            assert [row["id"] for row in found] == list(range(len(rows)))
            assert last == {"done": True, "rows": len(rows), "errors": 0}
        assert csv.result(60).count(b"\r\n") == len(rows) + 1
        assert process.wait(20) in (0, -signal.SIGTERM)


def test_corrections_that_were_acknowledged_survive_a_kill_while_others_come(fitted: Fitted, tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path / 'stance.db'}"
    acknowledged: list[str] = []
    enough = Event()

    def correct(url: str, annotator: int) -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            for n in range(10_000):
                text = f"The minister named {n} reasons not to send {annotator} soldiers."
                try:
                    answer = client.post("/v1/feedback", json={"text": text, "labels": {"troops": "anti"}})
                except httpx.TransportError:  # killed
                    return
                assert answer.status_code == 201
                acknowledged.append(text)
                if len(acknowledged) > 100:
                    enough.set()

    with serving({**fitted.env, "STANCE_DATABASE_URL": database_url}, tmp_path / "log") as (process, url):
        with ThreadPoolExecutor(4) as clients:
            work = [clients.submit(correct, url, annotator) for annotator in range(4)]
            assert enough.wait(120)
            process.send_signal(signal.SIGKILL)
        for each in work:
            each.result()
        assert process.wait() == -signal.SIGKILL
    database = Database(database_url)
    assert {each.text for each in Store(database).corrections()} >= set(acknowledged)
    database.close()
