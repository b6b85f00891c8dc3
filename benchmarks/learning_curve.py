"""How macro-F1 on grounded rows grows with the corpus: composed rows only, grounded rows only, and both.

Grouped cross-validation outside the exam: each fold tests on its grounded rows and learns from a share of the others,
by n-grams and by frozen vectors of the base encoder. Run it by hand, a quarter of an hour on two cores, with the extra
``finetune``::

    python -m benchmarks.learning_curve

It prints the tables of ``data/README.md`` and draws ``data/learning-curve.svg``.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.progress import track
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from models.axes import Axis, read_axes
from models.heads import classifier, ngram_features, vector_classifier
from training.corpus import AXES, DATA, corpus_files, read_corpus
from training.tuning.base import read_base
from training.tuning.network import Network, answers, token_ids

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
MIXES = {"composed": ["composed"], "grounded": ["grounded"], "both": ["composed", "grounded"]}
FOLDS = 4
STRENGTHS = {"n-grams": 10.0, "frozen vectors": 1.0}
SEED = 0


def frozen_vectors(texts: pd.Series, axes: tuple[Axis, ...]) -> np.ndarray:
    """Return the vectors of texts by the encoder before any fine-tuning, (texts, hidden)."""
    base = read_base()
    network = Network(base.network, axes)
    return answers(network, token_ids(base.tokenizer, texts.tolist()), "frozen vectors")["vectors"]


def measured(frame: pd.DataFrame, axes: tuple[Axis, ...], vectors: np.ndarray) -> Iterator[dict[str, object]]:
    """Yield macro-F1 of every kind of features, mix, share, axis and language, over the out-of-fold answers."""
    folds = list(GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(frame, groups=frame["group"]))
    tasks = [(mix, share) for mix in MIXES for share in SHARES]
    for mix, share in track(tasks, description="learning curve"):
        rows: list[int] = []
        parts: dict[str, list[pd.DataFrame]] = {features: [] for features in STRENGTHS}
        for learn, test in folds:
            pool = frame.iloc[learn][frame.iloc[learn]["provenance"].isin(MIXES[mix])]
            groups = pool["group"].unique()
            kept = np.random.default_rng(SEED).permutation(groups)[: int(len(groups) * share)]
            pool, held = pool[pool["group"].isin(kept)], frame.iloc[test][frame.iloc[test]["provenance"] == "grounded"]
            rows.append(len(pool))
            ngrams = ngram_features().fit(pool["text"])
            for features, learnt, asked, make in (
                ("n-grams", ngrams.transform(pool["text"]), ngrams.transform(held["text"]), classifier),
                ("frozen vectors", vectors[pool.index], vectors[held.index], vector_classifier),
            ):
                model = make(STRENGTHS[features])
                found = {axis.name: model.fit(learnt, pool[axis.name]).predict(asked) for axis in axes}
                parts[features].append(pd.DataFrame(found, index=held.index))
        for features, found in ((features, pd.concat(part)) for features, part in parts.items()):
            for axis in axes:
                for lang in ("all", "ru", "uk", "en"):
                    true = frame.loc[found.index]
                    true = true if lang == "all" else true[true["lang"] == lang]
                    score = f1_score(true[axis.name], found.loc[true.index, axis.name], average="macro")
                    row = {"features": features, "mix": mix, "rows": int(np.mean(rows)), "axis": axis.name}
                    yield {**row, "lang": lang, "macro_f1": round(score, 3)}


def main() -> None:
    """Measure, print and draw."""
    corpus = read_corpus(corpus_files(), read_axes(AXES))
    frame = corpus.part("encoder", "heads").reset_index(drop=True)
    table = pd.DataFrame(measured(frame, corpus.axes, frozen_vectors(frame["text"], corpus.axes)))
    for features in STRENGTHS:
        of_these = table[table["features"] == features]
        wide = of_these.pivot(index=["mix", "rows"], columns=["axis", "lang"], values="macro_f1")
        names = [f"{axis} {lang}" for axis, lang in wide.columns]
        print(f"\n| {features}, trained on | rows | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 2) + "|")
        for (mix, rows), values in wide.iterrows():
            print(f"| {mix} | {rows:,} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    for axes, axis in zip(figure.subplots(1, 2, sharey=True), corpus.axes, strict=True):
        for colour, mix in enumerate(MIXES):
            for features, style in zip(STRENGTHS, ("-", ":"), strict=True):
                line = table[(table["mix"] == mix) & (table["axis"] == axis.name) & (table["lang"] == "all")]
                line = line[line["features"] == features]
                axes.plot(
                    line["rows"], line["macro_f1"], style, marker="o", color=f"C{colour}", label=f"{mix}, {features}"
                )
        axes.set(title=axis.name, xlabel="rows learnt from", ylabel="macro-F1 on grounded rows")
        axes.legend(frameon=False, fontsize="small")
    figure.savefig(DATA / "learning-curve.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
