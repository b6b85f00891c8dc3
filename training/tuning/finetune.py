"""Fine-tune the encoder on part ``encoder`` of a corpus and write it in eight bits. Needs the extra ``finetune``."""

import copy
import hashlib
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import GroupShuffleSplit

from models.axes import Axis
from models.bundle import Bundle
from models.encoder import Encoder
from models.errors import StoreError, TrainingError
from models.manifest import EncoderRecord
from models.text import digest
from training import report
from training.corpus import Corpus
from training.tuning.base import Base, read_base
from training.tuning.graph import build, depths, write_encoder
from training.tuning.learn import CONSISTENCY, LAYER_DECAY, RATE, Figures, fresh, learn, score, shown, tokenised
from training.tuning.network import Network, answers
from training.tuning.vocabulary import prune

FURTHER = 0.5
"""What the rate of an encoder that learns further is of that of one that begins, so that it keeps what it knows."""
HELD_OUT = 0.1
"""Share of the groups of part ``encoder`` on which choices are made; the encoder never sees them."""
State = Mapping[str, torch.Tensor]
"""The weights of a network that learn, by name."""
EXPORT_LOSS, BATCH_DIFFERENCE, LARGEST = 0.01, 1e-5, 35_000_000
"""Macro-F1 that eight bits may cost an axis, what company may change a vector by, and bytes of an encoder."""
ALONE = 64
"""Held-out texts that are encoded alone as well, and compared."""
STUDENT_LOSS = 0.015
"""Macro-F1 that a student may lose on an axis and still take the place of its teacher."""


def finetune(
    corpus: Corpus,
    source: str | None,
    seeds: int,
    epochs: int,
    layers: int | None,
    fitted: Sequence[Bundle],
    unlabelled: Sequence[str],
    out: Path,
) -> Path:
    """Fine-tune, teach a student, prune, quantise, measure each step; return the folder of the encoder.

    Of the seeds, their weights averaged, and a student of the same depth that all of them teach, the best by the
    held-out groups ships. With ``layers`` a student of so many, cut from the first seed and taught by all, takes its
    place if it stays within ``STUDENT_LOSS`` of it on every axis. Models ``fitted`` before teach each seed together, so
    that one does what several did for them. Whoever is taught also learns what its teachers answer to the texts
    ``unlabelled``. Where ``source`` is an encoder, its learning goes on at a lower rate, and groups are held out of
    which it has learnt from no row; its own teachers may have, and it may have been chosen by them. A run that was cut
    short goes on from its last checkpoint when it is started again with the same corpus, texts and parameters.

    Raises:
        TrainingError: part ``encoder`` has too few groups to hold some out, or too few that the base has not seen,
            ``layers`` are no fewer than the base's, a teacher lacks an axis of the corpus, or nobody teaches what the
            unlabelled texts say.
        EncoderError: the base weights cannot be read.
        StoreError: the encoder cannot be written.
    """
    rows = corpus.part("encoder").reset_index(drop=True)
    if rows["group"].nunique() < 2 / HELD_OUT:
        raise TrainingError(f"part encoder has {rows['group'].nunique()} groups, too few to fine-tune on; label more")
    if unlabelled and seeds == 1 and layers is None and not fitted:
        raise TrainingError("nobody says what the unlabelled texts mean; name a --teacher, --layers or more --seeds")
    plain = pd.DataFrame({"text": unlabelled, "digest": [digest(text) for text in unlabelled]})
    plain = plain.reindex(columns=rows.columns).astype(object)
    base = read_base(source)
    further = f", further from {base.further}" if base.further else ""
    rate = RATE * FURTHER if base.further else RATE
    seen_rows, held_rows = _held_out(rows, base, corpus)
    taught_rows = pd.concat([seen_rows, plain.where(plain.notna(), None)])
    if layers is not None and layers >= (depth := base.network.config.num_hidden_layers):
        raise TrainingError(
            f"a student of {layers} layers is no smaller than {base.name}{further}, which has {depth}; name fewer"
        )
    shown_by = _asked(fitted, taught_rows, corpus.axes) if fitted else None
    known = int(held_rows["digest"].isin(frozenset().union(*(b.manifest.learnt for b in fitted))).sum())
    if known:
        report.warn(
            f"{known} of the {len(held_rows)} held-out rows taught the teachers, so the figures on them flatter"
        )
    taught_by = " and ".join(bundle.manifest.version for bundle in fitted)
    beside = f", {len(unlabelled):,} unlabelled texts beside" if unlabelled else ""
    recipe = [
        corpus.record.digest,
        [(axis.name, axis.labels) for axis in corpus.axes],
        base.name + further,
        base.digest,
        epochs,
        seeds,
        rate,
        LAYER_DECAY,
        CONSISTENCY,
        taught_by,
        *unlabelled,
    ]
    key = json.dumps(recipe)
    work = out / f".working-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    try:
        work.mkdir(parents=True, exist_ok=True)
        own_rows = taught_rows if fitted else seen_rows
        learnt = [learn(base, own_rows, held_rows, corpus.axes, s, epochs, work, shown_by, rate) for s in range(seeds)]
        candidates = _averaged(learnt, further, f", taught by {taught_by}{beside}" if fitted else "")
        teachers = _answered(base, learnt, taught_rows, corpus.axes) if len(learnt) > 1 or layers is not None else None
        if len(learnt) > 1:
            candidates[f"taught by all seeds{further}{beside}"] = learn(
                base, taught_rows, held_rows, corpus.axes, len(learnt), epochs, work, teachers, rate
            )
        network, tried = _best(base, candidates, held_rows, corpus.axes)
        if layers is not None:
            small = _cut(base, learnt[0], layers)
            taught = learn(small, taught_rows, held_rows, corpus.axes, 0, epochs, work, teachers)
            network = _smaller(small, taught, network, held_rows, corpus.axes, tried, further + beside)
        folder = _export(base, network, taught_rows, held_rows, known, corpus, tried, out)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror}); free space there, then go on") from error
    shutil.rmtree(work)
    return folder


