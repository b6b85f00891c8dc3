"""What serving costs: this service, `mlflow models serve` and BentoML on the same bundle, cores and threads."""

import argparse
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from report import ALONE, MANY, Figures, Results, write
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from servers import BENTO, ROOT, Labels, Server, asked, child, kinds, started

CORES = 2
ROUNDS = 3
TOKENS = (10, 20, 40, 80, 160, 320)
TEXTS = (1, 4, 16, 64, 256)
CONNECTIONS = (1, 2, 4, 8, 16, 32)
WARM = 64
PER_TEXT = 12
"""Texts of the corpus that are joined, at most, into one of the longest."""
EPILOG = """examples:
  python benchmarks/serving.py
  python benchmarks/serving.py models/store/20260102T030405Z-0a1b2c3d
  python benchmarks/serving.py --requests 40      # a few minutes, to see that it runs; its figures say little

`make bench` installs what is needed and runs it; about six minutes on two cores that do nothing else. It needs Linux.
Servers listen on 127.0.0.1, and all are ended with it. Tables and plot go into benchmarks/README.md."""


class Bench:
    """Measure one thing after the other, every text sent to a server once, and hold the labels against each other."""

    def __init__(self, bundle: Path, work: Path, requests: int, progress: Progress) -> None:
        self.bundle, self.work, self.requests = bundle, work, requests
        self.kinds = kinds(bundle, work)
        self.labels: dict[str, Labels] = {}
        self.progress = progress
        steps = 1 + len(self.kinds) * 2 + ROUNDS * (2 * len(self.kinds) + 1)
        self.task = progress.add_task("", total=steps + len(TOKENS) + len(TEXTS) + len(CONNECTIONS))
        self.step("texts and the model for MLflow")
        few = max(8, requests // 4)
        plan = {"bundle": str(bundle), "mlflow": str(work / "mlflow"), "tokens": TOKENS, "count": few}
        made = child("prepare.py", {**plan, "cut_from": few * PER_TEXT})
        self.cut: dict[str, list[str]] = made["cut"]
        self.mean = float(made["tokens"])
        self.texts: Iterator[str] = iter(made["texts"])
        needed = WARM * 3 + requests * (2 * ROUNDS + len(CONNECTIONS)) + 2 * max(TEXTS) * len(TEXTS)
        if needed > len(made["texts"]):
            sys.exit(f"error: {requests} requests need {needed} texts, the corpus has {len(made['texts'])}; ask fewer")

    def step(self, what: str) -> None:
        """Tell what is done now."""
        self.progress.update(self.task, description=what, advance=1)

    def _fresh(self, count: int) -> list[str]:
        return [next(self.texts) for _ in range(count)]

    def ask(self, server: Server, requests: Sequence[list[str]], connections: int) -> Figures:
        """Send requests, check the labels against what was answered before, and return the figures."""
        before = server.processor()
        found = asked(server, requests, connections)
        processor = server.processor() - before
        for texts, predictions in zip(requests, found["labels"], strict=True):
            for text, labels in zip(texts, predictions, strict=True):
                if self.labels.setdefault(text, labels) != labels:
                    sys.exit(f"error: {server.kind.name} labels a text {labels}, others {self.labels[text]}: {text}")
        return Figures.of(found["took"], found["seconds"], processor, sum(map(len, requests)))

    def resident(self) -> dict[str, float]:
        """Return the MiB that each server holds, by itself, after some texts; ours with a reload between them."""
        found, texts = {}, [[text] for text in self._fresh(2 * WARM)]
        for kind in self.kinds:
            self.step(f"memory: {kind.name}")
            with started(kind, self.work) as server:
                self.ask(server, texts[:WARM], MANY)
                if kind.reload:
                    kind.reload(server)
                self.ask(server, texts[WARM:], MANY)
                found[kind.name] = server.resident()
        return found

    def rounds(self, servers: Sequence[Server], results: Results) -> None:
        """Measure all servers on the same texts in turns, beginning with another each round, and the encoder."""
        found: dict[tuple[str, int], list[Figures]] = {}
        alone: dict[str, list[Figures]] = {}
        for number in range(ROUNDS):
            lists = {connections: self._fresh(self.requests) for connections in (ALONE, MANY)}
            for connections, texts in lists.items():
                for at in range(len(servers)):
                    server = servers[(at + number) % len(servers)]
                    self.step(f"round {number + 1}: {server.kind.name}, at {connections}")
                    figures = self.ask(server, [[text] for text in texts], connections)
                    found.setdefault((server.kind.name, connections), []).append(figures)
            self.step(f"round {number + 1}: the encoder by itself")
            plan = {"bundle": str(self.bundle), "threads": 1, "single": lists[ALONE], "batches": lists[MANY]}
            for name, times in child("alone.py", plan).items():
                figures = Figures.of(times["took"], times["seconds"], times["processor"], self.requests)
                alone.setdefault(name, []).append(figures)
        results.servers = {key: Figures.median(each) for key, each in found.items()}
        results.encoder = {name: Figures.median(each) for name, each in alone.items()}

    def growth(self, server: Server) -> dict[str, dict[int, Figures]]:
        """Measure how the cost of a server grows with the length of a text, texts a request, and connections."""
        found: dict[str, dict[int, Figures]] = {"tokens": {}, "texts": {}, "connections": {}}
        for tokens in TOKENS:
            self.step(f"growth: {tokens} tokens")
            found["tokens"][tokens] = self.ask(server, [[text] for text in self.cut[str(tokens)]], ALONE)
        for size in TEXTS:
            self.step(f"growth: {size} texts a request")
            requests = [self._fresh(size) for _ in range(2 * max(TEXTS) // size)]
            found["texts"][size] = self.ask(server, requests, ALONE)
        for connections in CONNECTIONS:
            self.step(f"growth: {connections} connections")
            texts = [[text] for text in self._fresh(self.requests)]
            found["connections"][connections] = self.ask(server, texts, connections)
        return found


def measured(bundle: Path, requests: int, progress: Progress) -> Results:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="stance-bench-") as folder, ExitStack() as running:
        work = Path(folder)
        bench = Bench(bundle, work, requests, progress)
        results = Results(facts(bundle, bench.mean, requests))
        results.resident = bench.resident()
        servers = []
        for kind in bench.kinds:
            bench.step(f"starting {kind.name}")
            servers.append(running.enter_context(started(kind, work)))
        warm = [[text] for text in bench._fresh(WARM)]
        for server in servers:
            bench.ask(server, warm, MANY)
        bench.rounds(servers, results)
        results.growth = bench.growth(servers[0])
    return results


def facts(bundle: Path, mean: float, requests: int) -> str:
    """Say in a sentence what was measured on what."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    version = json.loads((bundle / "manifest.json").read_text("utf-8"))["version"]
    return (
        f"{len(os.sched_getaffinity(0))} cores of {model[1] if model else platform.machine()}, "
        f"Python {platform.python_version()}, bundle {version}, texts of {mean:.0f} tokens in the mean, "
        f"{ROUNDS} rounds of {requests} requests."
    )


def main() -> None:
    """Measure, and write tables and plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", nargs="?", type=Path, default=ROOT / "models" / "released", help="bundle to serve")
    parser.add_argument("--requests", type=int, default=400, metavar="N", help="requests a server, level and round")
    given = parser.parse_args()
    if not (given.bundle / "encoder.onnx").is_file():
        sys.exit(f"error: {given.bundle}: no bundle with an encoder there")
    if not BENTO.exists():
        sys.exit("error: BentoML is not installed; `make bench` installs it into .venv-bench and runs this")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])  # the processes that are started inherit it
    columns = (TextColumn("{task.description:48}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        results = measured(given.bundle.resolve(), given.requests, progress)
    write(results)


if __name__ == "__main__":
    main()
