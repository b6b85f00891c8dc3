"""Score a large input on Dask: partitions on its workers, what is done kept, what fails named."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from distributed import Client, Future, as_completed

from models.bundle import read_manifest
from models.errors import ScoreError, StanceError, StoreError
from training import report
from training.forms import Options
from training.scaling.cluster import cluster
from training.scaling.kinds import merged
from training.scaling.output import Output, Part, Plan
from training.scaling.partitions import Key, Partition, files_of, filesystem, partitions_of
from training.scaling.progress import Bar
from training.scaling.worker import Delivery, Job
from training.score import fitting
from training.summary import Failure, Summary


def score(
    source: str,
    target: str,
    folder: Path,
    options: Options,
    overwrite: bool = False,
    scheduler: str | None = None,
    workers: int | None = None,
) -> Summary:
    """Score files by the bundle in ``folder``, and go on where an earlier run of the same was cut short.

    What cannot be scored is named in the summary and stops nothing else.

    Raises:
        TableError: nothing is there to score, or the forms do not fit.
        StoreError: the output exists, another run was begun there, or a storage cannot be used.
        BundleError: the bundle cannot be used, here or on a worker.
        ScoreError: there is no cluster, or its workers lack what the project needs.
    """
    (fs, path), output = filesystem(source), Output.at(target)
    if type(fs) is type(output.fs) and f"{output.path}/".startswith(f"{path.rstrip('/')}/"):
        raise StoreError(f"{target}: lies in {source} and would be read with it; name a place outside")
    files = files_of(fs, path)
    if not output.folder:
        for file in files:
            fitting(file.form, output.form, target)
    axes, bundle = read_manifest(folder).axes, Delivery(folder)
    plan = Plan(bundle=bundle.digest, files=tuple(files), options=options, form=output.form)
    output.begin(plan, overwrite)
    parts, failures = partitions_of(fs, files)
    done, summary = output.finished(parts), Summary(failures=failures)
    left = [part for part in parts if part.key not in done]
    if done:
        report.out.print(f"going on: {len(done)} of {len(parts)} partitions were finished before")
    if left:
        with cluster(scheduler, workers, len(left)) as client:
            report.out.print(f"dashboard: {client.dashboard_link}", soft_wrap=True)
            _deliver(client, bundle)
            job = Job(fs, output, bundle.digest, options, topic=f"stance-{uuid4().hex}")
            with Bar(parts, done, report.out) as bar:
                client.subscribe_topic(job.topic, bar.hear)
                summary.failures += _scored(client, _columns_known(client, job, parts), left, done, bar)
    for key in sorted(done):
        summary.add(done[key].summary)
    output.end([(part, done[part.key]) for part in parts if part.key in done], axes, options, summary)
    return summary


def _deliver(client: Client, bundle: Delivery) -> None:
    """Bring the bundle to the workers; where one cannot take it, none is left with it."""
    try:
        client.register_plugin(bundle, name=bundle.name)
    except Exception as error:  # whatever the setting up of a worker raises
        with suppress(Exception):
            client.unregister_worker_plugin(bundle.name)
        if isinstance(error, StanceError):
            raise
        needs = "scheduler and workers need this project in the same version, with the extra `scale`"
        raise ScoreError(f"a worker cannot take the bundle: {error}; {needs}") from error


def _columns_known(client: Client, job: Job, parts: Sequence[Partition]) -> Job:
    """Look through JSON lines that become Parquet, for all parts are to have the same columns."""
    lines = [part for part in parts if part.form == "ndjson"] if job.output.form == "parquet" else []
    futures = client.map(job.look, lines, pure=False)
    # A partition that cannot be read is told of when it is scored.
    return replace(job, kinds=merged(client.gather(futures, errors="skip")))


def _scored(client: Client, job: Job, parts: Sequence[Partition], done: dict[Key, Part], bar: Bar) -> list[Failure]:
    """Score partitions, put the records of their parts into ``done``, and return what failed in the input's order."""
    futures: list[Future[Part | Failure]] = client.map(job.score, parts, pure=False)
    asked = dict(zip(futures, parts, strict=True))
    failed: dict[Key, Failure] = {}
    for future in as_completed(futures):
        part = asked.pop(future)
        try:
            found = future.result()
        except Exception as error:  # a fault of ours, or of workers that died on it again and again: the rest goes on
            found = Failure(place=part.place, reason=" ".join(f"{type(error).__name__}: {error}".split()))
        if isinstance(found, Failure):
            failed[part.key] = found
        else:
            done[part.key] = found
        bar.end(part, 0 if isinstance(found, Failure) else found.summary.rows)
    return [failed[key] for key in sorted(failed)]
