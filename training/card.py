"""The model card: what a version is, what it was fitted on, how well it does and where it should not be used."""

from models.manifest import Facts
from models.stance import StanceModel
from training.metrics import Figure


def card(model: StanceModel, facts: Facts) -> str:
    """Return the card of a model in Markdown."""
    lines = [
        f"# stance {model.version}",
        "",
        "Classifies a news statement on the axes below. Licence: MIT. Languages: " + ", ".join(model.languages) + ".",
        "",
        *(f"- **{axis.name}** ({' / '.join(axis.labels)}): {axis.description}" for axis in model.axes),
        "",
        "## Made of",
        "",
        f"Features: {facts.features}; a linear head an axis, temperature-scaled on out-of-fold logits. Corpus of "
        f"{facts.corpus.rows} statements, digest `{facts.corpus.digest[:16]}`: {len(facts.learnt)} trained, "
        f"{len(facts.texts['exam'])} were held back for the figures.",
        "",
        "## Figures on the exam",
        "",
        "With 95 % intervals by a bootstrap over groups of statements.",
        "",
        "| axis | slice | rows | macro-F1 | calibration error |",
        "|---|---|---|---|---|",
    ]
    for axis, name, figures in slices(facts.metrics):
        lines.append(
            f"| {axis} | {name} | {figures['rows']} | {shown(figures['macro_f1'])} "
            f"| {shown(figures['calibration_error'])} |"
        )
    lines += ["", "| axis | label | F1 |", "|---|---|---|"]
    for each in model.axes:
        for label, figure in facts.metrics[each.name]["all"]["f1"].items():
            lines.append(f"| {each.name} | {label} | {shown(figure)} |")
    lines += _certainty(model, facts)
    languages = sorted({language for rates in facts.behaviour.values() for language in rates})
    lines += [
        "",
        "## Behaviour",
        "",
        "Share of the templates of `data/behaviour/` passed: what any reader labels at once (minimum), what must turn "
        "an answer (direction) and what must not (invariance).",
        "",
        "| test | " + " | ".join(languages) + " |",
        "|---" * (len(languages) + 1) + "|",
        *(
            f"| {test} | " + " | ".join(f"{rates[lang]:.2f}" if lang in rates else "–" for lang in languages) + " |"
            for test, rates in facts.behaviour.items()
        ),
        "",
        "## Use",
        "",
        "Meant for reading and counting stances in news texts, with the doubtful answers left out or read by a person. "
        "Not meant for judging people, nor for texts of other topics or languages: it abstains where it notices, and "
        "it does not always notice.",
        "",
    ]
    return "\n".join(lines)


def _certainty(model: StanceModel, facts: Facts) -> list[str]:
    """Return what abstention costs and brings, and how honest the confidence is."""
    lines = [
        "",
        "## Certainty",
        "",
        "Thresholds are set on rows that no head was fitted on so that certain answers are right nine times in ten; on "
        "the exam they cover and keep:",
        "",
        "| axis | slice | abstains under | share answered | share right of them |",
        "|---|---|---|---|---|",
    ]
    for axis in model.axes:
        for name, figures in facts.metrics[axis.name]["selective"].items():
            lines.append(
                f"| {axis.name} | {name} | {model.thresholds[axis.name]:.2f} | {shown(figures['coverage'])} "
                f"| {shown(figures['accuracy'])} |"
            )
    for axis in model.axes:
        bins, points = facts.metrics[axis.name]["reliability"], facts.metrics[axis.name]["risk_coverage"]
        lines += [
            "",
            f"Reliability of {axis.name}, tenths of the answers from the least confident:",
            "",
            "| confidence | " + " | ".join(f"{b['confidence']:.2f}" for b in bins) + " |",
            "|---" * (len(bins) + 1) + "|",
            "| share right | " + " | ".join(f"{b['accuracy']:.2f}" for b in bins) + " |",
            "",
            f"Risk and coverage of {axis.name}, the most confident share answered:",
            "",
            "| answered | " + " | ".join(f"{p['coverage']:.0%}" for p in points) + " |",
            "|---" * (len(points) + 1) + "|",
            "| share right | " + " | ".join(f"{p['accuracy']:.2f}" for p in points) + " |",
        ]
    return lines


def slices(metrics: dict[str, dict[str, dict]]) -> list[tuple[str, str, dict]]:  # type: ignore[type-arg]
    """Return (axis, slice, figures) for every slice that was measured."""
    rows = []
    for axis, measured in metrics.items():
        rows.append((axis, "all", measured["all"]))
        rows += [(axis, name, f) for slicing in ("language", "provenance") for name, f in measured[slicing].items()]
    return rows


def shown(figure: Figure) -> str:
    """Return a figure with its interval for people.

    >>> shown({"value": 0.7071, "low": 0.65, "high": 0.7654})
    '0.707 [0.650, 0.765]'
    """
    value, low, high = figure["value"], figure["low"], figure["high"]
    return "–" if value is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
