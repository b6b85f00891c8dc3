"""A fine-tuned encoder as an ONNX graph that computes in eight bits.

Every product takes one scale a token for its activations, so that no text's answer depends on what shares its batch,
and one a column for its weights, which stay within seven bits: processors without VNNI saturate on more.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from transformers import BertConfig, BertModel

from models.manifest import EncoderRecord

OPSET, CONTRIB, IR = 21, 1, 10
WEIGHT_LIMIT = 63
EMBEDDING_BLOCK = 32
DEPTHS = (1, 2 / 3, 1 / 3)
"""How far up the layers lie whose states a vector is made of. The last one knows the axes that the encoder was tuned
to; those below have kept more of everything else, for axes that it was not."""
MICROSOFT = "com.microsoft"
PARTS = ("query", "key", "value")
Array = NDArray[Any]


class _Graph:
    """Collect nodes and initialisers, giving each result a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, values: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, *inputs: str, domain: str = "", outputs: int = 1, **attributes: Any) -> list[str]:
        names = [f"n{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names

    def one(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        return self.add(kind, *inputs, domain=domain, **attributes)[0]


def depths(layers: int) -> tuple[int, ...]:
    """Return the layers whose states a vector is made of, counted from 1, the last one first.

    >>> depths(12)
    (12, 8, 4)
    """
    return tuple(dict.fromkeys(max(1, round(depth * layers)) for depth in DEPTHS))


def build(bert: BertModel, kept: NDArray[np.int64]) -> onnx.ModelProto:
    """Return the graph of a BERT whose vocabulary is cut to the ids ``kept``, in their order.

    Inputs: ``ids`` (texts, tokens) and ``lengths`` (texts), special tokens counted in. Outputs: ``states`` (texts,
    tokens, width), those of the layers that ``depths`` names side by side, and ``vectors`` (texts, width), their mean
    over each text's own tokens.
    """
    weights = {name: value.detach().float().cpu().numpy() for name, value in bert.state_dict().items()}
    config = bert.config
    hidden, epsilon = config.hidden_size, config.layer_norm_eps
    g = _Graph()
    shape = g.one("Shape", "ids")
    flat = g.constant(np.array([-1, hidden]))
    back = g.one("Concat", shape, g.constant(np.array([hidden])), axis=0)
    x = _embedded(g, weights, kept, shape, flat, epsilon)
    layers = []
    for layer in range(config.num_hidden_layers):
        w = {name.removeprefix(f"encoder.layer.{layer}."): value for name, value in weights.items()}
        attended = _attention(g, w, x, back, flat, config.num_attention_heads)
        x = _added(g, w, "attention.output", attended, x, epsilon)
        inner = _product(g, x, [w["intermediate.dense.weight"]])
        inner = g.one("BiasGelu", inner, g.constant(w["intermediate.dense.bias"]), domain=MICROSOFT)
        x = _added(g, w, "output", inner, x, epsilon)
        layers.append(x)
    return _model(g, [layers[depth - 1] for depth in depths(len(layers))], shape, back, hidden)


def _model(g: _Graph, layers: list[str], shape: str, back: str, hidden: int) -> onnx.ModelProto:
    """Return the model whose outputs are made of the tokens of some layers, each (all tokens, hidden)."""
    states = [g.one("Reshape", x, back) for x in layers]
    g.nodes.append(helper.make_node("Concat", states, ["states"], axis=2))
    _pooled(g, states, shape)
    width = hidden * len(states)
    graph = helper.make_graph(
        g.nodes,
        "encoder",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["texts"]),
        ],
        [
            helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", width]),
            helper.make_tensor_value_info("states", TensorProto.FLOAT, ["texts", "tokens", width]),
        ],
        g.constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, CONTRIB)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR, producer_name="stance-desk")


def _embedded(
    g: _Graph,
    weights: dict[str, Array],
    kept: NDArray[np.int64],
    shape: str,
    flat: str,
    epsilon: float,
) -> str:
    nibbles, scales = four_bits(weights["embeddings.word_embeddings.weight"][kept])
    # Only signed nibbles: on unsigned ones without zero points the operator silently takes 0 for the middle, not 8.
    packed = (nibbles[:, 0::2] & 15) | ((nibbles[:, 1::2] & 15) << 4)
    data = helper.make_tensor("words", TensorProto.INT4, nibbles.shape, packed.astype(np.uint8).tobytes(), raw=True)
    g.constants.append(data)
    words = g.one(
        "GatherBlockQuantized",
        "words",
        "ids",
        g.constant(scales),
        domain=MICROSOFT,
        gather_axis=0,
        quantize_axis=1,
        block_size=EMBEDDING_BLOCK,
    )
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    tokens = g.one("Gather", shape, g.constant(np.array([1])), axis=0)
    places = g.one("Slice", g.constant(positions), g.constant(np.array([0])), tokens, g.constant(np.array([0])))
    summed = g.one("Add", g.one("Cast", words, to=TensorProto.FLOAT), places)
    gamma, beta = (g.constant(weights[f"embeddings.LayerNorm.{part}"]) for part in ("weight", "bias"))
    return g.one("Reshape", g.one("LayerNormalization", summed, gamma, beta, axis=-1, epsilon=epsilon), flat)


