"""The servers that `serving.py` holds against each other: how each is started, asked, understood and ended."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
from running import ROOT, free_port, running

HERE = Path(__file__).parent
BENTO = ROOT / ".venv-bench" / "bin" / "python"
RATE = "100000/minute"
"""More requests than any server here answers: the limit is to be counted, never met."""
Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """Describe a kind of server: its command, where it is asked, and the form of what goes in and comes out."""

    name: str
    threads: int
    command: Callable[[int], list[str]]
    ready: str
    path: str
    body: Callable[[list[str]], Any]
    labels: Callable[[Any], list[Labels]]
    env: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    reload: Callable[["Server"], None] | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """Hold a running server: its kind, its port and the process that all its others come from."""

    kind: Kind
    port: int
    process: psutil.Process

    def tree(self) -> list[psutil.Process]:
        """Return all its processes."""
        return [self.process, *self.process.children(recursive=True)]

    def processor(self) -> float:
        """Return the seconds of processor time that it has taken so far, in user and system mode."""
        return float(sum(times.user + times.system for times in (each.cpu_times() for each in self.tree())))

    def resident(self) -> float:
        """Return the MiB of memory that it holds; a page that several processes share counts in parts."""
        return float(sum(each.memory_full_info().pss for each in self.tree())) / 2**20


def kinds(bundle: Path, work: Path) -> list[Kind]:
    """Describe all servers of a bundle; ``work`` holds what they need besides and what they write."""
    store = work / "store"
    for version in ("one", "two"):
        shutil.copytree(bundle, store / version)
    (store / "current").symlink_to("one")
    secret = secrets.token_urlsafe(32)
    keyed = {"Authorization": f"Bearer {secret}"}
    axes = [axis["name"] for axis in json.loads((bundle / "manifest.json").read_text("utf-8"))["axes"]]

    def reload(server: Server) -> None:
        other = "one" if (store / "current").readlink().name == "two" else "two"
        (store / "next").symlink_to(other)
        (store / "next").replace(store / "current")
        address = f"http://127.0.0.1:{server.port}/v1/admin/reload"
        with urlopen(Request(address, method="POST", headers=keyed)) as answer:
            assert json.load(answer)["reload_fault"] is None, "the copy of the bundle was not taken"

    def ours(threads: int) -> Kind:
        return Kind(
            f"Stance Desk, {threads} thread{'s' * (threads > 1)}",
            threads,
            lambda _port: [sys.executable, "-m", "service"],
            "/readyz",
            "/v1/predict",
            lambda texts: {"text": texts[0]} if len(texts) == 1 else {"texts": texts},
            lambda answer: [_labels(each) for each in answer["predictions"]],
            {
                "STANCE_STORE": str(store),
                "STANCE_DATABASE_URL": f"sqlite:///{work / f'stance-{threads}.db'}",
                "STANCE_API_KEYS": f"bench:admin:{sha256(secret.encode()).hexdigest()}",
                "STANCE_RATE": RATE,
            },
            keyed,
            reload,
        )

    mlflow = Kind(
        "mlflow models serve, 1 thread",
        1,
        lambda port: [
            *(sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(work / "mlflow")),
            *("--env-manager", "local", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        ],
        "/ping",
        "/invocations",
        lambda texts: {"dataframe_split": {"columns": ["text"], "data": [[text] for text in texts]}},
        lambda answer: [{axis: row[f"stance_{axis}"] for axis in axes} for row in answer["predictions"]],
    )
    bento = Kind(
        "BentoML, 1 thread",
        1,
        lambda port: [
            *(str(BENTO), "-m", "bentoml", "serve", "bento:Stance", "--working-dir", str(HERE)),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        "/readyz",
        "/predict",
        lambda texts: {"texts": texts},
        lambda answer: [_labels(each) for each in answer],
        {"STANCE_BUNDLE": str(bundle), "BENTOML_HOME": str(work / "bentoml")},
    )
    return [ours(1), ours(2), mlflow, bento]


def _labels(prediction: dict[str, Any]) -> Labels:
    return {axis: stance["label"] for axis, stance in prediction["stances"].items()}


@contextmanager
def started(kind: Kind, work: Path) -> Iterator[Server]:
    """Run a server of a kind; ``work`` is where its log goes."""
    port = free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith("STANCE_")}
    env = {
        **own,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # mlflow calls uvicorn by its name
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": str(kind.threads),
        "STANCE_THREADS": str(kind.threads),
        "STANCE_PORT": str(port),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "BENTOML_DO_NOT_TRACK": "true",
        **kind.env,
    }
    log = work / f"{re.sub('[^a-z0-9]+', '-', kind.name.lower())}.log"
    with running(kind.command(port), env, f"http://127.0.0.1:{port}{kind.ready}", log) as pid:
        yield Server(kind, port, psutil.Process(pid))


def child(script: str, asked: Any) -> Any:
    """Run a script beside this file in a process of its own, JSON in and JSON out."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, str(HERE / script)]
    done = subprocess.run(command, input=json.dumps(asked), env=env, capture_output=True, text=True)  # noqa: S603 (our own)
    if done.returncode:
        sys.exit(f"error: {script} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def asked(server: Server, requests: Sequence[list[str]], connections: int) -> Any:
    """Send requests of texts to a server and return what the client measured, the answers as labels."""
    kind = server.kind
    bodies = [kind.body(texts) for texts in requests]
    plan = {"port": server.port, "path": kind.path, "headers": kind.headers, "bodies": bodies}
    found = child("load.py", {**plan, "connections": connections})
    found["labels"] = [kind.labels(answer) for answer in found.pop("answers")]
    return found
