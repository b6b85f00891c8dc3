"""Ask a real service again and again with words that it never saw, change its model ten times, and watch its memory.

Random words of Cyrillic and Latin letters, four to twelve a text: single texts, articles, texts to be stored and small
bulks, over several connections. Two copies of the bundle take turns as ``current``; the one abstains nowhere for want
of confidence and the other everywhere, so that an answer mixed of both is seen. It prints resident memory after the
warm-up (the second tenth) and at the end (the last), and draws it in ``benchmarks/soak.png``. It ends with 1 where a
request failed, versions were mixed or memory grew by more than ``MOST_GROWTH``. An hour or two, by hand::

    make soak
    python -m benchmarks.soak --requests 5000
"""

import argparse
import asyncio
import json
import random
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from matplotlib.figure import Figure
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.running import resident, service
from models.bundle import STORE, read_manifest, serving

REQUESTS = 100_000
CONNECTIONS = 8
RELOADS = 10
MOST_GROWTH = 32
"""MiB that memory may grow by from the second tenth to the last: less than one more copy of the model would take."""
KINDS = {"predict": 78, "analyze": 12, "store": 8, "bulk": 2}
"""What is asked, in parts of a hundred."""
LETTERS = ("абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "abcdefghijklmnopqrstuvwxyz")
PLOT = Path(__file__).parent / "soak.png"


@dataclass
class Run:
    """Hold what a run has seen: memory in MiB by requests answered, places of reloads, and faults."""

    url: str
    pid: int
    requests: int
    thresholds: dict[str, float]
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    asked: int = 0
    answered: int = 0
    memory: list[tuple[int, float]] = field(default_factory=list)
    reloads: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Make a text of words that nobody has seen."""
        letters = self.chance.choice(LETTERS)
        words = [
            "".join(self.chance.choices(letters, k=self.chance.randint(2, 10)))
            for _ in range(self.chance.randint(4, 12))
        ]
        return f"{' '.join(words).capitalize()}."

    def held(self, version: str, stances: dict[str, Any]) -> None:
        """Note an answer that is not of its version."""
        for stance in stances.values():
            unlike = stance["certain"] if self.thresholds[version] else stance.get("reason") == "low_confidence"
            if unlike:
                self.faults.append(f"{version}: an answer of the other version")

    async def ask(self, client: httpx.AsyncClient) -> None:
        """Send one request and look at its answer."""
        [kind] = self.chance.choices(list(KINDS), list(KINDS.values()))
        if kind == "bulk":
            lines = "".join(json.dumps({"text": self.text()}) + "\n" for _ in range(self.chance.randint(5, 40)))
            headers = {"Content-Type": "application/x-ndjson"}
            answer = await client.post("/v1/predict/bulk", content=lines.encode(), headers=headers)
            *rows, last = map(json.loads, answer.text.splitlines())
            if answer.status_code != 200 or last != {"done": True, "rows": lines.count("\n"), "errors": 0}:
                self.faults.append(f"bulk: {answer.status_code}")
            if len({row["stance_version"] for row in rows}) != 1:
                self.faults.append("bulk: two versions")
            return
        article = kind == "analyze"
        text = " ".join(self.text() for _ in range(self.chance.randint(2, 8))) if article else self.text()
        path = "/v1/analyze" if article else "/v1/predict"
        answer = await client.post(path, json={"text": text, "store": kind == "store"})
        if answer.status_code != 200:
            self.faults.append(f"{kind}: {answer.status_code}")
            return
        body = answer.json()
        for found in body["statements" if article else "predictions"]:
            self.held(body["model"]["version"], found["stances"])

    async def ask_on(self, client: httpx.AsyncClient, bar: Progress) -> None:
        """Send requests until all are sent."""
        while self.asked < self.requests:
            self.asked += 1
            try:
                await self.ask(client)
            except (httpx.HTTPError, ValueError, KeyError) as error:
                self.faults.append(type(error).__name__)
            self.answered += 1
            bar.update(bar.task_ids[0], completed=self.answered)

    async def watch(self, bar: Progress) -> None:
        """Note the memory, some five hundred times in a run, and say how it goes."""
        noted, began = -1, monotonic()
        while True:
            if self.answered >= noted + self.requests // 500:
                noted = self.answered
                self.memory.append((noted, resident(self.pid)))
                said = f"{noted / (monotonic() - began):.0f}/s {self.memory[-1][1]:.0f} MiB {len(self.faults)} faults"
                bar.update(bar.task_ids[0], description=said)
            await asyncio.sleep(0.1)

    async def reload(self, client: httpx.AsyncClient, store: Path) -> None:
        """Release the two versions in turn, spread over the run, each until it is served."""
        versions = list(self.thresholds)
        for n in range(RELOADS):
            while self.answered < self.requests * (n + 0.5) / RELOADS:
                await asyncio.sleep(0.1)
            point(store, versions[(n + 1) % 2])
            while (await client.get("/readyz")).json()["version"] != versions[(n + 1) % 2]:
                await asyncio.sleep(0.2)
            self.reloads.append(self.answered)

    async def go(self, store: Path) -> None:
        """Ask, reload and watch to the end."""
        columns = (MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as client:
            with Progress(*columns) as bar:
                bar.add_task("", total=self.requests)
                watching = asyncio.create_task(self.watch(bar))
                await asyncio.gather(
                    self.reload(client, store), *(self.ask_on(client, bar) for _ in range(CONNECTIONS))
                )
                watching.cancel()

    def during(self, first: float, last: float) -> float:
        """Return the median memory between two shares of the run."""
        return statistics.median(m for n, m in self.memory if first <= n / self.requests <= last)

    def draw(self) -> None:
        """Draw memory over the run, and where the model changed."""
        figure = Figure(figsize=(7, 2.6), layout="constrained")
        axes = figure.subplots()
        axes.plot(*zip(*self.memory, strict=True), linewidth=1)
        for at in self.reloads:
            axes.axvline(at, color="0.8", linewidth=0.8, zorder=0)
        axes.set(
            xlabel="requests (grey: another version)", ylabel="resident, MiB", ylim=(0, None), xlim=(0, self.requests)
        )
        figure.savefig(PLOT, dpi=120)


def point(store: Path, version: str) -> None:
    """Make a version the current one, as a release does."""
    link = store / "next"
    link.symlink_to(version)
    link.replace(store / "current")


def copies(store: Path) -> dict[str, float]:
    """Put two copies of the bundle that is served into a store; return the threshold of each version."""
    source = serving(STORE)
    made = {"20260101T000000Z-00000000": 0.0, "20260101T000000Z-11111111": 1.0}
    for version, threshold in made.items():
        folder = shutil.copytree(source, store / version)
        manifest = read_manifest(source)
        changes = {"version": version, "thresholds": dict.fromkeys(manifest.thresholds, threshold)}
        (folder / "manifest.json").write_text(manifest.model_copy(update=changes).model_dump_json(), "utf-8")
    return made


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description="Ask a real service for long and watch its memory.")
    parser.add_argument("--requests", type=int, default=REQUESTS, help=f"how many [{REQUESTS:,}]")
    requests = parser.parse_args().requests
    with tempfile.TemporaryDirectory(prefix="stance-soak-") as folder:
        store = Path(folder)
        thresholds = copies(store)
        point(store, next(iter(thresholds)))
        with service({"STANCE_STORE": folder, "STANCE_RELOAD_SECONDS": "0.5"}) as (url, pid):
            run = Run(url, pid, requests, thresholds)
            asyncio.run(run.go(store))
            peak = resident(pid, "VmHWM")
    run.draw()
    warm, end = run.during(0.1, 0.2), run.during(0.9, 1)
    flat = end - warm <= MOST_GROWTH
    print(f"{run.answered:,} requests, {len(run.reloads)} reloads, {len(run.faults)} faults")
    for fault in sorted(set(run.faults)):
        print(f"  {run.faults.count(fault)} times {fault}")
    print(f"resident, MiB: {run.memory[0][1]:.0f} at the start, {warm:.0f} after the warm-up, {end:.0f} at the end")
    print(f"{peak:.0f} at most; {'flat' if flat else 'NOT flat'}: {end - warm:+.1f}, {MOST_GROWTH} are taken")
    sys.exit(not flat or bool(run.faults))


if __name__ == "__main__":
    main()
