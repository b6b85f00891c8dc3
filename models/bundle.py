"""A fitted model on disk, and the only place that unpickles.

A bundle is trusted code: loading one runs what its pickle says. So its files are read once, their digests are compared
first, the bytes that were compared are the bytes that are loaded, and a bundle that somebody else could have written
is refused.
"""

import io
import json
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import joblib
from pydantic import ValidationError
from sklearn.exceptions import InconsistentVersionWarning

from models.drift import Reference
from models.encoder import FILES as ENCODER_FILES
from models.encoder import Encoder
from models.errors import (
    BundleDamaged,
    BundleForeign,
    BundleNotFound,
    BundleUntrusted,
    EncoderError,
    StoreError,
)
from models.golden import golden_lines, self_test
from models.heads import Heads, linear
from models.integrity import REMEDY, content, record, sync, trust, verified
from models.manifest import FORMAT, EncoderRecord, Facts, Manifest
from models.stance import StanceModel

STORE = Path(__file__).parent / "store"
RELEASED = Path(__file__).parent / "released"
LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "onnxruntime", "tokenizers")
REFERENCE = "reference.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Hold a loaded, verified and self-tested model with its manifest, card in Markdown and, of late, reference."""

    path: Path
    manifest: Manifest = field(repr=False)
    model: StanceModel = field(repr=False)
    card: str = field(repr=False)
    reference: Reference | None = field(repr=False)


def new_version(heads: Heads) -> str:
    """Return ``<UTC time>-<8 hex of content>``; of the estimators, for a vectoriser holds a memory address."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{joblib.hash(dict(heads.estimators))[:8]}"


def open_store(store: Path) -> None:
    """Make the folder of a store where there is none, and tell before any work where nothing can be written.

    Raises:
        StoreError: the folder cannot be made or written in.
    """
    try:
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=store):
            pass
    except OSError as error:
        raise _unwritable(store, error) from error


def _unwritable(store: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{store}: cannot be written ({error.strerror}); nothing was changed. "
        "Free space there or name another place with --store or STANCE_STORE"
    )


def write_bundle(
    store: Path,
    model: StanceModel,
    facts: Facts,
    golden: Sequence[str],
    card: str,
    encoder: Path | None = None,
    reference: Reference | None = None,
) -> Path:
    """Write a model into a store, whole or not at all, and return its folder.

    ``encoder`` is the folder whose encoder the model stands on; its files are shared with it where the disk allows.

    Raises:
        StoreError: the store cannot be written to or the disk is full.
    """
    final = store / model.version
    beside: Path | None = None
    try:
        store.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".writing-", dir=store))
        beside.chmod(0o755)
        own = {} if encoder else {"features": model.heads.features}
        joblib.dump({**own, "estimators": dict(model.heads.estimators)}, beside / "heads.joblib", compress=3)
        if encoder:
            for name in ENCODER_FILES:
                _share(encoder / name, beside / name)
        (beside / "golden.jsonl").write_text(golden_lines(model, golden), encoding="utf-8")
        (beside / "card.md").write_text(card, encoding="utf-8")
        if reference:
            (beside / REFERENCE).write_text(reference.model_dump_json(indent=1), encoding="utf-8")
        manifest = Manifest(
            **facts.model_dump(),
            format=FORMAT,
            version=model.version,
            created=datetime.now(UTC),
            axes=model.axes,
            languages=model.languages,
            thresholds=dict(model.thresholds),
            libraries={name: installed(name) for name in LIBRARIES},
            files={f.name: record(f.read_bytes()) for f in sorted(beside.iterdir())},
        )
        (beside / "manifest.json").write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        for file in beside.iterdir():
            file.chmod(0o644)
            sync(file)
        beside.rename(final)
        sync(store)
    except OSError as error:
        raise _unwritable(store, error) from error
    finally:
        if beside is not None and beside.exists():
            shutil.rmtree(beside, ignore_errors=True)
    return final


def _share(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a bundle without loading the model.

    Raises:
        BundleNotFound: there is no such folder.
        BundleDamaged: the manifest is missing or is not one.
        BundleForeign: it is of another format.
    """
    if not path.is_dir():
        raise BundleNotFound(f"{path}: no bundle there; fit one with `python -m training fit`")
    written = content(path / "manifest.json", "a manifest")
    try:
        found = json.loads(written)
        if isinstance(found, dict) and found.get("format", FORMAT) != FORMAT:
            raise BundleForeign(
                f"{path}: bundle format {found['format']}, expected {FORMAT}; install what wrote it, or fit anew"
            )
        return Manifest.model_validate(found)
    except (ValidationError, ValueError, RecursionError) as error:
        raise BundleDamaged(
            f"{path / 'manifest.json'}: expected a manifest, found something else ({type(error).__name__}); {REMEDY}"
        ) from error


def load_bundle(path: Path, threads: int = 0) -> Bundle:
    """Verify, load and self-test the bundle in a folder; its encoder runs on so many threads, 0 for all cores.

    Raises:
        BundleNotFound, BundleUntrusted, BundleDamaged, BundleForeign, BundleDiffers: in the order of the checks.
    """
    path = path.resolve()
    manifest = read_manifest(path)
    trust(path)
    _consistent(path, manifest)
    contents = {name: verified(path / name, record) for name, record in manifest.files.items()}
    encoded = manifest.features == "encoder"
    for name in ("heads.joblib", "golden.jsonl", "card.md", *(ENCODER_FILES if encoded else ())):
        if name not in contents:
            raise BundleDamaged(f"{path / 'manifest.json'}: expected a record of {name}, found none; {REMEDY}")
    _same_library(path, manifest.libraries)
    encoder = _encoder(path, contents, threads) if encoded else None
    loaded = _unpickled(path / "heads.joblib", contents["heads.joblib"])
    try:
        features = encoder or loaded["features"]
        estimators = loaded["estimators"]
        arrays = {axis.name: linear(estimators[axis.name], axis) for axis in manifest.axes} if encoded else None
        heads = Heads(features, estimators, arrays)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BundleForeign(
            f"{path / 'heads.joblib'}: whole, but no heads of this model ({type(error).__name__}); another version "
            "wrote it: fit anew"
        ) from error
    model = StanceModel(manifest.version, manifest.axes, manifest.languages, manifest.thresholds, heads)
    self_test(path / "golden.jsonl", model, contents["golden.jsonl"])
    reference = Reference.read(path / REFERENCE, contents[REFERENCE]) if REFERENCE in contents else None
    return Bundle(path, manifest, model, contents["card.md"].decode("utf-8", "replace"), reference)


def _consistent(path: Path, manifest: Manifest) -> None:
    names = {axis.name for axis in manifest.axes}
    if not names or set(manifest.thresholds) != names:
        raise BundleDamaged(
            f"{path / 'manifest.json'}: expected a threshold for each axis ({', '.join(sorted(names))}), "
            f"found {', '.join(sorted(manifest.thresholds)) or 'none'}; {REMEDY}"
        )
    for name in manifest.files:
        if Path(name).name != name:
            raise BundleUntrusted(f"{path / 'manifest.json'}: names {name!r}, which lies outside the bundle; fit anew")


def _same_library(path: Path, libraries: Mapping[str, str]) -> None:
    made, here = libraries.get("scikit-learn"), installed("scikit-learn")
    if made != here:
        raise BundleForeign(f"{path}: made with scikit-learn {made}, this is {here}; install that one, or fit anew")


def _encoder(path: Path, contents: Mapping[str, bytes], threads: int) -> Encoder:
    name = "encoder.json"
    try:
        EncoderRecord.model_validate_json(contents[name])
        return Encoder(contents["encoder.onnx"], contents["tokenizer.json"], threads)
    except ValidationError as error:
        raise BundleForeign(f"{path / name}: whole, but no record of an encoder; fit anew") from error
    except EncoderError as error:
        raise BundleForeign(f"{path}/{error}, then fit anew") from error


def _unpickled(file: Path, content: bytes) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            return dict(joblib.load(io.BytesIO(content)))
    except InconsistentVersionWarning as error:
        raise BundleForeign(f"{file}: {error}; fit anew") from error
    except Exception as error:  # a pickle of other code can raise anything at all
        raise BundleForeign(
            f"{file}: whole, but cannot be loaded here ({type(error).__name__}); another version wrote it: fit anew"
        ) from error


def current(store: Path) -> Path | None:
    """Return the folder of the version that is released in a store, None where none is."""
    try:
        return store / (store / "current").readlink()
    except OSError:  # no link, or none any more
        return None


def serving(store: Path) -> Path:
    """Return the folder that is to be served: the released version of the store, else the one that ships.

    Raises:
        BundleNotFound: there is neither.
    """
    chosen = current(store) or RELEASED
    if not chosen.is_dir():
        raise BundleNotFound(f"{store}: no version is released there; fit and release one with `make train`")
    return chosen
