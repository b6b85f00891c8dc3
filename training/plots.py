"""Pictures of the figures, for the run in MLflow."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay

from models.axes import Axis


def confusion_matrix(axis: Axis, figures: dict[str, Any]) -> Figure:
    """Draw the confusion matrix of an axis, counts in the cells, shaded by share of the true label."""
    figure = Figure(figsize=(4.2, 3.8), layout="constrained")
    axes = figure.subplots()
    counts = np.array(figures["confusion"]["counts"])
    display = ConfusionMatrixDisplay(
        counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), display_labels=axis.labels
    )
    display.plot(ax=axes, cmap="Blues", colorbar=False, include_values=False)
    for (i, j), count in np.ndenumerate(counts):
        dark = counts[i, j] > counts[i].sum() / 2
        axes.text(j, i, str(count), ha="center", va="center", color="white" if dark else "black")
    axes.set_title(f"{axis.name} on the exam")
    return figure


def risk_coverage(axis: Axis, points: list[dict[str, float]]) -> Figure:
    """Draw how often the most confident share of the answers is right."""
    figure = Figure(figsize=(4.2, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.plot([p["coverage"] for p in points], [p["accuracy"] for p in points], marker="o")
    axes.set(xlabel="share answered", ylabel="share right", xlim=(0, 1.02), ylim=(0.5, 1), title=f"{axis.name}, exam")
    return figure


def reliability(axis: Axis, bins: list[dict[str, float]]) -> Figure:
    """Draw how often answers of each confidence are right, over bins of equal count."""
    figure = Figure(figsize=(4.2, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], marker="o")
    axes.set(xlabel="confidence", ylabel="share right", xlim=(0.3, 1), ylim=(0, 1), title=f"{axis.name} on the exam")
    return figure
