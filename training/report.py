"""What the commands print for people."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.axes import Axis
from training.card import shown, slices
from training.release import Comparison

out = Console()
err = Console(stderr=True)


def warn(message: str) -> None:
    """Print a warning to standard error."""
    err.print(f"[yellow]warning:[/] {escape(message)}", highlight=False)


def figures(axes: tuple[Axis, ...], metrics: dict[str, Any]) -> None:
    """Print the figures of every axis and slice, each with its 95 % interval, and the confusion matrices."""
    table = Table(title="95 % intervals by a bootstrap over groups")
    for name in ("axis", "slice", "rows", "macro-F1", "accuracy", "calibration error"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    for axis, name, measured in slices(metrics):
        keys = ("macro_f1", "accuracy", "calibration_error")
        table.add_row(axis, name, str(measured["rows"]), *(shown(measured[key]) for key in keys))
    out.print(table)
    for each in axes:
        out.print(_confusion(each, metrics[each.name]["all"]))


def _confusion(axis: Axis, measured: dict[str, Any]) -> Table:
    table = Table(title=f"{axis.name}: true label down, predicted label across")
    for name in (axis.name, *axis.labels, "F1"):
        table.add_column(name, justify="left" if name in (axis.name, "F1") else "right")
    for label, counts in zip(axis.labels, measured["confusion"]["counts"], strict=True):
        table.add_row(label, *map(str, counts), shown(measured["f1"][label]))
    return table


def tables(found: Mapping[str, pd.DataFrame]) -> None:
    """Print tables of counts under their titles."""
    for title, frame in found.items():
        table = Table(title=title)
        flat = frame.reset_index()
        for i, name in enumerate(flat.columns):
            table.add_column(str(name), justify="right" if i >= frame.index.nlevels else "left")
        for row in flat.itertuples(index=False):
            table.add_row(*("–" if pd.isna(value) else str(value) for value in row))
        out.print(table)


def comparison(challenger: str, champion: str, compared: Mapping[str, Comparison]) -> None:
    """Print how a new version differs from the one that serves."""
    out.print(f"{challenger} against {champion}, on the grounded exam rows new to both:", soft_wrap=True)
    table = Table()
    for name in ("axis", "rows", "difference of macro-F1"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    for axis, c in compared.items():
        table.add_row(axis, str(c.rows), f"{c.difference:+.3f} [{c.low:+.3f}, {c.high:+.3f}]")
    out.print(table)
