import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster

from models.bundle import Bundle
from models.errors import StoreError
from tests.conftest import ROOT
from tests.training.scaling.conftest import Score, alive, digests, rows_of

PATIENCE = 60.0


def until(found: object) -> None:
    """Wait until a condition holds."""
    began = monotonic()
    while not found():  # type: ignore[operator]
        assert monotonic() - began < PATIENCE
        sleep(0.01)


def records(output: Path) -> list[Path]:
    return sorted((output / "_score").glob("0*.json"))


@pytest.fixture(scope="module")
def unbroken(archive: Path, score_on: Score, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken") / "out"
    assert score_on(archive, folder).rows == 1440
    return folder


def test_a_worker_that_is_killed_loses_nothing(
    archive: Path, unbroken: Path, cluster: LocalCluster, tmp_path: Path, score_on: Score
) -> None:
    with Client(cluster, set_as_default=False) as client:
        pids = list(client.run(os.getpid).values())
    output, killed = tmp_path / "out", []

    def kill() -> None:
        until(lambda: records(output))
        os.kill(pids[0], signal.SIGKILL)
        killed.append(len(records(output)))

    killer = Thread(target=kill)
    killer.start()
    found = score_on(archive, output)
    killer.join()
    assert killed[0] < 12
    assert not alive(pids[0])
    assert (found.rows, found.failures) == (1440, [])
    assert digests(output) == digests(unbroken)
    assert not list(output.rglob("*.writing"))


def test_a_client_that_is_killed_goes_on_from_the_finished_partitions(
    archive: Path, unbroken: Path, ngram_bundle: Bundle, tmp_path: Path, score_on: Score
) -> None:
    output = tmp_path / "out"
    words = ["score", str(archive), str(output), "--bundle", str(ngram_bundle.path), "--workers", "2"]
    command = [sys.executable, "-m", "training", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as client:
        until(lambda: records(output) or client.poll() is not None)
        started = psutil.Process(client.pid).children(recursive=True)
        client.kill()
        assert "dashboard: http://127.0.0.1:" in client.stdout.read()  # type: ignore[union-attr]
    before = {file.name: file.stat().st_mtime_ns for file in records(output)}
    assert len(started) >= 2
    assert 0 < len(before) < 12
    until(lambda: not any(alive(each.pid) for each in started))
    finished = {file: file.stat().st_mtime_ns for file in output.glob("*.parquet")}
    found = score_on(archive, output)
    assert (found.rows, found.failures) == (1440, [])
    assert {name: (output / "_score" / name).stat().st_mtime_ns for name in before} == before
    assert sum(file.stat().st_mtime_ns == at for file, at in finished.items()) >= len(before)
    assert digests(output) == digests(unbroken)
    assert not list(output.rglob("*.writing"))


def test_a_part_that_was_cut_short_is_made_again(
    archive: Path, unbroken: Path, tmp_path: Path, score_on: Score
) -> None:
    output = tmp_path / "out"
    score_on(archive, output)
    (output / "_score" / "summary.json").unlink()  # as if the run had been killed before its end
    whole = output / "archive.parquet-00003.parquet"
    whole.write_bytes(whole.read_bytes()[:1000])
    (output / "archive.parquet-00005.parquet").unlink()
    assert score_on(archive, output).rows == 1440
    assert digests(output) == digests(unbroken)


def test_a_run_goes_on_only_as_it_was_begun(
    archive: Path, ngram_bundle: Bundle, tmp_path: Path, score_on: Score
) -> None:
    source, output = tmp_path / "in.parquet", tmp_path / "out"
    source.write_bytes(archive.read_bytes())
    score_on(source, output)
    with pytest.raises(StoreError, match="exists; name another place"):
        score_on(source, output)
    (output / "_score" / "summary.json").unlink()
    with pytest.raises(StoreError, match="with other options was begun there"):
        score_on(source, output, articles=True)
    pq.write_table(pa.table({"text": ["Another text than was there before."]}), source)
    with pytest.raises(StoreError, match="with other files was begun there"):
        score_on(source, output)
    manifest = json.loads((output / "_score" / "run.json").read_text())
    (output / "_score" / "run.json").write_text(json.dumps({**manifest, "bundle": "0" * 64}))
    with pytest.raises(StoreError, match="with other bundle, files was begun there"):
        score_on(source, output)
    assert len(digests(output)) == 12
    assert score_on(source, output, overwrite=True).rows == 1
    assert rows_of(output)["text"].tolist() == ["Another text than was there before."]


def test_a_file_that_exists_is_kept_unless_one_says_otherwise(tmp_path: Path, score_on: Score) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\nThe talks resume on Friday.\n")
    target.write_text("mine")
    with pytest.raises(StoreError, match="exists; name another place"):
        score_on(source, target)
    assert target.read_text() == "mine"
    assert score_on(source, target, overwrite=True).rows == 1
    assert target.read_text().startswith("text,stance_language")
    assert {file.name for file in tmp_path.iterdir()} == {"in.csv", "out.csv"}


def test_what_failed_is_tried_again_and_nothing_else(tmp_path: Path, score_on: Score) -> None:
    (tmp_path / "a.csv").write_text("text\nThe talks resume on Friday.\n")
    (tmp_path / "b.csv").write_text("body\nThe talks resume on Friday.\n")
    target = tmp_path / "out.jsonl"
    record = tmp_path / "out.jsonl.scoring" / "000000-000000.json"
    times = []
    for _ in range(2):
        found = score_on(f"{tmp_path}/*.csv", target)
        assert [failure.place for failure in found.failures] == [f"{tmp_path}/b.csv"]
        assert len(target.read_text().splitlines()) == found.rows == 1
        times.append(record.stat().st_mtime_ns)
    assert times[0] == times[1]
    alone = tmp_path / "alone.jsonl"
    assert score_on(tmp_path / "b.csv", alone).rows == 0
    assert not alone.exists()
    assert not (tmp_path / "alone.jsonl.scoring").exists()
