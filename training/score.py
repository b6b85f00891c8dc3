"""Score a file of statements into another one in this process, by the same road as the service's bulk."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter
from typing import IO

import pandas as pd
from rich.progress import Progress

from models.bundle import Bundle
from models.errors import StoreError, TableError
from models.stance import StanceModel
from models.table import Row, check_names, columns, fault, scored, texts
from training.forms import Options, form_of, parquet_source, sink_of, text_source, transfer
from training.summary import Summary


def score(bundle: Bundle, source: Path, target: Path, options: Options, overwrite: bool = False) -> Summary:
    """Score a file into another, a batch in memory at a time; the suffixes say the forms of both.

    Raises:
        TableError: a suffix is unknown, the forms do not fit, or the file lacks the text column or has one of ours.
        StoreError: the target exists, or cannot be written; then it stands as it stood.
    """
    read, written = form_of(str(source)), form_of(str(target))
    fitting(read, written, target)
    if target.exists() and not overwrite:
        raise StoreError(f"{target}: exists; name another file, or say --overwrite")
    axes, began = bundle.model.axes, perf_counter()
    try:
        with source.open("rb") as file, Progress() as progress:
            task = progress.add_task("scoring", total=1.0)
            rows = (
                parquet_source(file, axes, options)
                if read == "parquet"
                else text_source(file, read, axes, options, source.stat().st_size)
            )
            with _beside(target) as beside, closing(sink_of(beside, written, rows.schema, axes, options)) as sink:
                found = transfer(bundle, rows, sink, options, lambda _: progress.update(task, completed=rows.share()))
    except TableError as error:
        raise TableError(f"{source}: {error}") from error
    except OSError as error:
        raise StoreError(f"{error.filename or target}: {error.strerror}; nothing was written") from error
    found.seconds = perf_counter() - began
    return found


def fitting(read: str, written: str, target: object) -> None:
    """Refuse to write JSON lines in a form whose columns must be known at its beginning.

    Raises:
        TableError: that is what is asked.
    """
    if read == "ndjson" and written != "ndjson":
        raise TableError(f"{target}: the columns of JSON lines are not known before their end; name a .jsonl file")


def score_table(model: StanceModel, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the column ``text`` and the columns of the table form added, its index kept.

    Raises:
        TableError: there is no such column, or a column to add is already there.
    """
    check_names([str(name) for name in table.columns], "text", columns(model.axes))
    rows = [Row({"text": text}, fault(text)) for text in table["text"]]
    added = scored(model.version, rows, model.predict(texts(rows)))
    found = pd.DataFrame(added, columns=columns(model.axes), index=table.index)
    return pd.concat([table, found], axis="columns")


@contextmanager
def _beside(target: Path) -> Iterator[IO[bytes]]:
    """Open a file beside the target that takes its place once it is whole."""
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".writing", delete=False) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, target)
        finally:
            Path(file.name).unlink(missing_ok=True)
