import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import LocalCluster

from models.bundle import Bundle
from training.corpus import Corpus
from training.forms import Options
from training.scaling.score import score
from training.summary import Summary

Score = Callable[..., Summary]


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    """A scheduler and two worker processes on loopback, each with a nanny that starts it again when it dies."""
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as found:
        yield found


@pytest.fixture(scope="session")
def score_on(cluster: LocalCluster, ngram_bundle: Bundle) -> Score:
    """Score on that cluster."""

    def scored(source: Path | str, target: Path | str, bundle: Path = ngram_bundle.path, **more: object) -> Summary:
        overwrite = bool(more.pop("overwrite", False))
        options = Options(**more)  # type: ignore[arg-type]
        return score(str(source), str(target), bundle, options, overwrite, cluster.scheduler_address)

    return scored


@pytest.fixture(scope="session")
def texts(corpus: Corpus) -> list[str]:
    return sorted(set(corpus.frame["text"]))


@pytest.fixture(scope="session")
def archive(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve row groups of 120 statements: some seconds of two processes."""
    file = tmp_path_factory.mktemp("archive") / "archive.parquet"
    pq.write_table(pa.table({"n": range(1440), "text": texts[:1440]}), file, row_group_size=120)
    return file


def digests(folder: Path) -> dict[str, bytes]:
    """Return what the parts in a folder hold, without the records of the run."""
    files = [file for file in folder.rglob("*.parquet") if "_score" not in file.parts]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def rows_of(folder: Path) -> pd.DataFrame:
    """Return all rows of the parts in a folder, in order."""
    return pd.concat([pd.read_parquet(folder / name) for name in sorted(digests(folder))], ignore_index=True)


def alive(pid: int) -> bool:
    """Say whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"
