"""The audit as one HTML page, tables and plots in it, nothing from elsewhere."""

import io
from html import escape
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from training.audit import Audit

DRAWN = ("Statements", "Labels", "Kinds", "Hard kinds", "Years", "Characters")
"""Tables of counts that are drawn as well."""
STYLE = """
body { font: 16px/1.5 Georgia, serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; font-size: 14px; margin: .5rem 0; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child { text-align: left; }
svg { max-width: 100%; height: auto; }
.fault { color: #a00; }
"""


def write_page(audit: Audit, file: Path) -> None:
    """Write the audit beside the file and rename it into place."""
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Audit of the corpus</title><style>{STYLE}</style>"
    ]
    parts.append("<h1>Audit of the corpus</h1>")
    parts.append(f"<p>{len(audit.faults)} faults.</p>")
    if audit.faults:
        parts.append("<ul>" + "".join(f"<li class=fault>{escape(fault)}" for fault in audit.faults) + "</ul>")
    for title, table in audit.tables.items():
        parts.append(f"<h2>{escape(title)}</h2>")
        if title in DRAWN:
            parts.append(_plot(table))
        parts.append(table.to_html(border=0, na_rep="–"))
    beside = file.with_name(file.name + ".part")
    beside.write_text("\n".join(parts), encoding="utf-8")
    beside.replace(file)


def _plot(table: pd.DataFrame) -> str:
    counts = table.drop(index="all", columns="all", errors="ignore")
    figure = Figure(figsize=(8, 0.6 + 0.28 * len(counts)), layout="constrained")
    axes = figure.subplots()
    left = pd.Series(0, index=counts.index)
    for name in counts.columns:
        axes.barh([str(label) for label in counts.index], counts[name], left=left, label=str(name))
        left = left + counts[name]
    axes.invert_yaxis()
    axes.set_xlabel("rows")
    axes.legend(frameon=False)
    picture = io.StringIO()
    figure.savefig(picture, format="svg")
    return picture.getvalue()[picture.getvalue().index("<svg") :]
