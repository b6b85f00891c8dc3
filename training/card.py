"""The model card: what a version is, what it was made of, how well it does, what it is bad at, and its uses."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from training.faithful import KEYS, TEXTS
from training.fit import Fit
from training.metrics import Figure

CORPUS = "data/corpus/"
"""Where the statements of this project lie, as a manifest names them."""
FEWEST_ROWS = 20
"""Rows under which a slice says too little to be called weak."""
RIGHT, OVER, UNDER, REST, WRONG = "█", "░", "▓", "·", "■"
"""Marks of the diagrams, which are text, so that they are seen wherever the card is read."""
MARKS = 40
"""Marks that a line of a reliability diagram has: all answers."""
RISK = 0.005
"""Share of wrong answers that one mark of a risk-coverage curve stands for."""


def card(fit: Fit) -> str:
    """Return the card of a model in Markdown, in the sections that model cards usually have."""
    return (
        "\n\n".join([*_details(fit), *_figures(fit), *_certainty(fit), *_behaviour(fit), *_weaknesses(fit), *_use(fit)])
        + "\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(str(c).split()).replace("|", "\\|") for c in line) + " |" for line in lines
    )


def _details(fit: Fit) -> list[str]:
    model, facts, encoder = fit.model, fit.facts, fit.encoder
    axes = "\n".join(f"- **{axis.name}** ({' / '.join(axis.labels)}): {axis.description}" for axis in model.axes)
    made = (
        "Word and character n-grams"
        if encoder is None
        else f"An encoder of {encoder.layers} layers and {encoder.pieces:,} pieces, fine-tuned from {encoder.base} "
        f"(licence {encoder.licence}), in eight bits; axes that it was tuned to stand on its last layer, others "
        f"on layers {', '.join(str(depth) for depth in encoder.depths or (encoder.layers,))}"
    )
    parts = {name: len(digests) for name, digests in facts.texts.items()}
    left = len(facts.learnt.union(facts.texts["exam"])) - facts.corpus.rows
    gone = f" ({left:,} of them are not in it)" if encoder and left else ""
    taught = (
        f"{parts['encoder']:,} by the encoder{gone} and {parts['heads']:,} by the heads"
        if encoder
        else f"{parts['heads']:,}"
    )
    licence = "CC BY 4.0, " if _ours(fit) else ""
    sections = [
        f"# stance {model.version}",
        "Classifies a news statement on the axes below. Licence: MIT. Languages: " + ", ".join(model.languages) + ".",
        axes,
        "## Made of",
        f"{made}; a linear head an axis, temperature-scaled on out-of-fold logits. The corpus has "
        f"{facts.corpus.rows:,} statements ({licence}digest `{facts.corpus.digest[:16]}`): {taught} were "
        f"learnt from, {parts['exam']:,}, of other events, are the exam.",
    ]
    if encoder:
        axis_names = [axis.name for axis in model.axes]
        known = [name for name in axis_names if name in encoder.axes]
        rows = [[step, *(f"{scores[name]:.3f}" for name in known)] for step, scores in encoder.held_out.items()]
        flattered = (
            f" ({encoder.held_out_known:,} of them had taught its teachers, which flatters)"
            if encoder.held_out_known
            else ""
        )
        sections += [
            f"How the encoder was made, macro-F1 on {encoder.held_out_rows:,} rows of groups that it never saw, "
            f"composed ones among them{flattered}; `exported` is after cutting the vocabulary and rounding to eight "
            "bits:",
            _table(["step", *known], rows),
        ]
    return sections


def _figures(fit: Fit) -> list[str]:
    metrics = fit.facts.metrics
    rows: list[Sequence[object]] = []
    for axis, measured in metrics.items():
        majority = measured["majority"]
        rows.append([axis, f"always {majority['label']}", "", f"{majority['macro_f1']:.3f}", "", ""])
        for _, name, figures in slices({axis: measured}):
            found = shown(figures["macro_f1"]), beside(figures), shown(figures["calibration_error"])
            rows.append([axis, name, figures["rows"], *found])
    labels = [
        [axis, label, shown(figure)]
        for axis, measured in metrics.items()
        for label, figure in measured["all"]["f1"].items()
    ]
    return [
        "## Figures on the exam",
        "With 95 % intervals by a bootstrap over groups of statements.",
        _table(["axis", "slice", "rows", "macro-F1", "of n-grams", "calibration error"], rows),
        _table(["axis", "label", "F1"], labels),
    ]


def _certainty(fit: Fit) -> list[str]:
    metrics, thresholds = fit.facts.metrics, fit.model.thresholds
    rows: list[Sequence[object]] = []
    for axis, measured in metrics.items():
        for name, figures in measured["selective"].items():
            rows.append([axis, name, f"{thresholds[axis]:.2f}", shown(figures["coverage"]), shown(figures["accuracy"])])
        if articles := measured["articles"]:
            figures = [f"{articles[key]:.3f}" for key in ("coverage", "accuracy")]
            rows.append([axis, "in the label mix of articles", f"{articles['threshold']:.2f}", *figures])
    sections = [
        "## Certainty",
        "Thresholds are set on rows that no head was fitted on, so that at least "
        f"{fit.parameters['selective_accuracy']:.1%} of the certain answers there are right, and none is certain that "
        "is likelier wrong than right. On the exam certain answers are this share of all, and so often right:",
        _table(["axis", "slice", "abstains under", "share answered", "share right of them"], rows),
    ]
    if any(measured["articles"] for measured in metrics.values()):
        sections.append(
            "Articles hold more neutral sentences than the corpus: their rows are the exam, weighted to the labels of "
            "thirty whole articles, ten a language, and say what a threshold of their own would do."
        )
    for axis, measured in metrics.items():
        sections += [
            f"Reliability of {axis}, tenths of the answers from the least confident: {RIGHT} right, {OVER} promised, "
            f"not right, {UNDER} right beyond what was promised, a mark for {1 / MARKS:.1%}:",
            _table(
                ["confidence", "share right", "diagram"],
                [
                    [f"{b['confidence']:.2f}", f"{b['accuracy']:.2f}", _reliable(b["confidence"], b["accuracy"])]
                    for b in measured["reliability"]
                ],
            ),
            f"Risk and coverage of {axis}, the most confident share answered, {WRONG} for {RISK:.1%} wrong:",
            _table(
                ["answered", "share right", "risk"],
                [
                    [f"{p['coverage']:.0%}", f"{p['accuracy']:.2f}", _bar(WRONG * round((1 - p["accuracy"]) / RISK))]
                    for p in measured["risk_coverage"]
                ],
            ),
        ]
    return sections


def _reliable(confidence: float, accuracy: float) -> str:
    """Return a line of a reliability diagram, the gap between what was promised and what held in other marks."""
    promised, held = round(confidence * MARKS), round(accuracy * MARKS)
    gap = OVER if promised > held else UNDER
    return _bar((RIGHT * min(promised, held) + gap * abs(promised - held)).ljust(MARKS, REST))


def _bar(marks: str) -> str:
    """Return marks as code, so that they are of one width and no reader of Markdown mends them."""
    return f"`{marks}`" if marks else ""


def _behaviour(fit: Fit) -> list[str]:
    rates = fit.facts.behaviour
    languages = sorted({language for by_language in rates.values() for language in by_language})
    sections = [
        "## Behaviour",
        "Share of the templates of `data/behaviour/` passed: what any reader labels at once (minimum), what must turn "
        "an answer (direction) and what must not (invariance).",
        _table(
            ["test", *languages],
            [[test, *(f"{of[lang]:.2f}" if lang in of else "–" for lang in languages)] for test, of in rates.items()],
        ),
    ]
    if faithful := fit.facts.faithfulness:
        sections += [
            f"What explanations are worth, on {TEXTS} texts of the exam: how much probability the answer loses, on "
            "average, when the fifth of the words with the largest weights is taken out (deletion: more is better) or "
            "kept alone (insertion: less is better), and as many at random." + _no_better(faithful),
            _table(
                ["axis", *(key.replace("_", ", ") for key in KEYS)],
                [[axis, *(f"{of[key]:.3f}" for key in KEYS)] for axis, of in faithful.items()],
            ),
        ]
    return sections


def _no_better(faithful: Mapping[str, Mapping[str, float]]) -> str:
    """Name the axes on which the words that an explanation names do no better than as many at random."""
    found = [
        f"{what} on {axis}"
        for axis, of in faithful.items()
        for what, gained in (
            ("deletion", of["deletion"] - of["deletion_random"]),
            ("insertion", of["insertion_random"] - of["insertion"]),
        )
        if gained <= 0
    ]
    return f" No better than words at random: {', '.join(found)}." if found else ""


def _weaknesses(fit: Fit) -> list[str]:
    weak = sorted(
        (
            (figures["accuracy"]["value"], [axis, slicing, value, figures["rows"], shown(figures["accuracy"])])
            for axis, measured in fit.facts.metrics.items()
            for slicing, values in measured["slices"].items()
            for value, figures in values.items()
            if figures["rows"] >= FEWEST_ROWS
        ),
        key=lambda item: float(item[0]),
    )
    examples = [[m.axis, m.label, m.answer, f"{m.confidence:.2f}", m.text] for m in _varied(fit.mistakes)]
    return [
        "## What it is bad at",
        "The slices of the exam with the lowest accuracy:",
        _table(["axis", "by", "slice", "rows", "accuracy"], [row for _, row in weak[:10]]),
        "Wrong answers that it was surest of, one a label and answer:",
        _table(["axis", "label", "answer", "confidence", "statement"], examples),
    ]


def _varied(found: Iterable[Any]) -> list[Any]:
    """Return the first mistake of each axis, label and answer."""
    first: dict[tuple[str, str, str], Any] = {}
    for mistake in found:
        first.setdefault((mistake.axis, mistake.label, mistake.answer), mistake)
    return list(first.values())


def _ours(fit: Fit) -> bool:
    """Say whether all statements are of this project's corpus, of which it is known what they are."""
    files = fit.facts.corpus.files
    return bool(files) and all(file.startswith(CORPUS) for file in files)


