"""Make what `serving.py` needs: texts that no server has seen, and the bundle as MLflow keeps it.

A process of its own, so that the libraries which it loads are in no memory that is measured.
"""

import json
import random
import sys
from pathlib import Path

import mlflow
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from tokenizers import Tokenizer

from models.axes import read_axes
from models.bundle import load_bundle
from models.encoder import prepared
from training import pyfunc
from training.corpus import AXES, corpus_files, read_corpus
from training.tracking import _outputs

SEED = 0


def cut(texts: list[str], tokenizer: Tokenizer, tokens: int, count: int) -> list[str]:
    """Return ``count`` texts of so many tokens each, written from the texts, one after the other."""
    found: list[str] = []
    written = ""
    for text in texts:
        written = f"{written} {text}".strip()
        folded = prepared(written)
        offsets = tokenizer.encode(folded, add_special_tokens=False).offsets
        if len(offsets) > tokens:
            found.append(folded[: offsets[tokens - 1][1]])
            written = ""
        if len(found) == count:
            break
    return found


def save(bundle: Path, folder: Path) -> None:
    """Keep a bundle as MLflow does that of every fit."""
    loaded = load_bundle(bundle)
    mlflow.pyfunc.save_model(
        folder,
        python_model=pyfunc.__file__,
        artifacts={"bundle": str(bundle)},
        signature=ModelSignature(Schema([ColSpec("string", "text")]), Schema(_outputs(loaded.model))),
        pip_requirements=[f"{name}=={version}" for name, version in loaded.manifest.libraries.items()],
    )


def main() -> None:
    """Do what standard input asks and write the texts to standard output."""
    asked = json.load(sys.stdin)
    bundle = Path(asked["bundle"])
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    tokenizer.no_truncation()
    texts = sorted(set(read_corpus(corpus_files(), read_axes(AXES)).frame["text"]))
    random.Random(SEED).shuffle(texts)  # noqa: S311 (a sample, no secret)
    few, rest = texts[: asked["cut_from"]], texts[asked["cut_from"] :]
    lengths = [len(each.ids) for each in tokenizer.encode_batch([prepared(text) for text in rest])]
    save(bundle, Path(asked["mlflow"]))
    made = {tokens: cut(few, tokenizer, tokens, asked["count"]) for tokens in asked["tokens"]}
    json.dump({"texts": rest, "tokens": sum(lengths) / len(lengths), "cut": made}, sys.stdout)


if __name__ == "__main__":
    main()
