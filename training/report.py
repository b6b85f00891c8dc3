"""What the commands print for people."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.axes import Axis
from training.benchmark import Score
from training.card import beside, shown, slices
from training.evaluate import Mistake
from training.metrics import Comparison
from training.summary import Summary

out = Console(width=None if sys.stdout.isatty() else 160)  # a log is not as narrow as a terminal
err = Console(stderr=True)


def warn(message: str) -> None:
    """Print a warning to standard error."""
    err.print(f"[yellow]warning:[/] {escape(message)}", highlight=False, soft_wrap=True)


def figures(axes: tuple[Axis, ...], metrics: dict[str, Any]) -> None:
    """Print the figures of every axis and slice, each with its 95 % interval, and the confusion matrices."""
    out.print("95 % intervals by a bootstrap over groups")
    for axis in axes:
        table = Table()
        columns = ("rows", "macro-F1", "n-grams", "accuracy", "calibration error", *(f"F1 {x}" for x in axis.labels))
        for name in (axis.name, *columns):
            table.add_column(name, justify="right" if name == "rows" else "left")
        for _, name, measured in slices({axis.name: metrics[axis.name]}):
            found = [shown(measured[key]) for key in ("accuracy", "calibration_error")]
            found += [shown(measured["f1"][label]) for label in axis.labels]
            table.add_row(name, str(measured["rows"]), shown(measured["macro_f1"]), beside(measured), *found)
        majority = metrics[axis.name]["majority"]
        table.add_section()
        told = f"always {majority['label']}", "", f"{majority['macro_f1']:.3f}", "", f"{majority['accuracy']:.3f}"
        table.add_row(*told)
        out.print(table)
        out.print(_confusion(axis, metrics[axis.name]["all"]["confusion"]))
        out.print(_slices(axis, metrics[axis.name]["slices"]))


def _confusion(axis: Axis, confusion: dict[str, Any]) -> Table:
    """Return the matrix as counts, with the share of the true label and its interval."""
    table = Table(title="true label down, predicted label across: rows, share of the true label")
    for name in (axis.name, *axis.labels):
        table.add_column(name, justify="left" if name == axis.name else "right")
    for label, counts, shares in zip(axis.labels, confusion["counts"], confusion["shares"], strict=True):
        table.add_row(label, *(f"{n}  {shown(share)}" for n, share in zip(counts, shares, strict=True)))
    return table


def _slices(axis: Axis, slices: dict[str, dict[str, Any]]) -> Table:
    """Return the figures of what is sliced further, the worst value of each slicing first."""
    table = Table(title=f"{axis.name} by kind, hard kind, length and labels")
    for name in ("", axis.name, "rows", "macro-F1", "n-grams", "accuracy"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    for slicing, values in slices.items():
        for value, figures in sorted(values.items(), key=lambda item: item[1]["accuracy"]["value"]):
            found = shown(figures["macro_f1"]), beside(figures), shown(figures["accuracy"])
            table.add_row(slicing, value, str(figures["rows"]), *found)
        table.add_section()
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


def scored(found: Summary) -> None:
    """Print how many rows were scored, what could not be, and how the labels fell."""
    out.print(f"{found.rows} rows, {found.errors.total()} of them with an error")
    for code, count in found.errors.most_common():
        out.print(f"  {code}: {count}")
    out.print("languages: " + ", ".join(f"{name} {count}" for name, count in found.languages.most_common()))
    for axis in found.labels:
        counts = found.by_label(axis).most_common()
        out.print(f"{axis}: " + ", ".join(f"{label} {count}" for label, count in counts))
    if found.seconds:
        out.print(f"{found.statements / found.seconds:.1f} statements a second a process")
    for failure in found.failures:
        warn(f"{failure.place}: {failure.reason}")


def mistakes(found: Sequence[Mistake]) -> None:
    """Print the errors that the model was surest of, for reading."""
    table = Table(title=f"the {len(found)} most confident errors")
    for name in ("confidence", "axis", "label", "answer", "text"):
        table.add_column(name)
    for each in found:
        table.add_row(f"{each.confidence:.2f}", each.axis, each.label, each.answer, escape(each.text))
    out.print(table)


def benchmark(scores: Sequence[Score], classes: Sequence[str]) -> None:
    """Print the figures on a benchmark, a line a kind of features, with the spread over the folds, and each target."""
    targets = list(scores[0].by_target)
    table = Table(title=escape(f"mean F1 of {', '.join(classes) or 'all labels'}"))
    together = ["all rows together"] if targets else []
    for name in ("", "mean of targets" if targets else "macro-F1", "over the folds", *together, "accuracy"):
        table.add_column(name)
    for score in scores:
        spread = f"{min(score.by_fold):.3f} to {max(score.by_fold):.3f}"
        pooled = [f"{score.pooled:.3f}"] if targets else []
        table.add_row(score.features, f"{score.macro_f1:.3f}", spread, *pooled, f"{score.accuracy:.3f}")
    out.print(table)
    if targets:
        table = Table(title="by target")
        for name in ("", *(score.features for score in scores)):
            table.add_column(name)
        for target in targets:
            table.add_row(escape(target), *(f"{score.by_target[target]:.3f}" for score in scores))
        out.print(table)


def comparison(challenger: str, champion: str, compared: Mapping[str, Comparison], rows: str) -> None:
    """Print how one bundle differs from another on the same rows."""
    out.print(f"{challenger} against {champion}, on {rows}:", soft_wrap=True)
    table = Table()
    for name in ("axis", "rows", "difference of macro-F1"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    for axis, c in compared.items():
        table.add_row(axis, str(c.rows), f"{c.difference:+.3f} [{c.low:+.3f}, {c.high:+.3f}]")
    out.print(table)