def _use(fit: Fit) -> list[str]:
    drawn = "Statements of the corpus restate what was published between 2022 and 2026. " if _ours(fit) else ""
    return [
        "## Use",
        "Meant for reading and counting stances in news texts, with the doubtful answers left out or read by a person. "
        "Not meant for judging people, nor for texts of other topics or languages: it abstains where it notices, and "
        f"it does not always notice. {drawn}Names, offices and positions change, and so does what a model has learnt "
        "of them.",
    ]


def slices(metrics: dict[str, dict[str, dict]]) -> list[tuple[str, str, dict]]:  # type: ignore[type-arg]
    """Return (axis, slice, figures) for every slice that was measured."""
    rows = []
    for axis, measured in metrics.items():
        rows.append((axis, "all", measured["all"]))
        rows += [(axis, name, f) for slicing in ("language", "provenance") for name, f in measured[slicing].items()]
    return rows


def beside(figures: dict[str, Any]) -> str:
    """Return the macro-F1 of n-grams on the same rows, for people; nothing where there is no baseline."""
    return f"{figures['ngrams']:.3f}" if "ngrams" in figures else "–"


def shown(figure: Figure) -> str:
    """Return a figure with its interval for people.

    >>> shown({"value": 0.7071, "low": 0.65, "high": 0.7654})
    '0.707 [0.650, 0.765]'
    """
    value, low, high = figure["value"], figure["low"], figure["high"]
    return "–" if value is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