def _attention(g: _Graph, w: dict[str, Array], x: str, back: str, flat: str, heads: int) -> str:
    joint = _product(g, x, [w[f"attention.self.{part}.weight"] for part in PARTS])
    sides = [g.one("Reshape", side, back) for side in g.add("Split", joint, outputs=3, axis=1, num_outputs=3)]
    bias = g.constant(np.concatenate([w[f"attention.self.{part}.bias"] for part in PARTS]))
    attended = g.one("MultiHeadAttention", *sides, bias, "lengths", domain=MICROSOFT, num_heads=heads)
    return g.one("Reshape", attended, flat)


def _product(g: _Graph, x: str, weights: list[Array]) -> str:
    """Multiply tokens (tokens, in) by weights, each (out, in), in eight bits; return (tokens, all outs)."""
    high = g.one("ReduceMax", x, g.constant(np.array([1])), keepdims=1)
    low = g.one("Neg", g.one("ReduceMin", x, g.constant(np.array([1])), keepdims=1))
    peak = g.one("Max", high, low, g.constant(np.array(1e-12, np.float32)))
    scale = g.one("Mul", peak, g.constant(np.array(1 / 127, np.float32)))
    line = g.one("Reshape", scale, g.constant(np.array([-1])))
    middle = g.one("Expand", g.constant(np.array([128], np.uint8)), g.one("Shape", line))
    quantised = g.one("QuantizeLinear", x, line, middle, axis=0)
    columns, column_scales = zip(*map(seven_bits, weights), strict=True)
    product = g.one(
        "MatMulIntegerToFloat",
        quantised,
        g.constant(np.concatenate([c.T for c in columns], axis=1)),
        g.constant(np.array(1, np.float32)),  # the operator knows one scale for all tokens; theirs follows below
        g.constant(np.concatenate(column_scales)),
        g.constant(np.array(128, np.uint8)),
        domain=MICROSOFT,
    )
    return g.one("Mul", product, scale)


def _added(g: _Graph, w: dict[str, Array], part: str, x: str, skip: str, epsilon: float) -> str:
    product = _product(g, x, [w[f"{part}.dense.weight"]])
    gamma, beta = (g.constant(w[f"{part}.LayerNorm.{name}"]) for name in ("weight", "bias"))
    bias = g.constant(w[f"{part}.dense.bias"])
    return g.one("SkipLayerNormalization", product, skip, gamma, beta, bias, domain=MICROSOFT, epsilon=epsilon)


def _pooled(g: _Graph, states: list[str], shape: str) -> None:
    """Add the mean of the states of each text's own tokens: neither the special ones at its ends nor the padding."""
    tokens = g.one("Gather", shape, g.constant(np.array(1)), axis=0)
    places = g.one("Range", g.constant(np.array(0)), tokens, g.constant(np.array(1)))
    lengths = g.one("Unsqueeze", g.one("Cast", "lengths", to=TensorProto.INT64), g.constant(np.array([1])))
    last = g.one("Sub", lengths, g.constant(np.array(1)))
    inside = g.one("And", g.one("Greater", places, g.constant(np.array(0))), g.one("Less", places, last))
    own = g.one("Cast", inside, to=TensorProto.FLOAT)
    line = g.one("Unsqueeze", own, g.constant(np.array([1])))
    total = g.one("Concat", *(g.one("MatMul", line, layer) for layer in states), axis=2)
    count = g.one("ReduceSum", own, g.constant(np.array([1])), keepdims=1)
    count = g.one("Max", count, g.constant(np.array(1, np.float32)))
    vectors = g.one("Squeeze", total, g.constant(np.array([1])))
    g.nodes.append(helper.make_node("Div", [vectors, count], ["vectors"]))


