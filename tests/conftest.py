import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.axes import read_axes
from models.bundle import STORE, Bundle, load_bundle, write_bundle
from training.card import card
from training.corpus import AXES, Corpus, corpus_files, read_corpus
from training.fit import fit
from training.ground import CACHE, ngrams

ROOT = Path(__file__).parent.parent


def run(*words: str, env: dict[str, str] | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run one of our commands as a person would, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", *words], env={**os.environ, **(env or {})}, cwd=cwd, text=True, capture_output=True
    )


def alike(one: Any, other: Any) -> bool:
    """Say whether two answers agree: probabilities within a unit of the fourth place, to which the wire rounds them.

    What shares a batch may move a probability by 1e-5, and so over the edge of a rounding.
    """
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) < 1.5e-4
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


@dataclass(frozen=True)
class Fitted:
    """A store with one tracked, released version, and the environment that leads there."""

    store: Path
    env: dict[str, str]
    printed: str

    @property
    def version(self) -> str:
        return (self.store / "current").readlink().name


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return read_corpus(corpus_files(), read_axes(AXES))


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Fit on the whole corpus, tracked in a real MLflow store, and release: the chain that all else stands on."""
    folder = tmp_path_factory.mktemp("fitted")
    if (known := STORE / CACHE).is_dir():  # what `make check` or a fit has encoded is not encoded once more
        # Not what another process is writing there at this moment, which may be gone before it is copied.
        shutil.copytree(known, folder / "store" / CACHE, ignore=shutil.ignore_patterns(".writing-*"))
    env = {
        "STANCE_STORE": str(folder / "store"),
        "STANCE_DATABASE_URL": f"sqlite:///{folder / 'stance.db'}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
    }
    fitting = run("training", "fit", env=env)
    assert fitting.returncode == 0, fitting.stderr
    released = run("training", "release", env=env)
    assert released.returncode == 0, released.stderr
    return Fitted(folder / "store", env, fitting.stdout + fitting.stderr)


@pytest.fixture(scope="session")
def bundle(fitted: Fitted) -> Bundle:
    return load_bundle(fitted.store / fitted.version)


@pytest.fixture(scope="session")
def ngram_bundle(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Fit n-grams on a part of the corpus, save and load them: the other format of a bundle."""
    frame = corpus.frame.groupby("part", group_keys=False).head(600).reset_index(drop=True)
    made = fit(replace(corpus, frame=frame), ngrams, None)
    return load_bundle(
        write_bundle(
            tmp_path_factory.mktemp("ngrams"), made.model, made.facts, made.golden, card(made), None, made.reference
        )
    )


@contextmanager
def serving(env: dict[str, str], log: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a service on a free port; who wants it to end otherwise than by a kill ends it himself."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"],
            env={**os.environ, **env, "STANCE_PORT": "0"},
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    assert process.stdout is not None
    try:
        address = re.search(r"http://\S+", process.stdout.readline())
        assert address, f"the service did not start: {log}"
        yield process, address[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Start services as processes of their own, each with a database of its own unless one is named.

    What was started ends with the context: a service holds hundreds of megabytes.
    """
    running: list[subprocess.Popen[str]] = []
    with ExitStack() as contexts:

        def start(env: dict[str, str], log: Path | None = None) -> str:
            own = {"STANCE_DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('database') / 'stance.db'}"}
            process, address = contexts.enter_context(serving({**own, **env}, log or Path(os.devnull)))
            running.append(process)
            return address

        yield start
        for process in running:
            process.terminate()
            assert process.wait(20) in (0, -signal.SIGTERM)  # uvicorn ends by the signal that it was sent, when done


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Start services that end with the module."""
    with services(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="session")
def serve_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Start services that many modules ask, and that end with the session."""
    with services(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="session")
def client(fitted: Fitted, serve_to_all: Callable[..., str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve_to_all({"STANCE_STORE": str(fitted.store)}), timeout=30) as client:
        yield client
