"""The table form: rows of text in, the same rows and the model's columns out, for service and training alike."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from models.axes import Axis
from models.errors import TableError
from models.stance import Prediction, StanceModel


def columns(axes: tuple[Axis, ...]) -> list[str]:
    """Return the names of the columns that scoring adds, in their order."""
    added = ["stance_language", "stance_version", "stance_error"]
    for axis in axes:
        name = f"stance_{axis.name}"
        added += [name, f"{name}_confidence", f"{name}_certain", f"{name}_reason"]
        added += [f"{name}_p_{label}" for label in axis.labels]
    return added


def score_table(model: StanceModel, table: pd.DataFrame, text_column: str = "text") -> pd.DataFrame:
    """Return the table with the columns of the table form added; a row without a text gets ``stance_error`` instead.

    Raises:
        TableError: the text column is missing, or a column to add is already there.
    """
    if text_column not in table.columns:
        raise TableError(f"no column {text_column!r}; there are: {', '.join(map(str, table.columns))}")
    added = columns(model.axes)
    clash = [name for name in added if name in table.columns]
    if clash:
        raise TableError(f"the table already has {', '.join(clash)}; rename or drop them")
    texts = [(i, t) for i, t in enumerate(table[text_column]) if isinstance(t, str) and t.strip()]
    rows: list[Mapping[str, Any]] = [{"stance_version": model.version, "stance_error": "blank_text"}] * len(table)
    for (i, _), prediction in zip(texts, model.predict([t for _, t in texts]), strict=True):
        rows[i] = _row(model, prediction)
    scored = pd.DataFrame(rows, columns=added, index=table.index)
    return pd.concat([table, scored], axis="columns")


def _row(model: StanceModel, prediction: Prediction) -> dict[str, Any]:
    row: dict[str, Any] = {"stance_language": prediction.language, "stance_version": model.version}
    for axis, stance in prediction.stances.items():
        name = f"stance_{axis}"
        row |= {
            name: stance.label,
            f"{name}_confidence": stance.confidence,
            f"{name}_certain": stance.certain,
            f"{name}_reason": stance.reason,
        }
        row |= {f"{name}_p_{label}": p for label, p in stance.probabilities.items()}
    return row
