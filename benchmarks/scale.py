"""What `python -m training score` on Dask costs beside a plain loop, with one worker and two, and what memory it takes.

All texts are those of the corpus, varied so that no two are the same: nothing is answered from memory.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, count, islice
from multiprocessing import get_context
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.running import ROOT
from benchmarks.scale_report import Memory, Results, write
from models.axes import read_axes
from models.bundle import RELEASED, load_bundle, read_manifest
from models.table import BATCH
from training.corpus import AXES, corpus_files, read_corpus
from training.forms import Options
from training.scaling.cluster import cluster
from training.scaling.score import score

STATEMENTS = 20_000
SIZES = (10_000, 100_000, 1_000_000)
LARGEST_CSV = 100_000
"""Rows of the largest file of CSV: one process alone scores it."""
SAMPLE = 10
"""One text in so many is encoded by the loops that all else is held against, before and after."""
GROUP = 250
"""Rows of a row group where the speed is measured: so few that no worker waits long for the last of another."""
GROUPS = 5_000
"""Rows of a row group where the memory is."""
EVERY = 0.2
"""Seconds between two looks at the memory of a run."""
EPILOG = """examples:
  python -m benchmarks.scale
  python -m benchmarks.scale --statements 500 --sizes 2000,4000   # minutes, to see that it runs; says little

`make bench-scale` runs it; a quarter of an hour on two cores that do nothing else. It needs Linux. The speed is that of
the bundle that ships, memory that of a bundle of n-grams which is fitted first. Tables and plot go into
benchmarks/README.md, the cost of a million statements into docs/scaling.md."""


def texts(corpus: Sequence[str]) -> Iterator[str]:
    """Yield the texts of the corpus again and again, each time a little different."""
    return chain(corpus, (f"{text} ({n})" for n in count(1) for text in corpus))


def loop(bundle: Path, some: Sequence[str], whole: bool) -> float:
    """Return the texts a second of a plain loop over a bundle, ``whole`` or its encoder alone, on one thread."""
    loaded = load_bundle(bundle, threads=1)
    answer = loaded.model.predict if whole else loaded.model.heads.features.encode
    answer(some[:32])
    began = time.perf_counter()
    for at in range(0, len(some), BATCH):
        answer(some[at : at + BATCH])
    return len(some) / (time.perf_counter() - began)


def looped(bundle: Path, some: Sequence[str], whole: bool, processes: int = 1) -> float:
    """Return the texts a second of loops in processes of their own at once, all together."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return sum(pool.map(loop, [bundle] * processes, [some] * processes, [whole] * processes))


def scaled(file: Path, target: Path, bundle: Path, workers: int, rows: int) -> float:
    """Return the statements a second of a standing cluster that has the bundle already."""
    warm = file.with_name("warm.parquet")
    pq.write_table(pq.ParquetFile(file).read_row_group(0).slice(0, 8 * workers), warm, row_group_size=8)
    with cluster(None, workers, most=workers) as client:
        where = client.scheduler.address
        score(str(warm), str(target / "warm"), bundle, Options(), scheduler=where)
        began = time.perf_counter()
        found = score(str(file), str(target / "all"), bundle, Options(), scheduler=where)
        took = time.perf_counter() - began
    assert (found.statements, found.failures) == (rows, [])
    return rows / took


