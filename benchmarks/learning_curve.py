"""How macro-F1 on grounded rows grows with the corpus: composed rows only, grounded rows only, and both.

Grouped cross-validation outside the exam: each fold tests on its grounded rows and learns from a share of the others.
Run it by hand, some minutes on two cores::

    python -m benchmarks.learning_curve

It prints the table of ``data/README.md`` and draws ``data/learning-curve.svg``.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.progress import track
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from models.axes import Axis, read_axes
from models.heads import classifier, ngram_features
from training.corpus import AXES, DATA, corpus_files, read_corpus

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
MIXES = {"composed": ["composed"], "grounded": ["grounded"], "both": ["composed", "grounded"]}
FOLDS = 4
STRENGTH = 10.0
SEED = 0


def measured(frame: pd.DataFrame, axes: tuple[Axis, ...]) -> Iterator[dict[str, object]]:
    """Yield macro-F1 of every mix, share, axis and language, over the out-of-fold answers."""
    folds = list(GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(frame, groups=frame["group"]))
    tasks = [(mix, share) for mix in MIXES for share in SHARES]
    for mix, share in track(tasks, description="learning curve"):
        rows: list[int] = []
        parts: list[pd.DataFrame] = []
        for learn, test in folds:
            pool = frame.iloc[learn][frame.iloc[learn]["provenance"].isin(MIXES[mix])]
            groups = pool["group"].unique()
            kept = np.random.default_rng(SEED).permutation(groups)[: int(len(groups) * share)]
            pool, held = pool[pool["group"].isin(kept)], frame.iloc[test][frame.iloc[test]["provenance"] == "grounded"]
            features = ngram_features()
            vectors, asked = features.fit_transform(pool["text"]), features.transform(held["text"])
            answers = {axis.name: classifier(STRENGTH).fit(vectors, pool[axis.name]).predict(asked) for axis in axes}
            parts.append(pd.DataFrame(answers, index=held.index))
            rows.append(len(pool))
        found = pd.concat(parts)
        for axis in axes:
            for lang in ("all", "ru", "uk", "en"):
                true = frame.loc[found.index]
                true = true if lang == "all" else true[true["lang"] == lang]
                score = f1_score(true[axis.name], found.loc[true.index, axis.name], average="macro")
                count = int(np.mean(rows))
                yield {"mix": mix, "rows": count, "axis": axis.name, "lang": lang, "macro_f1": round(score, 3)}


def main() -> None:
    """Measure, print and draw."""
    corpus = read_corpus(corpus_files(), read_axes(AXES))
    frame = corpus.part("encoder", "heads").reset_index(drop=True)
    table = pd.DataFrame(measured(frame, corpus.axes))
    wide = table.pivot(index=["mix", "rows"], columns=["axis", "lang"], values="macro_f1")
    names = [f"{axis} {lang}" for axis, lang in wide.columns]
    print("| trained on | rows | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 2) + "|")
    for (mix, rows), values in wide.iterrows():
        print(f"| {mix} | {rows:,} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    for axes, axis in zip(figure.subplots(1, 2, sharey=True), corpus.axes, strict=True):
        for mix in MIXES:
            line = table[(table["mix"] == mix) & (table["axis"] == axis.name) & (table["lang"] == "all")]
            axes.plot(line["rows"], line["macro_f1"], marker="o", label=mix)
        axes.set(title=axis.name, xlabel="rows learnt from", ylabel="macro-F1 on grounded rows")
        axes.legend(frameon=False)
    figure.savefig(DATA / "learning-curve.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
