import io
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem
from hypothesis import given
from hypothesis import strategies as st

from training.scaling.kinds import kinds_of, merged
from training.scaling.partitions import Block, files_of

LINES = st.lists(st.one_of(st.binary(max_size=12), st.just(b"a" * 70_000)), max_size=12)


def read(block: Block) -> list[bytes]:
    return list(iter(lambda: block.readline(1 << 20), b""))


@given(LINES, st.integers(1, 40), st.booleans())
def test_each_line_stands_in_one_block_and_in_order(lines: list[bytes], size: int, ends: bool) -> None:
    written = b"\n".join(line.replace(b"\n", b"") for line in lines) + (b"\n" if ends else b"")
    size = max(size, len(written) // 50)
    file = io.BytesIO(written)
    found = [read(Block(file, start, min(size, len(written) - start))) for start in range(0, len(written), size)]
    assert [line for block in found for line in block] == list(io.BytesIO(written))


def test_a_folder_gives_its_tables_in_order_and_names_them_from_there(tmp_path: Path) -> None:
    for name in ("b.csv", "year=2025/a.parquet", "a.jsonl", "note.txt", "_log/a.csv", ".hidden.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text\n")
    fs = LocalFileSystem()
    found = files_of(fs, str(tmp_path))
    assert [file.name for file in found] == ["a.jsonl", "b.csv", "year=2025/a.parquet"]
    assert [file.name for file in files_of(fs, f"{tmp_path}/*/a.parquet")] == ["year=2025/a.parquet"]
    assert [file.name for file in files_of(fs, str(tmp_path / "b.csv"))] == ["b.csv"]
    before = found[0].key
    (tmp_path / "a.jsonl").write_text("text\n")
    assert files_of(fs, str(tmp_path))[0].key != before


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.just("x"), st.just([]))
ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES))


@given(ROWS, st.integers(0, 5))
def test_the_kinds_of_columns_do_not_depend_on_where_the_rows_are_cut(rows: list[dict[str, object]], at: int) -> None:
    whole = merged([kinds_of(rows)])
    assert merged([kinds_of(rows[:at]), kinds_of(rows[at:])]) == whole
    assert set(whole.values()) <= {"bool", "int64", "double", "string"}
    assert list(whole) == list(dict.fromkeys(name for row in rows for name in row))
