"""Arrays kept on disk between fits: what a text costs to encode or to answer is paid once."""

import os
import tempfile
from pathlib import Path

import numpy as np


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file by name; none where there is no such file."""
    if not file.exists():
        return {}
    with np.load(file) as kept:
        return dict(kept)


def write_arrays(file: Path, **arrays: np.ndarray) -> None:
    """Write arrays by name, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".writing", delete=False) as beside:
        np.savez(beside, **arrays)  # type: ignore[arg-type]
    os.replace(beside.name, file)
