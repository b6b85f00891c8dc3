from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.errors import CorpusError, TableError
from training.stance_file import doubts, read


@pytest.fixture
def rows() -> pd.DataFrame:
    numbers = [str(n) for n in range(40)]
    return pd.DataFrame({"id": numbers, "text": numbers, "label": ["a", "b"] * 20, "target": "x"})


def test_named_folds_are_taken_and_what_is_missing_is_told(rows: pd.DataFrame, tmp_path: Path) -> None:
    file, folds = tmp_path / "rows.csv", tmp_path / "folds.csv"
    rows.to_csv(file, index=False)
    pd.DataFrame({"id": rows["id"].iloc[:10], "fold": ["late"] * 4 + ["early"] * 6}).to_csv(folds, index=False)
    assert read(file, None, folds, 5)[1].tolist() == [1] * 4 + [0] * 6 + [-1] * (len(rows) - 10)
    pd.DataFrame({"id": ["nobody"], "fold": [0]}).to_csv(folds, index=False)
    with pytest.raises(TableError, match="the fold of none of the rows"):
        read(file, None, folds, 5)
    rows.drop(columns=["target"]).to_csv(file, index=False)
    with pytest.raises(
        CorpusError, match=r"rows\.csv:1: \(row\): names no target: a header must name text, label, target"
    ):
        read(file, None, None, 5)
    with pytest.raises(CorpusError, match="cannot be read"):
        read(tmp_path / "nowhere.csv", None, None, 5)


def test_what_differs_by_blanks_alone_is_one_text_one_label_and_one_target(tmp_path: Path) -> None:
    file, folds = tmp_path / "rows.csv", tmp_path / "folds.csv"
    lines = [f"0{n},{text} {n // 4}, {'FAVOR' if n % 8 else 'None'} ,No  war" for n, text in enumerate(["We go!"] * 16)]
    lines[1::4] = [line.replace("We go!", " We  go!\u200b") for line in lines[1::4]]
    file.write_text("\ufeffid,text,label,target\n" + "\n".join(lines), encoding="utf-8")
    rows, found = read(file, None, None, 4)
    assert rows["text"].nunique() == 4
    assert set(rows["label"]) == {"FAVOR", "None"}
    assert set(rows["target"]) == {"No war"}
    assert (rows.assign(fold=found).groupby("text")["fold"].nunique() == 1).all()
    folds.write_text("id,fold\n" + "\n".join(f" 0{n} ,{n % 2}" for n in range(16)), encoding="utf-8")
    assert read(file, None, folds, 5)[1].tolist() == [n % 2 for n in range(16)]


def test_what_makes_figures_worth_less_is_told(tmp_path: Path) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("text,label,target\nOne.,F,x\nTwo.,A,x\n")
    test.write_text("text,label,target\nTwo. ,Favor,x\nThree.,A,y\n")
    rows, folds = read(train, test, None, 5)
    assert doubts(rows, folds) == [
        "nothing is learnt of Favor, which is tested; are labels written alike?",
        "1 of the 2 rows tested have a text that is learnt from as well",
    ]
    assert doubts(rows.assign(label="F"), np.array([-1, 0, 1, 1])) == [
        "2 of the 3 rows tested have a text that is learnt from as well",
    ]
    assert doubts(rows[rows["text"] != "Two."], np.array([-1, 0]))[0].startswith("nothing is learnt of A,")


GOOD = "id,text,label,target\n1,One.,a,x\n2,Two.,b,x\n"


@pytest.mark.parametrize(
    ("file", "folds", "told"),
    [
        ("text,label,target\n", None, r"rows\.csv:0: \(file\): holds no row"),
        (
            "text,label,target\nOne.,a,x\nTwo., ,x\n",
            None,
            r"rows\.csv:3: label: is missing; fill it in or drop the row",
        ),
        (
            'text,label,target\n"",a,x\nTwo.,b,x\n\u200b,b,x',
            None,
            r"(?s)rows\.csv:2: text: is missing.*\.csv:4: text: is",
        ),
        ("text|label|target\nOne.|a|x\n", None, r"rows\.csv:1: \(row\): names no text, label, target"),
        ("text,label,target\nOne,two.,a,x\n", None, r"rows\.csv:2: \(row\): has more cells than the header"),
        ('text,label,target\n"One.,a,x\nTwo.,b,x\n', None, r"rows\.csv:2: \(row\): not CSV"),
        (GOOD, None, r"rows\.csv: 2 texts do not make 5 folds; name a smaller --k, or give more"),
        (
            "text,label,target\n" + "\n".join(f"{n},a,x" for n in range(9)),
            None,
            r"rows\.csv: all rows are a; give rows of another label",
        ),
        (GOOD, "id,fold\n1,\n", r"folds\.csv:2: fold: is missing"),
        (GOOD, "id,fold\n1,0\n1,1\n", "folds.csv: names two folds of 1; a row is tested in one"),
    ],
)
def test_what_a_stance_file_or_its_folds_lack_is_told(file: str, folds: str | None, told: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(file)
    if folds:
        (tmp_path / "folds.csv").write_text(folds)
    with pytest.raises((TableError, CorpusError), match=told):
        read(tmp_path / "rows.csv", None, tmp_path / "folds.csv" if folds else None, 5)
