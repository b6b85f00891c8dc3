"""Which version serves: the gate, the log of releases and the link ``current``."""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any

import pandas as pd

from models.axes import read_axes
from models.bundle import RELEASED, Bundle, current, load_bundle
from models.encoder import Encoder
from models.errors import BundleError, BundleNotFound, ReleaseError, StoreError
from training.corpus import AXES, DATA, read_corpus
from training.ground import CACHE, KeptVectors
from training.metrics import Comparison, difference

FEWEST_ROWS = 200
"""Grounded exam rows under which a comparison says too little."""
FLOORS = {"minimum": 0.80, "direction": 0.75, "invariance": 0.90}
"""Shares of the behavioural tests of a language that have to pass, unless what serves passes fewer."""
LOG = "releases.jsonl"


def compare(challenger: Bundle, champion: Bundle, exam: pd.DataFrame) -> dict[str, Comparison]:
    """Compare two bundles on each axis they share, over the grounded exam rows that neither has seen.

    Vectors are kept in the store of the challenger, so that a fit and its gate encode no text twice.
    """
    seen = challenger.manifest.learnt | champion.manifest.learnt
    rows = exam[(exam["provenance"] == "grounded") & ~exam["digest"].isin(seen)]
    known = {(axis.name, axis.labels) for axis in champion.model.axes}
    shared = [axis for axis in challenger.model.axes if (axis.name, axis.labels) in known and axis.name in rows]
    cache = challenger.path.parent / CACHE
    answers = [
        bundle.model.heads.answers(_vectors(bundle, rows, cache), shared) if len(rows) else {}
        for bundle in (challenger, champion)
    ]
    comparisons = {}
    for axis in shared:
        labelled = rows[axis.name].notna().to_numpy()
        if labelled.any():
            predicted = [found[axis.name][labelled].argmax(axis=1) for found in answers]
            comparisons[axis.name] = difference(rows[labelled], axis, *predicted)
    return comparisons


def _vectors(bundle: Bundle, rows: pd.DataFrame, cache: Path) -> Any:
    features = bundle.model.heads.features
    if isinstance(features, Encoder):
        return KeptVectors(features, bundle.path, cache)(rows["text"].tolist())
    return features.transform(rows["text"])


def fallen(challenger: Bundle, champion: Bundle) -> list[str]:
    """Name the behavioural tests whose pass rate is under the floor, and under that of what serves, in a language."""
    return [
        f"{test} in {lang} {rate:.2f} (floor {FLOORS[test]:.2f})"
        for test, rates in challenger.manifest.behaviour.items()
        for lang, rate in rates.items()
        if rate < min(FLOORS[test], champion.manifest.behaviour.get(test, {}).get(lang, 1.0))
    ]


def gate(challenger: Bundle, champion: Bundle | None, force: str | None) -> dict[str, Any]:
    """Let a challenger pass, returning the figures, or refuse it.

    Raises:
        ReleaseError: it is worse on an axis, lacks one, or could not be compared, and ``force`` gives no reason to go
            on.
    """
    if champion is None:
        return {}
    known = {axis.name: axis.labels for axis in challenger.model.axes}
    lost = [axis for axis in champion.model.axes if known.get(axis.name) != axis.labels]
    if force is None and lost:
        told = ", ".join(f"{axis.name} ({', '.join(axis.labels)})" for axis in lost)
        raise ReleaseError(
            f"{challenger.manifest.version} does not answer {told} as {champion.manifest.version} does; "
            "to release it all the same: --force WHY"
        )
    files = [DATA.parent / name for name in challenger.manifest.corpus.files]
    if missing := [str(file) for file in files if not file.exists()]:
        comparisons, why = {}, f"its corpus is gone ({', '.join(missing)})"
    else:
        comparisons = compare(challenger, champion, read_corpus(files, read_axes(AXES)).part("exam"))
        fewest = min((c.rows for c in comparisons.values()), default=0)
        why = f"{fewest} grounded exam rows are new to both, {FEWEST_ROWS} are needed" if fewest < FEWEST_ROWS else ""
    figures = {name: asdict(c) for name, c in comparisons.items()}
    worse = [name for name, c in comparisons.items() if c.refused]
    if force is None and not why and worse:
        told = "; ".join(
            f"{name}: {c.difference:+.3f} macro-F1 [{c.low:+.3f}, {c.high:+.3f}]" for name, c in comparisons.items()
        )
        raise ReleaseError(
            f"{challenger.manifest.version} is worse than {champion.manifest.version} on {', '.join(worse)} ({told}); "
            "to release it all the same: --force WHY"
        )
    if force is None and (tests := fallen(challenger, champion)):
        raise ReleaseError(
            f"{challenger.manifest.version} fails behavioural tests that have to hold: {', '.join(tests)}; "
            "to release it all the same: --force WHY"
        )
    if force is None and why:
        raise ReleaseError(
            f"{challenger.manifest.version} could not be compared with {champion.manifest.version}: {why}; "
            "to release it all the same: --force WHY"
        )
    return figures


