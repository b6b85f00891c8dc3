"""Arrays kept on disk between fits: what a text costs to encode or to answer is paid once."""

import tempfile
import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from models.errors import StoreError


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file by name; none where there is no such file or it is damaged: it is made anew."""
    try:
        with file.open("rb") as opened, np.load(opened) as kept:
            return dict(kept)
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error):
        return {}


def write_arrays(file: Path, **arrays: np.ndarray) -> None:
    """Write arrays by name, whole or not at all.

    Raises:
        StoreError: the file cannot be written; one that stood there stands.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=file.parent) as beside:
            written = Path(beside) / file.name
            np.savez(written, **arrays)  # type: ignore[arg-type]
            written.replace(file)
    except OSError as error:
        raise StoreError(
            f"{file.parent}: cannot be written ({error.strerror}); free space there or name another place with --store"
        ) from error
