import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from models.bundle import RELEASED
from models.encoder import Encoder
from models.text import normalise
from training.corpus import Corpus
from training.tuning.base import Base, read_base
from training.tuning.graph import bert_of, build, depths, four_bits, seven_bits
from training.tuning.network import Network, answers, token_ids
from training.tuning.vocabulary import prune


@pytest.fixture(scope="module")
def base() -> Base:
    return read_base()


@pytest.fixture(scope="module")
def texts(corpus: Corpus) -> list[str]:
    return corpus.frame["text"].iloc[::300].tolist()


def test_the_base_knows_a_translation_from_another_topic(base: Base, corpus: Corpus) -> None:
    texts = ["query: The cat sits on the mat.", "query: Кошка сидит на коврике.", "query: Profits beat the forecasts."]
    network = Network(base.network, corpus.axes)
    vectors = answers(network, token_ids(base.tokenizer, texts), "")["vectors"]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert near > far + 0.05


def test_the_graph_answers_as_the_network_and_no_text_as_its_neighbours(
    base: Base, texts: list[str], corpus: Corpus
) -> None:
    tokenizer, kept = prune(base.tokenizer, texts)
    graph = build(base.network, kept).SerializeToString()
    encoder = Encoder(graph, tokenizer.to_str().encode())
    found = encoder.transform(texts)
    network = Network(base.network, corpus.axes)
    ids = token_ids(base.tokenizer, texts)
    layers = np.split(found, len(depths(base.network.config.num_hidden_layers)), axis=1)
    for layer, expected in zip(layers, _vectors(base, ids), strict=True):
        centre = expected.mean(axis=0)
        for one, other in zip(layer - centre, expected - centre, strict=True):
            assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.97
    np.testing.assert_allclose(_vectors(base, ids)[0], answers(network, ids, "")["vectors"], atol=1e-4)
    alone = np.vstack([encoder.transform([text]) for text in texts])
    np.testing.assert_allclose(found, alone, atol=1e-5)
    for states, vector in zip(encoder.token_states(texts), found, strict=True):
        np.testing.assert_allclose(states.states.mean(axis=0), vector, atol=1e-5)
    assert len(graph) + len(tokenizer.to_str().encode()) < 35_000_000


def _vectors(base: Base, rows: list[list[int]]) -> list[np.ndarray]:
    """Return the mean states of each row's own tokens after the layers that a vector is made of."""
    with torch.inference_mode():
        states = [base.network(torch.tensor([row]), output_hidden_states=True).hidden_states for row in rows]
    layers = depths(base.network.config.num_hidden_layers)
    return [np.stack([found[layer][0, 1:-1].mean(0).numpy() for found in states]) for layer in layers]


def test_a_graph_is_read_back_into_the_network_that_it_was_built_of() -> None:
    model = onnx.load(RELEASED / "encoder.onnx")
    network = bert_of(model)
    again = build(network, np.arange(network.config.vocab_size))
    assert list(again.graph.node) == list(model.graph.node)
    assert again.SerializeToString() == model.SerializeToString()


@pytest.mark.parametrize(("layers", "expected"), [(12, (12, 8, 4)), (2, (2, 1)), (1, (1,))])
def test_a_vector_is_made_of_layers_that_there_are(layers: int, expected: tuple[int, ...]) -> None:
    assert depths(layers) == expected


def test_the_cut_vocabulary_cuts_the_texts_that_it_was_made_for_as_before(base: Base, texts: list[str]) -> None:
    tokenizer, kept = prune(base.tokenizer, texts)
    for text in texts:
        before, after = base.tokenizer.encode(normalise(text)), tokenizer.encode(normalise(text))
        assert before.tokens == after.tokens
        assert before.ids == [int(kept[i]) for i in after.ids]


def test_weights_of_four_bits_come_back_without_loss() -> None:
    random = np.random.default_rng(0)
    scales = random.uniform(0.001, 0.1, (50, 2)).astype(np.float16)
    nibbles = random.integers(-8, 8, (50, 64))
    weights = (nibbles.reshape(50, 2, 32) * scales.astype(np.float32)[..., None]).reshape(50, 64).astype(np.float32)
    found, by = four_bits(weights)
    back = found.reshape(50, 2, 32).astype(np.float32) * by.astype(np.float32)[..., None]
    np.testing.assert_array_equal(back.reshape(50, 64), weights)


def test_weights_of_seven_bits_stay_within_63() -> None:
    weights = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    found, scales = seven_bits(weights)
    assert np.abs(found).max() == 63
    np.testing.assert_allclose(found * scales[:, None], weights, atol=float(scales.max()) / 2)


def test_the_weights_that_ship_stay_within_seven_bits() -> None:
    graph = onnx.load(RELEASED / "encoder.onnx").graph
    weights = [numpy_helper.to_array(w) for w in graph.initializer if w.data_type == onnx.TensorProto.INT8]
    assert len(weights) >= 8
    assert max(int(np.abs(w.astype(int)).max()) for w in weights) == 63
