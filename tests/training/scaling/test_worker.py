import logging
import shutil
from pathlib import Path
from time import sleep

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster, Worker

from models.bundle import RELEASED, Bundle
from models.errors import BundleDamaged, BundleForeign, BundleUntrusted
from tests.training.scaling.conftest import Score
from training.scaling import worker as module
from training.scaling.cluster import cluster as started
from training.scaling.worker import Delivery


def delivered(digest: str, dask_worker: Worker) -> int:
    """Return when the bundle's manifest was written on a worker."""
    return (Path(dask_worker.local_directory) / digest / "manifest.json").stat().st_mtime_ns


def threads(digest: str, dask_worker: Worker) -> tuple[int, int]:
    """Return how many threads the encoder of a worker has, and how many tasks the worker runs at once."""
    encoder = module.loaded(Path(dask_worker.local_directory) / digest).model.heads.features
    return encoder._session.get_session_options().intra_op_num_threads, dask_worker.state.nthreads


def tells_of_its_end(dask_worker: Worker) -> tuple[bool, bool]:
    """Return whether a worker's process logs errors while it works, and once its plugins have seen it end."""
    logger = logging.getLogger("distributed.worker")
    works = logger.isEnabledFor(logging.ERROR)
    dask_worker.plugins["last-words"].teardown(dask_worker)
    return works, logger.isEnabledFor(logging.ERROR)


def kept(dask_worker: Worker) -> int:
    """Return how many seconds of profiles a worker keeps."""
    return len(dask_worker.profile_history)


@pytest.mark.parametrize(("workers", "most", "expected"), [(1, 9, 1), (3, 9, 3), (None, 1, 1), (4, 2, 2)])
def test_a_cluster_has_the_workers_that_are_asked_for_but_no_more_than_there_is_work(
    workers: int | None, most: int, expected: int
) -> None:
    with started(None, workers, most) as client:
        assert len(client.scheduler_info(n_workers=-1)["workers"]) == expected


def test_a_worker_keeps_nothing_of_what_it_did() -> None:
    with started(None, 1, 1) as client:
        client.submit(sleep, 2.5).result()
        assert set(client.run(kept).values()) == {0}


def test_a_worker_logs_errors_until_it_ends() -> None:
    with started(None, 1, 1) as client:
        assert set(client.run(tells_of_its_end).values()) == {(True, False)}


def test_a_bundle_reaches_each_worker_once_and_its_encoder_has_one_thread(
    cluster: LocalCluster, score_on: Score, texts: list[str], tmp_path: Path
) -> None:
    pq.write_table(pa.table({"text": texts[:20]}), tmp_path / "in.parquet", row_group_size=10)
    digest = Delivery(RELEASED).digest
    times = []
    with Client(cluster, set_as_default=False) as client:
        for name in ("first", "second"):
            score_on(tmp_path / "in.parquet", tmp_path / name, RELEASED)
            times.append(client.run(delivered, digest))
        assert len(times[0]) == 2
        assert times[0] == times[1]
        assert set(client.run(threads, digest).values()) == {(1, 1)}


def test_what_arrives_otherwise_than_it_was_sent_is_refused(ngram_bundle: Bundle, tmp_path: Path) -> None:
    for name in ("manifest.json", "heads.joblib"):
        delivery = Delivery(ngram_bundle.path)
        delivery._contents[name] += b" "
        with pytest.raises(BundleDamaged, match=name.partition(".")[0]):
            delivery._take(tmp_path / name)


def test_a_bundle_that_a_worker_refuses_is_told_each_time_and_nothing_is_scored(
    ngram_bundle: Bundle, score_on: Score, tmp_path: Path
) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\nThe talks resume on Friday.\n")
    folder = shutil.copytree(ngram_bundle.path, tmp_path / "bundle")
    libraries = {**ngram_bundle.manifest.libraries, "scikit-learn": "0.1"}
    manifest = ngram_bundle.manifest.model_copy(update={"libraries": libraries})
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    for _ in range(2):
        with pytest.raises(BundleForeign, match=r"made with scikit-learn 0\.1"):
            score_on(source, output, folder)
    assert not output.exists()
    folder.chmod(0o777)
    with pytest.raises(BundleUntrusted, match="everybody may write"):
        score_on(source, output, folder)
