"""The baseline beside which every figure stands: n-grams under logistic regression, as a notebook would have them.

It is fitted on the corpus outside its exam; its answers are kept by text, so that a second look costs nothing.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from models.heads import classifier, ngram_features
from training.cache import read_arrays, write_arrays
from training.corpus import Corpus

STRENGTH = 10.0
"""Strength of regularisation; the search of `fit --features ngrams` has chosen it on every corpus so far."""


def ngram_answers(corpus: Corpus, rows: pd.DataFrame, cache: Path) -> dict[str, np.ndarray]:
    """Return per axis of the corpus the places of the labels that n-grams answer, beside ``rows``.

    Axes are left out for which nothing can be learnt: one label alone, or texts that share no words.
    """
    learnt = json.dumps([corpus.record.digest, [(axis.name, axis.labels) for axis in corpus.axes]])
    file = cache / f"ngrams-{hashlib.sha256(learnt.encode()).hexdigest()[:16]}.npz"
    known = read_arrays(file)
    lacking = rows[~rows["digest"].isin(known.get("digests", ()))].drop_duplicates("digest")
    if len(lacking):
        new = _fitted(corpus, lacking)
        known = {name: np.concatenate([known[name], found]) for name, found in new.items()} if known else new
        write_arrays(file, **known)
    places = pd.Series(range(len(known["digests"])), index=known["digests"])[rows["digest"]].to_numpy()
    return {name: found[places] for name, found in known.items() if name != "digests"}


def _fitted(corpus: Corpus, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    train = corpus.part("encoder", "heads")
    found = {"digests": rows["digest"].to_numpy(dtype=str)}
    features = ngram_features()
    try:
        vectors = features.fit_transform(train["text"]).tocsr()
    except ValueError:  # scikit-learn's word for texts that share nothing, or for none at all
        return found
    asked = features.transform(rows["text"])
    for axis in corpus.axes:
        labelled = train[axis.name].notna().to_numpy()
        labels = train.loc[labelled, axis.name].to_numpy(dtype=str)
        if len(set(labels)) > 1:
            model = classifier(STRENGTH).fit(vectors[labelled], labels)
            order = np.array([axis.labels.index(label) for label in model.classes_])
            found[axis.name] = order[model.predict_proba(asked).argmax(axis=1)]
    return found
