"""The encoder while it learns: a BERT whose own tokens are pooled, with one linear head an axis. Needs torch."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from rich.progress import track
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertModel

from models.axes import Axis
from models.encoder import LONGEST, prepared

BATCH = 16
BUCKET = 50
"""Batches that are drawn together and sorted by length, so that little is padded."""
AT_ONCE = 2048
"""Tokens, padding among them, that are learnt from at once: a batch of the longest texts would take 18 GB."""


class Network(nn.Module):
    """Map token ids to pooled vectors and to logits an axis."""

    def __init__(self, bert: BertModel, axes: Sequence[Axis]) -> None:
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(0.1)
        self.heads = nn.ModuleDict({axis.name: nn.Linear(bert.config.hidden_size, len(axis.labels)) for axis in axes})
        bert.embeddings.word_embeddings.weight.requires_grad_(False)  # they ship as they came, four bits a weight

    def vectors(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """Return the mean of the states of each row's own tokens, the first and last being special, (rows, hidden)."""
        device = self.bert.device
        longest = max(map(len, rows))
        lengths = torch.tensor([len(row) for row in rows], device=device)[:, None]
        pad = self.bert.config.pad_token_id or 0
        ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows], device=device)
        places = torch.arange(longest, device=device)[None]
        states = self.bert(input_ids=ids, attention_mask=(places < lengths).long()).last_hidden_state.float()
        own = ((places > 0) & (places < lengths - 1)).float()[..., None]
        return torch.as_tensor((states * own).sum(1) / own.sum(1).clamp(min=1))

    def logits(self, vectors: Tensor) -> dict[str, Tensor]:
        """Return logits an axis, each (rows, labels)."""
        return {name: head(vectors) for name, head in self.heads.items()}


def token_ids(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Return the ids of each text, special tokens first and last, cut where the encoder cuts."""
    tokenizer.enable_truncation(LONGEST)
    tokenizer.no_padding()
    return [found.ids for found in tokenizer.encode_batch([prepared(text) for text in texts])]


def batches(lengths: Sequence[int], draw: random.Random) -> Iterator[list[int]]:
    """Yield every row once, in batches of like length and random order."""
    order = list(range(len(lengths)))
    draw.shuffle(order)
    found = []
    for at in range(0, len(order), BATCH * BUCKET):
        bucket = sorted(order[at : at + BATCH * BUCKET], key=lengths.__getitem__)
        found += [bucket[i : i + BATCH] for i in range(0, len(bucket), BATCH)]
    draw.shuffle(found)
    yield from found


def pieces(batch: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the rows of a batch, as many at a time as fit into memory when each is there twice."""
    size = max(1, AT_ONCE // (2 * max(lengths[row] for row in batch)))
    for at in range(0, len(batch), size):
        yield list(batch[at : at + size])


def answers(network: Network, rows: Sequence[Sequence[int]], what: str) -> dict[str, np.ndarray]:
    """Return probabilities an axis, (rows, labels), and the vectors under the name ``vectors``."""
    network.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found: dict[str, list[np.ndarray]] = {}
    with torch.inference_mode():
        for at in track(range(0, len(order), 4 * BATCH), description=what, transient=True):
            vectors = network.vectors([rows[i] for i in order[at : at + 4 * BATCH]])
            found.setdefault("vectors", []).append(vectors.cpu().numpy())
            for name, logits in network.logits(vectors).items():
                found.setdefault(name, []).append(torch.softmax(logits, dim=1).cpu().numpy())
    back = np.argsort(order)
    return {name: np.concatenate(parts)[back] for name, parts in found.items()}