def _held_out(rows: pd.DataFrame, base: Base, corpus: Corpus) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to learn from, and those of groups to choose by, of which the base has seen no row."""
    known = rows["group"].isin(corpus.frame["group"][corpus.frame["digest"].isin(base.seen)])
    groups = rows["group"][~known]
    # Of the groups that are new to an encoder most are to be learnt from: they are why it learns further.
    count = min(math.ceil(HELD_OUT * rows["group"].nunique()), groups.nunique() // 4)
    if count == 0:
        raise TrainingError(
            f"encoder {base.further} has learnt from all groups of part encoder but {groups.nunique()}, so none can be "
            "held out; label more, or begin from the base weights"
        )
    _, held = next(GroupShuffleSplit(1, test_size=count, random_state=0).split(groups, groups=groups.to_numpy()))
    chosen = rows.index.isin(groups.index[held])
    return rows[~chosen], rows[chosen]


def _asked(fitted: Sequence[Bundle], rows: pd.DataFrame, axes: Sequence[Axis]) -> dict[str, np.ndarray]:
    """Return what fitted models answer to rows on average, probabilities an axis, (rows, labels)."""
    found = []
    for bundle in fitted:
        version, known = bundle.manifest.version, {axis.name: axis.labels for axis in bundle.model.axes}
        for axis in axes:
            if known.get(axis.name) != axis.labels:
                lacking = f"{axis.name} ({', '.join(axis.labels)})"
                raise TrainingError(f"{version} cannot teach {lacking}; fit a model on this corpus, name that")
        with report.out.status(f"{version} answers what it is to teach"):
            found.append(bundle.model.heads.probabilities(rows["text"].tolist(), axes))
    return {axis.name: np.mean([answer[axis.name] for answer in found], axis=0) for axis in axes}


def _averaged(learnt: Sequence[State], further: str, taught: str) -> dict[str, State]:
    """Return the weights of each seed, and their average where there are several."""
    candidates = {f"seed {seed}{further}{taught}": state for seed, state in enumerate(learnt)}
    if len(learnt) > 1:
        candidates[f"average{further}"] = {k: torch.stack([state[k] for state in learnt]).mean(0) for k in learnt[0]}
    return candidates


def _answered(base: Base, learnt: Sequence[State], rows: pd.DataFrame, axes: Sequence[Axis]) -> dict[str, np.ndarray]:
    """Return what several networks answer to rows on average, probabilities an axis, (rows, labels)."""
    network, ids = fresh(base, axes, 0), tokenised(base, rows, axes).ids
    found = []
    for state in learnt:
        network.load_state_dict(state, strict=False)
        found.append(answers(network, ids, "what the teachers answer"))
    return {axis.name: np.mean([answer[axis.name] for answer in found], axis=0) for axis in axes}


def _best(
    base: Base, candidates: Mapping[str, State], held: pd.DataFrame, axes: Sequence[Axis]
) -> tuple[Network, dict[str, Figures]]:
    """Return the best candidate by the held-out groups, and the figures of each."""
    chosen_by = tokenised(base, held, axes)
    network = fresh(base, axes, 0)
    tried = {}
    for name, state in candidates.items():
        network.load_state_dict(state, strict=False)
        tried[name] = score(answers(network, chosen_by.ids, name), chosen_by, axes)
    best = max(tried, key=lambda name: tried[name].mean)
    network.load_state_dict(candidates[best], strict=False)
    return network.cpu().eval(), tried


def _cut(base: Base, state: State, layers: int) -> Base:
    """Return base weights of fewer layers, taken evenly from a tuned network."""
    whole = fresh(base, (), 0)
    whole.load_state_dict({name: weight for name, weight in state.items() if name.startswith("bert.")}, strict=False)
    config = copy.deepcopy(base.network.config)
    config.num_hidden_layers = layers
    bert = type(base.network)(config, add_pooling_layer=False)
    bert.embeddings.load_state_dict(whole.bert.embeddings.state_dict())
    for layer in range(layers):
        taken = round((layer + 1) * base.network.config.num_hidden_layers / layers) - 1
        bert.encoder.layer[layer].load_state_dict(whole.bert.encoder.layer[taken].state_dict())
    return replace(base, network=bert)


def _smaller(
    small: Base,
    taught: State,
    network: Network,
    held: pd.DataFrame,
    axes: Sequence[Axis],
    tried: dict[str, Figures],
    how: str,
) -> Network:
    """Return the student of fewer layers where it holds against the best network, else that; add its figures."""
    best = max(tried.values(), key=lambda found: found.mean).macro_f1
    name = f"student of {small.network.config.num_hidden_layers} layers{how}"
    student, figures = _best(small, {name: taught}, held, axes)
    tried |= figures
    holds = all(figures[name].macro_f1[axis] >= best[axis] - STUDENT_LOSS for axis in best)
    return student if holds else network


def _export(
    base: Base,
    network: Network,
    seen: pd.DataFrame,
    held: pd.DataFrame,
    known: int,
    corpus: Corpus,
    tried: Mapping[str, Figures],
    out: Path,
) -> Path:
    """Prune and quantise a network, measure what that costs on the held-out groups, and write the encoder."""
    if base.further:  # its vocabulary is cut already
        tokenizer, kept = base.tokenizer, np.arange(network.bert.config.vocab_size)
    else:
        tokenizer, kept = prune(base.tokenizer, seen["text"].tolist())
    graph, words = build(network.bert, kept).SerializeToString(), tokenizer.to_str().encode()
    encoder, texts, asked = Encoder(graph, words), held["text"].tolist(), tokenised(base, held, corpus.axes)
    vectors = encoder.transform(texts)
    last = vectors[:, : network.bert.config.hidden_size]
    exported = {}
    for axis in corpus.axes:
        head = network.heads[axis.name]
        with torch.inference_mode():
            exported[axis.name] = head(torch.from_numpy(last)).numpy()
    before = score(answers(network, asked.ids, "before it is exported"), asked, corpus.axes).macro_f1
    tried = {**tried, "exported": score(exported, asked, corpus.axes)}
    lost = max(before[name] - figure for name, figure in tried["exported"].macro_f1.items())
    alone = np.concatenate([encoder.transform([text]) for text in texts[:ALONE]])
    company = float(np.abs(alone - vectors[:ALONE]).max())
    record = EncoderRecord(
        base=base.name,
        licence=base.licence,
        hidden=network.bert.config.hidden_size,
        layers=network.bert.config.num_hidden_layers,
        depths=depths(network.bert.config.num_hidden_layers),
        pieces=len(kept),
        corpus=corpus.record.digest,
        held_out_rows=len(held),
        held_out_known=known,
        held_out={name: dict(figures.macro_f1) for name, figures in tried.items()},
        seen=tuple(sorted(base.seen.union(seen["digest"]))),
    )
    for name, figures in tried.items():
        report.out.print(f"{name}: {shown(figures)}")
    for what, value, most in (
        ("macro-F1 lost by cutting the vocabulary and eight bits, on the worse axis", lost, EXPORT_LOSS),
        ("most that other texts of a batch change a vector by", company, BATCH_DIFFERENCE),
        ("bytes", len(graph) + len(words), LARGEST),
    ):
        (report.out.print if value <= most else report.warn)(f"{what}: {value:.6g}, at most {most:.6g} is meant")
    return write_encoder(out, graph, words, record)
