import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.bundle import Bundle, current, load_bundle
from models.errors import BundleDamaged, BundleNotFound, ReleaseError, StoreError
from training import release as module
from training.corpus import Corpus
from training.release import LOG, compare, gate, publish, release, rollback, stored


@pytest.fixture
def bundle(ngram_bundle: Bundle) -> Bundle:
    """The format that answers a whole exam in a second: releasing knows no other difference."""
    return ngram_bundle


@pytest.fixture
def store(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with three versions of one model, and nothing that ships."""
    monkeypatch.setattr(module, "RELEASED", tmp_path / "released")
    for n in (1, 2, 3):
        version = f"2026010{n}T000000Z-0000000{n}"
        folder = tmp_path / "store" / version
        shutil.copytree(bundle.path, folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
    return tmp_path / "store"


def versions(store: Path) -> list[str]:
    return sorted(folder.name for folder in store.iterdir() if folder.is_dir() and not folder.is_symlink())


def log(store: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (store / LOG).read_text().splitlines()]


def test_releases_and_rollbacks_move_current_and_are_logged(store: Path) -> None:
    one, two, three = versions(store)
    assert release(store, one)[0].manifest.version == one
    release(store, two)
    release(store)
    assert current(store) == store / three
    assert (store / "current").readlink() == Path(three)
    back = rollback(store, "wrong on headlines")
    assert back is not None
    assert back.manifest.version == two
    assert rollback(store) is not None
    assert current(store) == store / one
    assert rollback(store) is None
    assert current(store) is None
    assert [(e["action"], e["from"], e["to"]) for e in log(store)] == [
        ("release", None, one),
        ("release", one, two),
        ("release", two, three),
        ("rollback", three, two),
        ("rollback", two, one),
        ("rollback", one, None),
    ]
    assert log(store)[3]["why"] == "wrong on headlines"
    assert set(log(store)[1]["figures"]) == {"troops", "outlook"}
    assert all({"when", "who", "why", "figures"} <= set(entry) for entry in log(store))


def test_publishing_copies_what_is_released_in_the_place_of_what_shipped(store: Path) -> None:
    one, two, _ = versions(store)
    with pytest.raises(ReleaseError, match="nothing is released"):
        publish(store)
    for version in (one, two):
        release(store, version)
        folder = publish(store)
        assert {file.name for file in folder.iterdir()} == {file.name for file in (store / version).iterdir()}
        assert load_bundle(folder).manifest.version == version
    assert [entry.name for entry in folder.parent.iterdir() if entry.name.startswith(".")] == []


def test_releasing_what_serves_changes_nothing(store: Path) -> None:
    one = versions(store)[0]
    release(store, one)
    before = (store / LOG).read_text()
    release(store, one)
    assert (store / LOG).read_text() == before


def test_going_back_from_nothing_and_to_what_is_gone_are_refused(store: Path) -> None:
    one, two, _ = versions(store)
    with pytest.raises(ReleaseError, match="nothing is released"):
        rollback(store)
    release(store, one)
    release(store, two)
    shutil.rmtree(store / one)
    with pytest.raises(BundleNotFound):
        rollback(store)
    assert current(store) == store / two


def test_a_damaged_version_can_be_left_by_rollback_and_by_force(store: Path) -> None:
    one, two, three = versions(store)
    release(store, one)
    release(store, two)
    (store / two / "heads.joblib").unlink()
    with pytest.raises(ReleaseError, match=r"cannot be loaded.*--force WHY"):
        release(store, three)
    release(store, three, "what serves is damaged")
    assert current(store) == store / three
    (store / three / "manifest.json").unlink()
    with pytest.raises(BundleDamaged):
        rollback(store)  # to the damaged one: refused
    assert current(store) == store / three


def test_an_unknown_version_and_an_empty_store_are_named(store: Path, tmp_path: Path) -> None:
    there = ", ".join(reversed(versions(store)))
    with pytest.raises(BundleNotFound, match=f"holds no version nope; the newest there: {there}"):
        release(store, "nope")
    with pytest.raises(BundleNotFound, match="holds no bundle"):
        stored(tmp_path / "empty")
    with pytest.raises(ReleaseError, match="empty: nothing is released there"):
        rollback(tmp_path / "empty")


def test_an_unwritable_log_leaves_what_served(store: Path) -> None:
    one, two, _ = versions(store)
    release(store, one)
    (store / LOG).rename(store / "kept")
    (store / LOG).mkdir()
    with pytest.raises(StoreError, match="what served serves on"):
        release(store, two)
    assert current(store) == store / one


def test_a_release_that_was_logged_but_never_served_is_passed_over(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = versions(store)
    release(store, one)
    release(store, two)
    with monkeypatch.context() as failing:
        failing.setattr(Path, "symlink_to", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(StoreError, match="No space left"):
            release(store, three)
    assert current(store) == store / two
    rollback(store)
    assert current(store) == store / one


def test_a_torn_line_of_the_log_is_passed_over_and_not_written_into(store: Path) -> None:
    one, two, _ = versions(store)
    release(store, one)
    with (store / LOG).open("a") as torn:
        torn.write('{"action": "rel')
    release(store, two)
    rollback(store)
    assert current(store) == store / one
    assert (store / LOG).read_text().count("\n") == 4


def test_only_a_version_of_the_store_is_released(store: Path, bundle: Bundle) -> None:
    with pytest.raises(ReleaseError, match="not a version of"):
        release(store, str(bundle.path))
    renamed = store / "20260109T000000Z-00000009"
    (store / versions(store)[0]).rename(renamed)
    with pytest.raises(ReleaseError, match="not a version of"):
        release(store, renamed.name)
    assert current(store) is None


def test_releases_at_the_same_time_wait_for_one_another(store: Path) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda version: release(store, version), versions(store)))
    entries = log(store)
    assert [e["from"] for e in entries[1:]] == [e["to"] for e in entries[:-1]]
    assert current(store) == store / entries[-1]["to"]


class Constant:
    """Heads that answer a given label for given texts, for a gate whose outcome is known."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels

    @property
    def features(self) -> "Constant":
        return self

    def transform(self, texts: pd.Series) -> list[str]:
        return texts.tolist()

    def answers(self, texts: list[str], axes: list[Any]) -> dict[str, np.ndarray]:
        return {
            a.name: np.array([[a.labels[k] == self.labels[t] for k in range(3)] for t in texts], float) for a in axes
        }


def answering(bundle: Bundle, corpus: Corpus, right: float, seed: int) -> Bundle:
    """Give a bundle heads that are right on a share of the troops labels."""
    random = np.random.default_rng(seed)
    labels = {
        text: label if random.random() < right else random.choice(["pro", "anti", "neutral"])
        for text, label in zip(corpus.frame["text"], corpus.frame["troops"], strict=True)
    }
    model = replace(bundle.model, heads=Constant(labels), axes=bundle.model.axes[:1])  # type: ignore[arg-type]
    return replace(bundle, model=model)


def test_the_gate_passes_what_is_better_and_refuses_what_is_worse(bundle: Bundle, corpus: Corpus) -> None:
    good, bad = answering(bundle, corpus, 0.9, 1), answering(bundle, corpus, 0.5, 2)
    assert gate(good, bad, None)["troops"]["low"] > 0
    with pytest.raises(ReleaseError, match=r"is worse than .* on troops .*--force WHY"):
        gate(bad, good, None)
    assert gate(bad, good, "known, wanted")["troops"]["high"] < 0
    assert gate(good, None, None) == {}


def test_the_gate_says_that_it_cannot_compare_few_rows(bundle: Bundle, corpus: Corpus) -> None:
    seen = tuple(corpus.part("exam")["digest"][5:])
    manifest = bundle.manifest.model_copy(update={"texts": {"heads": seen, "exam": ()}})
    challenger = replace(bundle, manifest=manifest)
    with pytest.raises(ReleaseError, match=r"could not be compared.*200 are needed.*--force WHY"):
        gate(challenger, bundle, None)
    assert set(gate(challenger, bundle, "few")) <= {"troops", "outlook"}


@pytest.mark.parametrize("labels", [None, ("pro", "anti"), ("anti", "pro", "neutral")])
def test_a_model_that_lost_an_axis_or_its_labels_is_refused(labels: tuple[str, ...] | None, bundle: Bundle) -> None:
    troops, outlook = bundle.model.axes
    axes = (outlook,) if labels is None else (troops.model_copy(update={"labels": labels}), outlook)
    challenger = replace(bundle, model=replace(bundle.model, axes=axes))
    with pytest.raises(ReleaseError, match=r"does not answer troops \(pro, anti, neutral\) as .* does.*--force WHY"):
        gate(challenger, bundle, None)
    assert gate(challenger, bundle, "the axis is given up").keys() == {"outlook"}


def test_a_behavioural_floor_holds_unless_what_serves_lies_under_it_too(bundle: Bundle) -> None:
    def behaving(rate: float) -> Bundle:
        rates = {"minimum": {"ru": rate}, "direction": {"ru": 1.0}, "invariance": {"ru": 1.0}}
        return replace(bundle, manifest=bundle.manifest.model_copy(update={"behaviour": rates}))

    with pytest.raises(ReleaseError, match=r"minimum in ru 0\.50 \(floor 0\.80\).*--force WHY"):
        gate(behaving(0.5), behaving(0.9), None)
    assert gate(behaving(0.5), behaving(0.9), "known, wanted")
    assert gate(behaving(0.85), behaving(0.9), None)
    assert gate(behaving(0.5), behaving(0.5), None)


def test_the_gate_says_that_the_corpus_is_gone(bundle: Bundle) -> None:
    record = bundle.manifest.corpus.model_copy(update={"files": ("gone.jsonl",)})
    challenger = replace(bundle, manifest=bundle.manifest.model_copy(update={"corpus": record}))
    with pytest.raises(ReleaseError, match=r"its corpus is gone \(.*gone\.jsonl\)"):
        gate(challenger, bundle, None)


def test_only_grounded_rows_that_neither_saw_are_compared(bundle: Bundle, corpus: Corpus) -> None:
    exam = corpus.part("exam")
    grounded = exam[exam["provenance"] == "grounded"]
    assert compare(bundle, bundle, exam)["troops"].rows == len(grounded)
    learnt = corpus.frame[corpus.frame["digest"].isin(bundle.manifest.learnt)]
    assert compare(bundle, bundle, learnt) == {}
    assert compare(bundle, bundle, pd.DataFrame(columns=exam.columns)) == {}


def test_a_small_loss_is_refused_only_beyond_its_bound() -> None:
    assert module.Comparison(300, -0.016, -0.05, 0.02).refused
    assert not module.Comparison(300, -0.014, -0.05, 0.02).refused
    assert module.Comparison(300, -0.010, -0.019, -0.001).refused
