"""A stance file: labelled texts of somebody's own, and the fold in which each of them is tested."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from models.errors import BadRow, CorpusError, TableError
from models.text import normalise
from training.rows import read_rows

COLUMNS = ("text", "label", "target")
SEED = 0


def read(file: Path, test: Path | None, folds: Path | None, k: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Read a stance file; return its rows, and a row the fold that it is tested in, -1 where it is only learnt from.

    Rows of ``test`` are tested and the others learnt from, or ``folds`` names the fold of each ``id``, those that it
    does not name being learnt from, or ``k`` folds are made, all rows of a text in one. Texts are folded as the model
    reads them, so what differs by a blank alone is one text.

    Raises:
        CorpusError: a file cannot be read, or rows of it lack something; all of them are named.
        TableError: folds are named of none of the rows, or two of one; there are fewer texts than folds; rows to test
            on and folds are both given; all rows have one label.
    """
    if test is not None and folds is not None:
        raise TableError("--test and --folds both say what is tested; give one of them")
    names = [*COLUMNS, "id"] if folds else list(COLUMNS)
    rows = _table(file, names)
    if test is not None:
        tested = _table(test, names)
        rows, found = pd.concat([rows, tested], ignore_index=True), np.repeat([-1, 0], [len(rows), len(tested)])
    elif folds is None:
        found = _drawn(rows, k, file)
    else:
        found = _named_folds(rows, folds, file)
    if rows["label"].nunique() == 1:
        raise TableError(f"{file}: all rows are {rows['label'].iloc[0]}; give rows of another label")
    return rows, found


def _drawn(rows: pd.DataFrame, k: int, file: Path) -> np.ndarray:
    if (texts := rows["text"].nunique()) < k:
        raise TableError(f"{file}: {texts} texts do not make {k} folds; name a smaller --k, or give more")
    found = np.zeros(len(rows), dtype=int)
    split = GroupKFold(k, shuffle=True, random_state=SEED).split(rows, groups=rows["text"])
    for fold, (_, asked) in enumerate(split):
        found[asked] = fold
    return found


def _named_folds(rows: pd.DataFrame, folds: Path, file: Path) -> np.ndarray:
    names = _table(folds, ["id", "fold"]).drop_duplicates()
    if (twice := names["id"].duplicated()).any():
        raise TableError(f"{folds}: names two folds of {names.loc[twice, 'id'].iloc[0]}; a row is tested in one")
    found, _ = pd.factorize(rows["id"].map(names.set_index("id")["fold"]), sort=True)
    if (found < 0).all():
        raise TableError(f"{folds}: names the fold of none of the rows of {file}")
    return np.asarray(found)


def _table(file: Path, names: Sequence[str]) -> pd.DataFrame:
    found, places, faults = read_rows([file], names)
    rows = [
        {name: "" if (value := row.get(name)) is None else normalise(str(value)) for name in names} for row in found
    ]
    for row, place in zip(rows, places, strict=True):
        faults += [BadRow(*place, name, "is missing; fill it in or drop the row") for name in names if not row[name]]
    if faults:
        raise CorpusError(sorted(faults, key=lambda fault: (fault.line, fault.column)))
    return pd.DataFrame(rows)


def doubts(rows: pd.DataFrame, folds: np.ndarray) -> list[str]:
    """Tell what makes figures worth less than they look, a sentence each."""
    found = []
    strange: set[str] = set()
    shared = 0
    for fold in tested(folds):
        asked, learnt = rows[folds == fold], rows[folds != fold]
        strange |= set(asked["label"]) - set(learnt["label"])
        shared += int(asked["text"].isin(learnt["text"]).sum())
    if strange:
        found.append(f"nothing is learnt of {', '.join(sorted(strange))}, which is tested; are labels written alike?")
    if shared:
        found.append(f"{shared} of the {int((folds >= 0).sum())} rows tested have a text that is learnt from as well")
    return found


def tested(folds: np.ndarray) -> list[int]:
    """Return the folds that are tested, in order."""
    return sorted(set(folds[folds >= 0].tolist()))
