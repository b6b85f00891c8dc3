"""Which labels of the corpus are likely wrong: confident learning on out-of-fold answers of a fine-tuned encoder.

Three grouped folds are fine-tuned, more than an hour on two cores, with the extra ``finetune`` and ``cleanlab`` beside
it; a run that was cut short goes on::

    pip install cleanlab==2.9.0
    python -m benchmarks.label_errors

It writes ``label-errors.csv``, the most doubtful label first. Read each; a machine relabels nothing.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from sklearn.model_selection import GroupKFold

from models.axes import read_axes
from training.corpus import AXES, corpus_files, read_corpus
from training.tuning.base import read_base
from training.tuning.learn import fresh, learn, tokenised
from training.tuning.network import answers

FOLDS, EPOCHS, SEED = 3, 4, 0
WORK = Path("label-errors")


def main() -> None:
    """Fine-tune each fold, find the doubtful labels and write them."""
    corpus = read_corpus(corpus_files(), read_axes(AXES))
    frame, base = corpus.frame, read_base()
    probabilities = {axis.name: np.zeros((len(frame), len(axis.labels))) for axis in corpus.axes}
    folds = GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(frame, groups=frame["group"])
    for fold, (seen, held) in enumerate(folds):
        work = WORK / f"fold-{fold}"
        work.mkdir(parents=True, exist_ok=True)
        rows = frame.iloc[held]
        network = fresh(base, corpus.axes, SEED)
        # The last epoch counts: to choose one by the rows that it is then asked about would be to look at their labels.
        last = learn(base, frame.iloc[seen], rows.iloc[:0], corpus.axes, SEED, EPOCHS, work)
        network.load_state_dict(last, strict=False)
        found = answers(network, tokenised(base, rows, corpus.axes).ids, f"fold {fold}")
        for axis in corpus.axes:
            probabilities[axis.name][held] = found[axis.name]
    doubtful = []
    for axis in corpus.axes:
        labelled = np.flatnonzero(frame[axis.name].notna())
        given = np.array([axis.labels.index(label) for label in frame[axis.name].iloc[labelled]])
        answered = probabilities[axis.name][labelled]
        for at in find_label_issues(given, answered, filter_by="both", return_indices_ranked_by="self_confidence"):
            row = frame.iloc[labelled[at]]
            answer = axis.labels[int(answered[at].argmax())]
            own = round(float(answered[at][given[at]]), 4)
            doubtful.append((row["id"], axis.name, row[axis.name], answer, own, row["text"]))
    table = pd.DataFrame(doubtful, columns=["id", "axis", "label", "answer", "probability of the label", "text"])
    table.sort_values("probability of the label").to_csv("label-errors.csv", index=False)
    print(table.groupby("axis").size().to_string())


if __name__ == "__main__":
    main()
