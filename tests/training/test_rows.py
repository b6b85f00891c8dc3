from pathlib import Path

import pytest

from training.rows import read_rows


@pytest.mark.parametrize("mark", "\v\f\x1c\x85\u2028\u2029")
def test_only_a_line_break_ends_a_row_of_a_csv_file(mark: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(f"id,lang,text\r\n1,en,Soldiers{mark}stay.\r\n".encode())
    rows, _, faults = read_rows([file])
    assert rows == [{"id": "1", "lang": "en", "text": f"Soldiers{mark}stay."}]
    assert faults == []
