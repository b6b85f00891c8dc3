"""The pieces of a vocabulary that Russian, Ukrainian and English need."""

import json
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from wordfreq import top_n_list

from models.text import normalise
from training.corpus import LANGUAGES

WORDS = 80_000
"""Words a language, most frequent first, whose pieces stay; with those of the corpus they make an encoder of 35 MB."""
LETTERS = re.compile(r"[\u2581]?[\u0020-\u024f\u0400-\u052f\u2010-\u2044\u20ac\u2116]\Z")
"""Single characters of the three languages, with and without the mark of a word's beginning."""


def prune(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[Tokenizer, NDArray[np.int64]]:
    """Return the tokenizer with the pieces that the languages and the texts need, and their ids before."""
    layout = json.loads(tokenizer.to_str())
    pieces = layout["model"]["vocab"]
    needed = {token["id"] for token in layout["added_tokens"]}
    needed |= {i for i, (piece, _) in enumerate(pieces) if LETTERS.match(piece)}
    for language in LANGUAGES:
        words = top_n_list(language, WORDS)
        for found in tokenizer.encode_batch([*words, *(word.capitalize() for word in words)]):
            needed.update(found.ids)
    for found in tokenizer.encode_batch([normalise(text) for text in texts]):
        needed.update(found.ids)
    kept = sorted(needed)
    place = {old: new for new, old in enumerate(kept)}
    layout["model"]["vocab"] = [pieces[i] for i in kept]
    layout["model"]["unk_id"] = place[layout["model"]["unk_id"]]
    for token in layout["added_tokens"]:
        token["id"] = place[token["id"]]
    for special in layout["post_processor"]["special_tokens"].values():
        special["ids"] = [place[i] for i in special["ids"]]
    return Tokenizer.from_str(json.dumps(layout)), np.array(kept)
