"""Processes that work: a Dask cluster that is there already, or one of this machine's cores."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from dask import config
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster, Worker, WorkerPlugin

from models.errors import ScoreError

HERE = "127.0.0.1"
ANSWERS, WORKS = 5, 60
"""Seconds in which a scheduler must answer, and have its first worker: that may be starting still."""
UNPROFILED = {"distributed.worker.profile.enabled": False}
"""A worker keeps profiles of every second of an hour, some 0.1 MB each: memory would grow with the input."""


class LastWords(WorkerPlugin):
    """Keep a worker that ends from logging, as an error with a trace, the heartbeat that its own end cuts short."""

    name = "last-words"

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 (the name that Dask calls it by)
        """Silence the log of a worker's process as it ends."""
        logging.getLogger("distributed.worker").setLevel(logging.CRITICAL)


@contextmanager
def cluster(scheduler: str | None, workers: int | None, most: int) -> Iterator[Client]:
    """Give a client of the scheduler at an address, else of a cluster here, a process a core but never over ``most``.

    Raises:
        ScoreError: nothing answers at the address, or it has no worker.
    """
    if scheduler:
        try:
            client = Client(scheduler, timeout=ANSWERS)
        except (OSError, ValueError) as error:
            raise ScoreError(f"{scheduler}: no scheduler answers there: {error}") from error
        with client:
            try:
                client.wait_for_workers(1, timeout=WORKS)
            except TimeoutError as error:
                raise ScoreError(f"{scheduler}: has no worker; start one with `dask worker {scheduler}`") from error
            yield client
        return
    # One thread a process: the encoder's own arithmetic keeps a core busy, and what is around it holds Python's lock.
    count = min(workers or CPU_COUNT, most)
    with (
        config.set(UNPROFILED),
        LocalCluster(n_workers=count, threads_per_worker=1, host=HERE, dashboard_address=f"{HERE}:0") as local,
        Client(local) as client,
    ):
        client.register_plugin(LastWords())
        yield client