def champion(store: Path) -> Bundle | None:
    """Load what a challenger is held against: the released version of the store, else the one that ships."""
    place = current(store) or (RELEASED if RELEASED.is_dir() else None)
    return load_bundle(place) if place else None


def stored(store: Path, version: str | None = None) -> Path:
    """Return the folder of a version of a store, by default of the newest.

    Raises:
        BundleNotFound: the store holds none, or not that one.
    """
    versions = sorted(f for f in store.glob("[0-9]*-*") if f.is_dir()) if store.is_dir() else []
    if not versions:
        raise BundleNotFound(f"{store}: holds no bundle; fit one with `python -m training fit`")
    if version is None:
        return versions[-1]
    if not (store / version).is_dir():
        newest = ", ".join(folder.name for folder in versions[:-6:-1])
        raise BundleNotFound(f"{store}: holds no version {version}; the newest there: {newest}")
    return store / version


def release(store: Path, version: str | None = None, force: str | None = None) -> tuple[Bundle, dict[str, Any]]:
    """Make a version, by default the newest, the one that serves; return it and the figures of the gate.

    Raises:
        BundleNotFound, ReleaseError, StoreError: then what served serves on.
    """
    folder = stored(store, version)
    challenger = load_bundle(folder)
    if folder.parent != store or folder.name != challenger.manifest.version:
        raise ReleaseError(f"{folder}: not a version of {store}; name one of its folders as it was written")
    with _alone(store):
        serving = current(store)
        if serving and serving.name == folder.name:
            return challenger, {}
        try:
            figures = gate(challenger, champion(store), force)
        except BundleError as error:
            if force is None:
                raise ReleaseError(
                    f"what serves cannot be loaded, so nothing can be compared with it: {error}; "
                    "to release all the same: --force WHY"
                ) from error
            figures = {}
        _move(store, "release", serving.name if serving else None, folder.name, force, figures)
    return challenger, figures


def rollback(store: Path, why: str | None = None) -> Bundle | None:
    """Make the version released before the current one serve again; return it, None where it was the first.

    Raises:
        ReleaseError: nothing is released.
        BundleError: the version before is gone or damaged; then what served serves on.
    """
    nothing = ReleaseError(f"{store}: nothing is released there, so there is nothing to go back from")
    if not store.is_dir():
        raise nothing
    with _alone(store):
        serving = current(store)
        if serving is None:
            raise nothing
        stack = _released(store)
        if serving.name in stack:  # what was logged after it never came to serve
            stack = stack[: len(stack) - stack[::-1].index(serving.name) - 1]
        before = stack[-1] if stack else None
        bundle = load_bundle(store / before) if before else None
        _move(store, "rollback", serving.name, before, why, {})
    return bundle


def _released(store: Path) -> list[str]:
    """Return the versions released and not rolled back, oldest first; a torn line of the log counts as none."""
    stack: list[str] = []
    log = store / LOG
    for line in log.read_text(encoding="utf-8").split("\n") if log.exists() else ():
        with suppress(ValueError):
            entry = json.loads(line)
            if entry["action"] == "release":
                stack.append(entry["to"])
            elif entry["to"] in stack:
                stack = stack[: len(stack) - stack[::-1].index(entry["to"])]
            else:
                stack = []
    return stack


def _move(
    store: Path, action: str, before: str | None, to: str | None, why: str | None, figures: dict[str, Any]
) -> None:
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": getuser(),
        "action": action,
        "from": before,
        "to": to,
        "why": why,
        "figures": figures,
    }
    log = store / LOG
    torn = log.exists() and not log.read_bytes().endswith(b"\n")
    with log.open("a", encoding="utf-8") as lines:
        lines.write("\n" * torn + json.dumps(entry, ensure_ascii=False) + "\n")
        lines.flush()
        os.fsync(lines.fileno())
    if to is None:
        (store / "current").unlink()
        return
    with tempfile.TemporaryDirectory(prefix=".linking-", dir=store) as beside:
        link = Path(beside) / "current"
        link.symlink_to(to)
        link.replace(store / "current")


def publish(store: Path) -> Path:
    """Copy the version that is released in a store to where the repository ships one from; return that folder.

    Raises:
        ReleaseError: nothing is released.
        StoreError: the folder cannot be written; what shipped ships still.
    """
    chosen = current(store)
    if chosen is None:
        raise ReleaseError(f"{store}: nothing is released there; release a version first")
    load_bundle(chosen)
    beside, before = RELEASED.with_name(".released-writing"), RELEASED.with_name(".released-before")
    try:
        for leftover in (beside, before):
            shutil.rmtree(leftover, ignore_errors=True)
        shutil.copytree(chosen, beside)
        if RELEASED.exists():
            RELEASED.rename(before)
        beside.rename(RELEASED)
        shutil.rmtree(before, ignore_errors=True)
    except OSError as error:
        raise StoreError(f"{RELEASED}: cannot be written ({error.strerror})") from error
    return RELEASED


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """Keep other releases waiting, and tell of a store that cannot be written."""
    try:
        with (store / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise StoreError(f"{store}: cannot be written ({error.strerror}); what served serves on") from error
