import numpy as np
import pytest
import torch

from models.axes import read_axes
from training.corpus import AXES, Corpus
from training.tuning import learn, network
from training.tuning.base import Base, read_base


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