def seven_bits(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round weights (out, in) to whole numbers within ±63; return them and one scale an output."""
    scales = np.maximum(np.abs(weights).max(axis=1), 1e-12) / WEIGHT_LIMIT
    return np.rint(weights / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def four_bits(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Round weights (rows, columns) to -8 … 7 with one half-precision scale a block of columns.

    Weights that were made of such nibbles come back without loss: of the eight scales under which the largest weight of
    a block is a whole number, the one that errs least is taken.
    """
    blocks = weights.reshape(len(weights), -1, EMBEDDING_BLOCK)
    at = np.abs(blocks).argmax(axis=2, keepdims=True)
    peak = np.take_along_axis(blocks, at, axis=2)[..., 0]
    best, error = np.zeros(peak.shape, np.float16), np.full(peak.shape, np.inf, np.float32)
    nibbles = np.zeros(blocks.shape, np.int8)
    for most in (-8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7):
        scale = (peak / most).astype(np.float16)
        wide = np.where(scale == 0, 1, scale).astype(np.float32)[..., None]
        rounded = np.clip(np.rint(blocks / wide), -8, 7)
        found = np.square(rounded * scale.astype(np.float32)[..., None] - blocks).sum(axis=2)
        better = found < error
        best, error = np.where(better, scale, best), np.where(better, found, error)
        nibbles = np.where(better[..., None], rounded.astype(np.int8), nibbles)
    return nibbles.reshape(weights.shape), best


def bert_of(model: onnx.ModelProto) -> BertModel:
    """Return the BERT that a graph was built of, with the weights that its whole numbers stand for.

    Its vocabulary is the cut one, and its one token type is part of its positions.

    Raises:
        ValueError, LookupError, RuntimeError: the graph is none that ``build`` made.
    """
    constants = {constant.name: constant for constant in model.graph.initializer}

    def told(kind: str, *at: int) -> list[list[Array]]:
        nodes = [node.input for node in model.graph.node if node.op_type == kind]
        return [[numpy_helper.to_array(constants[names[i]]) for i in at] for names in nodes]

    [[nibbles, scales]] = told("GatherBlockQuantized", 0, 2)
    [[positions]] = told("Slice", 0)
    blocks = nibbles.astype(np.float32).reshape(*scales.shape, EMBEDDING_BLOCK)
    words: Array = (blocks * scales.astype(np.float32)[..., None]).reshape(nibbles.shape)
    weights = {"word_embeddings.weight": words, "position_embeddings.weight": positions}
    weights["token_type_embeddings.weight"] = np.zeros((1, words.shape[1]), np.float32)
    [[weights["LayerNorm.weight"], weights["LayerNorm.bias"]]] = told("LayerNormalization", 1, 2)
    weights = {f"embeddings.{name}": values for name, values in weights.items()}
    products = [whole.T * scale[:, None] for whole, scale in told("MatMulIntegerToFloat", 1, 3)]
    added, attended, inner = told("SkipLayerNormalization", 2, 3, 4), told("MultiHeadAttention", 3), told("BiasGelu", 1)
    for layer in range(len(attended)):
        w = {}
        joint, w["attention.output.dense.weight"], w["intermediate.dense.weight"], w["output.dense.weight"] = products[
            4 * layer : 4 * layer + 4
        ]
        for what, values in (("weight", joint), ("bias", attended[layer][0])):
            for part, side in zip(PARTS, np.split(values, 3), strict=True):
                w[f"attention.self.{part}.{what}"] = side
        [w["intermediate.dense.bias"]] = inner[layer]
        for part, at in (("attention.output", 2 * layer), ("output", 2 * layer + 1)):
            w[f"{part}.LayerNorm.weight"], w[f"{part}.LayerNorm.bias"], w[f"{part}.dense.bias"] = added[at]
        weights |= {f"encoder.layer.{layer}.{name}": values for name, values in w.items()}
    attributes = {a.name: a for node in model.graph.node for a in node.attribute}
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=words.shape[1],
        num_hidden_layers=len(attended),
        num_attention_heads=attributes["num_heads"].i,
        intermediate_size=len(products[2]),
        max_position_embeddings=len(positions),
        type_vocab_size=1,
        layer_norm_eps=attributes["epsilon"].f,
    )
    bert = BertModel(config, add_pooling_layer=False)
    bert.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in weights.items()})
    bert.train(False)
    return bert


def encoder_name(graph: bytes, words: bytes) -> str:
    """Return the name of an encoder, made of the digest of its graph and its tokenizer."""
    return hashlib.sha256(graph + words).hexdigest()[:8]


def write_encoder(out: Path, graph: bytes, words: bytes, record: EncoderRecord) -> Path:
    """Write a graph, its tokenizer and the record of how they were made; return the folder, named after them."""
    folder = out / encoder_name(graph, words)
    beside = Path(tempfile.mkdtemp(prefix=".writing-", dir=out))
    try:
        beside.chmod(0o755)
        (beside / "encoder.onnx").write_bytes(graph)
        (beside / "tokenizer.json").write_bytes(words)
        (beside / "encoder.json").write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
        if not folder.exists():
            beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder
