"""Each file of a bundle, harmed in each way, is an error of its own type that names the file and the remedy."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from onnxruntime import datasets
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from models.bundle import Bundle, load_bundle
from models.encoder import FILES as ENCODER_FILES
from models.errors import BundleDamaged, BundleDiffers, BundleError, BundleForeign
from tests.models.test_bundle import FILES, rewritten

PARTS = [("bundle", name) for name in (*FILES, *ENCODER_FILES)] + [("ngram_bundle", name) for name in FILES]


def missing(file: Path) -> None:
    file.unlink()


def truncated(file: Path) -> None:
    _replaced(file, file.read_bytes()[: file.stat().st_size // 2])


def altered(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2 if file.suffix != ".json" else 0] ^= 1  # of a manifest, whose digest nobody has, {
    _replaced(file, content)


def foreign(file: Path) -> None:
    _replaced(file, b"?" * file.stat().st_size if file.suffix != ".onnx" else strange_graph())


DAMAGES: dict[Callable[[Path], None], str] = {
    missing: "found none",
    truncated: r"expected \d+ bytes, found \d+|found something else",
    altered: "expected SHA-256 .*, found .*|found something else",
    foreign: r"expected (SHA-256|\d+ bytes).*, found .*|found something else",
}


def _replaced(file: Path, content: bytes) -> None:
    """Write a file anew: it may be shared with other bundles."""
    file.unlink()
    file.write_bytes(content)


def strange_graph() -> bytes:
    """Return a sound graph that is no encoder."""
    return Path(datasets.get_example("mul_1.onnx")).read_bytes()


def twin(bundle: Bundle, folder: Path) -> Path:
    """Copy a bundle, its large files shared."""
    return Path(shutil.copytree(bundle.path, folder / bundle.manifest.version, copy_function=os.link))


@pytest.mark.parametrize("harm", DAMAGES)
@pytest.mark.parametrize(("of", "name"), PARTS)
def test_a_harmed_file_is_named_with_its_harm_and_the_remedy(
    request: pytest.FixtureRequest, tmp_path: Path, of: str, name: str, harm: Callable[[Path], None]
) -> None:
    folder = twin(request.getfixturevalue(of), tmp_path)
    harm(folder / name)
    with pytest.raises(BundleDamaged, match=DAMAGES[harm]) as caught:
        load_bundle(folder)
    assert str(folder / name) in str(caught.value)
    assert "fit anew" in str(caught.value)


def other_words() -> bytes:
    made = Tokenizer(WordLevel({"<unk>": 0}, unk_token="<unk>"))  # noqa: S106 (no password)
    return str(made.to_str()).encode()


def otherwise(content: bytes) -> bytes:
    """Return golden texts with answers that no model gave."""
    rows = [json.loads(line) for line in content.decode().splitlines()]
    for row in rows:
        row["probabilities"] = {axis: dict.fromkeys(found, 1 / 3) for axis, found in row["probabilities"].items()}
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.mark.parametrize(
    ("of", "name", "content", "error"),
    [
        ("bundle", "encoder.onnx", lambda _: strange_graph(), BundleForeign),
        ("bundle", "encoder.onnx", lambda _: b"no graph", BundleForeign),
        ("bundle", "tokenizer.json", lambda _: b"{}", BundleForeign),
        ("bundle", "tokenizer.json", lambda _: other_words(), BundleError),
        ("bundle", "encoder.json", lambda _: b"{}", BundleForeign),
        ("bundle", "heads.joblib", "ngram_bundle", BundleForeign),
        ("ngram_bundle", "heads.joblib", "bundle", BundleForeign),
        ("bundle", "golden.jsonl", otherwise, BundleDiffers),
        ("ngram_bundle", "golden.jsonl", otherwise, BundleDiffers),
        ("bundle", "reference.json", lambda _: b"{}", BundleDamaged),
        ("ngram_bundle", "manifest.json", "bundle", BundleDamaged),
    ],
)
def test_a_foreign_file_whose_record_is_true_is_told_apart(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    of: str,
    name: str,
    content: str | Callable[[bytes], bytes],
    error: type[BundleError],
) -> None:
    folder = twin(request.getfixturevalue(of), tmp_path)
    file = folder / name
    if isinstance(content, str):
        _replaced(file, (request.getfixturevalue(content).path / name).read_bytes())
    else:
        _replaced(file, content(file.read_bytes()))
    if name != "manifest.json":
        manifest = (folder / "manifest.json").read_bytes()
        _replaced(folder / "manifest.json", manifest)
        rewritten(folder)
    with pytest.raises(error) as caught:
        load_bundle(folder)
    assert re.match(re.escape(str(folder)) + r"/[\w.]+:", str(caught.value)), "names a file"
    assert "fit anew" in str(caught.value)
