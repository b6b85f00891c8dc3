from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from models.axes import read_axes
from training.corpus import AXES, Corpus
from training.tuning import learn, network
from training.tuning.base import Base, read_base
from training.tuning.network import token_ids


@pytest.fixture(scope="module")
def base() -> Base:
    """The weights that all fine-tuning begins with."""
    return read_base(None)


@pytest.mark.parametrize("taught", [False, True])
def test_a_batch_of_long_texts_is_learnt_from_in_pieces_to_the_same_gradient(
    base: Base, corpus: Corpus, taught: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = read_axes(AXES)
    frame = corpus.part("encoder").head(4).copy()
    frame["text"] = frame["text"] + " " + frame["text"].iloc[0] * 3
    frame.iloc[:2, frame.columns.get_loc(axes[0].name)] = None
    rows, batch = learn.tokenised(base, frame, axes), list(range(len(frame)))
    teachers = None
    if taught:
        draw = np.random.default_rng(0)
        teachers = {axis.name: draw.dirichlet(np.ones(len(axis.labels)), len(batch)) for axis in axes}
    tuned = learn.fresh(base, axes, 0).eval()  # without dropout, which would be drawn otherwise
    found = []
    for tokens in (10**6, 1):
        monkeypatch.setattr(network, "AT_ONCE", tokens)
        parts = list(network.pieces(batch, [len(ids) for ids in rows.ids]))
        assert [row for part in parts for row in part] == batch
        assert len(parts) == (1 if tokens > 1 else len(batch))
        tuned.zero_grad()
        for part in parts:
            torch.autograd.backward(learn._loss(tuned, rows, part, batch, teachers))
        found.append([p.grad.clone() for p in tuned.parameters() if p.grad is not None])
    assert found[0]
    for whole, in_pieces in zip(*found, strict=True):
        assert torch.allclose(whole, in_pieces, rtol=1e-3, atol=1e-5)


def test_an_axis_without_a_label_among_the_held_out_rows_has_no_figure(base: Base, corpus: Corpus) -> None:
    axes = read_axes(AXES)
    frame = corpus.part("encoder").head(6).assign(**{axes[1].name: None})
    rows = learn.tokenised(base, frame, axes)
    found = {axis.name: np.eye(len(axis.labels))[[0] * len(frame)] for axis in axes}
    figures = learn.score(found, rows, axes)
    assert figures.macro_f1.keys() == {axes[0].name}
    assert figures.mean == figures.macro_f1[axes[0].name]


def test_the_epoch_that_did_best_is_returned(
    base: Base, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes, frame = read_axes(AXES), corpus.part("encoder").head(32)
    after: list[dict[str, torch.Tensor]] = []
    means = iter([0.5, 0.9, 0.7])

    def scored(found: object, held: learn.Rows, axes: object) -> learn.Figures:
        return learn.Figures({"troops": next(means)})

    monkeypatch.setattr(learn, "score", scored)
    save = learn._save
    monkeypatch.setattr(
        learn, "_save", lambda file, net, *rest: (after.append(learn._light(net)), save(file, net, *rest))
    )
    best = learn.learn(base, frame.iloc[:16], frame.iloc[16:], axes, 0, 3, tmp_path)
    same = [all(torch.equal(best[name], state[name]) for name in best) for state in after]
    assert same == [False, True, False]


def test_what_a_tokenizer_pads_is_not_learnt_from(base: Base) -> None:
    padding = Tokenizer.from_str(base.tokenizer.to_str())
    texts = ["One.", "A longer one, of more pieces."]
    bare = token_ids(padding, texts)
    padding.enable_padding(length=64)
    assert token_ids(padding, texts) == bare