def watched(words: Sequence[str], rows: int) -> Memory:
    """Run the command and return the peaks of its memory in MiB, of the client and of the largest worker."""
    client_peak, peaks, began = 0, dict[int, int](), time.perf_counter()
    command = [sys.executable, "-m", "training", "score", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as run:  # noqa: S603 (our own)
        client = psutil.Process(run.pid)
        while run.poll() is None:
            for process in (client, *client.children(recursive=True)):
                try:
                    held = process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
                if process == client:
                    client_peak = max(client_peak, held)
                else:
                    peaks[process.pid] = max(peaks.get(process.pid, 0), held)
            time.sleep(EVERY)
    assert run.returncode == 0
    return Memory(client_peak / 2**20, max(peaks.values()) / 2**20, rows / (time.perf_counter() - began))


def written(file: Path, corpus: Sequence[str], rows: int, group: int) -> None:
    """Write distinct statements to Parquet, or to CSV, a row group in memory at a time."""
    schema = pa.schema([("n", pa.int64()), ("text", pa.string())])
    made = enumerate(islice(texts(corpus), rows))
    kind = pq.ParquetWriter if file.suffix == ".parquet" else pc.CSVWriter
    with kind(file, schema) as out:
        while some := list(islice(made, group)):
            out.write_table(pa.table([list(column) for column in zip(*some, strict=True)], schema))


def remembered(work: Path, corpus: Sequence[str], rows: int, bundle: Path, form: str) -> Memory:
    """Write so many statements and return the peaks of a run over them with two workers."""
    source, target = work / f"in.{form}", work / f"out-{rows}-{bundle.name}{'.csv' * (form == 'csv')}"
    written(source, corpus, rows, GROUPS)
    return watched([str(source), str(target), "--bundle", str(bundle), "--workers", "2"], rows)


def fitted(work: Path) -> Path:
    """Fit a bundle of n-grams, which answers ten times as fast as an encoder."""
    words = ["fit", "--features", "ngrams", "--no-track", "--store", str(work / "store")]
    subprocess.run([sys.executable, "-m", "training", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return next(folder for folder in (work / "store").iterdir() if (folder / "manifest.json").exists())


def measured(bundle: Path, statements: int, sizes: Sequence[int], progress: Progress) -> Results:
    """Measure everything."""
    task = progress.add_task("", total=10 + len(sizes) + sum(size <= LARGEST_CSV for size in sizes))

    def step(what: str) -> None:
        progress.update(task, description=what, advance=1)

    corpus = sorted(set(read_corpus(corpus_files(), read_axes(AXES)).frame["text"]))
    results = Results(facts(bundle, statements))
    with tempfile.TemporaryDirectory(prefix="stance-scale-") as folder:
        work = Path(folder)
        file = work / "speed.parquet"
        written(file, corpus, statements, GROUP)
        some = pq.read_table(file)["text"].to_pylist()[::SAMPLE]
        for _ in range(2):
            step("the encoder alone")
            results.encoder.append(looped(bundle, some, whole=False))
            step("a plain loop")
            results.loop.append(looped(bundle, some, whole=True))
            step("two plain loops at once")
            results.loops.append(looped(bundle, some, whole=True, processes=2))
            if not results.workers:
                for workers in (1, 2):
                    step(f"{workers} worker{'s' * (workers > 1)}, {statements:,} statements")
                    results.workers[workers] = scaled(file, work / f"speed-{workers}", bundle, workers, statements)
        step("fitting n-grams")
        ngrams = fitted(work)
        for size in sizes:
            step(f"memory: {size:,} statements")
            results.memory["Parquet", size] = remembered(work, corpus, size, ngrams, "parquet")
            if size <= LARGEST_CSV:
                step(f"memory: {size:,} statements of CSV")
                results.memory["CSV", size] = remembered(work, corpus, size, ngrams, "csv")
        few = max(statements // 4, GROUP)
        step(f"memory: {few:,} statements with the encoder")
        results.memory["Parquet, encoder", few] = remembered(work, corpus, few, bundle, "parquet")
    return results


def facts(bundle: Path, statements: int) -> str:
    """Say what was measured on."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return (
        f"{len(os.sched_getaffinity(0))} cores of {model[1] if model else platform.machine()}, "
        f"Python {platform.python_version()}, bundle {read_manifest(bundle).version}, "
        f"{statements:,} distinct statements for the speed."
    )


def main() -> None:
    """Measure, and write tables and plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", nargs="?", type=Path, default=RELEASED, help="bundle with an encoder")
    parser.add_argument("--statements", type=int, default=STATEMENTS, metavar="N", help="statements for the speed")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="statements for the memory, with commas")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # as Dask sets it for its workers
    columns = (TextColumn("{task.description:48}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        sizes = [int(size) for size in given.sizes.split(",")]
        results = measured(given.bundle.resolve(), given.statements, sizes, progress)
    write(results)


if __name__ == "__main__":
    main()
