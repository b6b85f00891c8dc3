import numpy as np
import pytest

from models.axes import Axis
from models.heads import Heads, fit_head, folds, linear, vector_classifier


@pytest.mark.parametrize("labels", [("warm", "cold"), ("warm", "cold", "mild")])
@pytest.mark.parametrize("precision", [np.float32, np.float64])
@pytest.mark.parametrize("width", [None, 8])
def test_the_arrays_of_a_head_answer_as_its_estimator_does(
    labels: tuple[str, ...], precision: type, width: int | None
) -> None:
    random = np.random.default_rng(1)
    axis = Axis(name="tone", labels=labels, neutral=labels[-1], description="How warm.")
    true = random.choice(labels, 400)
    shift = np.array([[labels.index(label)] for label in true]) * np.linspace(0, 1, 12)
    vectors = (random.normal(3, 1, (400, 12)) + shift).astype(precision)
    splits = list(folds().split(vectors, true, np.arange(400).astype(str)))
    head = fit_head(vectors, true, splits, np.ones(400, dtype=bool), vector_classifier(0.1, width))
    expected = Heads(None, {"tone": head}).answers(vectors.astype(float), [axis])["tone"]
    found = Heads(None, {}, {"tone": linear(head, axis)}).answers(vectors, [axis])["tone"]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    vectors[:, 8:] = 0
    changed = Heads(None, {}, {"tone": linear(head, axis)}).answers(vectors, [axis])["tone"]
    assert (changed == found).all() == (width == 8)
