"""What is shown while partitions are scored: how far, how fast, and how long still."""

from collections.abc import Mapping, Sequence
from threading import Lock
from time import monotonic
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from training.scaling.output import Part
from training.scaling.partitions import Key, Partition

PERIOD = 600.0
"""Seconds over which the speed is taken for the time left: partitions of many workers end in jumps."""


class Bar:
    """Show the share of the input's bytes that is done, partitions, statements a second, and the time left."""

    def __init__(self, parts: Sequence[Partition], done: Mapping[Key, Part], console: Console) -> None:
        self._sizes = {part.key: max(1, part.size) for part in parts}
        self._rows: dict[Key, int] = {}
        self._shares = dict.fromkeys(done, 1.0)
        self._scored, self._read, self._ended = 0, float(sum(self._sizes[key] for key in done)), len(done)
        self._began, self._lock = monotonic(), Lock()
        text = "{task.fields[ended]} of {task.fields[parts]} partitions, {task.fields[rate]:.1f} rows/s"
        columns = (BarColumn(), TaskProgressColumn(), TextColumn(text), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, speed_estimate_period=PERIOD, refresh_per_second=2)
        total = sum(self._sizes.values())
        self._task = self._bar.add_task(
            "", total=total, completed=int(self._read), ended=self._ended, parts=len(parts), rate=0.0
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def hear(self, event: tuple[float, tuple[int, int, int, float]]) -> None:
        """Take what a worker tells: a partition by its key, the rows of it that are scored, the share read."""
        number, index, rows, share = event[1]
        key = number, index
        with self._lock:
            if self._shares.get(key) != 1.0:  # what was told last may be heard after the partition has ended
                self._move(key, rows, min(share, 0.999))

    def end(self, part: Partition, rows: int) -> None:
        """Count a partition as ended, with so many rows."""
        with self._lock:
            self._ended += 1
            self._move(part.key, rows, 1.0)

    def _move(self, key: Key, rows: int, share: float) -> None:
        self._scored += rows - self._rows.get(key, 0)
        self._read += self._sizes[key] * (share - self._shares.get(key, 0.0))
        self._rows[key], self._shares[key] = rows, share
        rate = self._scored / max(monotonic() - self._began, 1e-9)
        self._bar.update(self._task, completed=self._read, ended=self._ended, rate=rate)
