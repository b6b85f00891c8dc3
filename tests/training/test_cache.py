from pathlib import Path

import numpy as np
import pytest

from models.errors import StoreError
from training.cache import read_arrays, write_arrays


def test_arrays_come_back_by_name_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "made" / "kept.npz"
    assert read_arrays(file) == {}
    for value in (1.0, 2.0):
        write_arrays(file, vectors=np.full((2, 3), value), digests=np.array(["a", "b"]))
    found = read_arrays(file)
    np.testing.assert_array_equal(found["vectors"], np.full((2, 3), 2.0))
    assert found["digests"].tolist() == ["a", "b"]
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("kept", [0, 1, 100, -40, -1])
def test_a_torn_file_is_as_none(tmp_path: Path, kept: int) -> None:
    file = tmp_path / "kept.npz"
    write_arrays(file, vectors=np.ones((20, 3)))
    file.write_bytes(file.read_bytes()[:kept])
    assert read_arrays(file) == {}


def test_a_changed_byte_is_as_no_file(tmp_path: Path) -> None:
    file = tmp_path / "kept.npz"
    write_arrays(file, vectors=np.ones((20, 3)))
    whole = bytearray(file.read_bytes())
    whole[200] ^= 1
    file.write_bytes(whole)
    assert read_arrays(file) == {}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file: cannot be written"):
        write_arrays(tmp_path / "file" / "kept.npz", vectors=np.ones(1))
