"""Processes that work: a Dask cluster that is there already, or one of this machine's cores."""

from collections.abc import Iterator
from contextlib import contextmanager

from dask.system import CPU_COUNT
from distributed import Client, LocalCluster

from models.errors import ScoreError

HERE = "127.0.0.1"
PATIENCE = 60
"""Seconds in which a scheduler must answer and have a worker: a cluster that is starting gets its first one by then."""


@contextmanager
def cluster(scheduler: str | None, workers: int | None, most: int) -> Iterator[Client]:
    """Give a client of the scheduler at an address, else of a cluster here, a process a core but never over ``most``.

    Raises:
        ScoreError: nothing answers at the address, or it has no worker.
    """
    if scheduler:
        try:
            with Client(scheduler, timeout=PATIENCE) as client:
                client.wait_for_workers(1, timeout=PATIENCE)
                yield client
        except (OSError, ValueError) as error:
            raise ScoreError(f"{scheduler}: no scheduler with a worker there: {error}") from error
        return
    # One thread a process: the encoder's own arithmetic keeps a core busy, and what is around it holds Python's lock.
    count = min(workers or CPU_COUNT, most)
    with (
        LocalCluster(count, threads_per_worker=1, host=HERE, dashboard_address=f"{HERE}:0") as local,
        Client(local) as client,
    ):
        yield client
