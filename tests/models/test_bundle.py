import json
import os
import shutil
from pathlib import Path

import pytest
from sklearn.exceptions import InconsistentVersionWarning

from models import bundle as module
from models import integrity
from models.bundle import Bundle, current, load_bundle, new_version, serving, write_bundle
from models.encoder import FILES as ENCODER_FILES
from models.errors import (
    BundleDamaged,
    BundleDiffers,
    BundleError,
    BundleForeign,
    BundleNotFound,
    BundleUntrusted,
    StoreError,
)
from models.golden import GOLDEN_MARGIN
from models.manifest import Facts

FILES = ("heads.joblib", "golden.jsonl", "card.md", "reference.json", "manifest.json")


@pytest.fixture(params=["bundle", "ngram_bundle"])
def either(request: pytest.FixtureRequest) -> Bundle:
    """A bundle of either format: over an encoder, over n-grams."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def copy(either: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(either.path, tmp_path / either.manifest.version))


def rewritten(folder: Path, **changes: object) -> Path:
    """Change fields of a manifest, the records of the files kept true."""
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text())
    for name, record in manifest["files"].items():
        record |= integrity.record((folder / name).read_bytes()).model_dump()
    file.write_text(json.dumps(manifest | changes))
    return folder


def test_saving_and_loading_is_identity(either: Bundle, tmp_path: Path) -> None:
    facts = Facts(**{name: getattr(either.manifest, name) for name in Facts.model_fields})
    golden = [json.loads(line)["text"] for line in (either.path / "golden.jsonl").read_text().splitlines()]
    encoder = either.path if facts.features == "encoder" else None
    again = load_bundle(write_bundle(tmp_path, either.model, facts, golden, "a card", encoder, either.reference))
    assert again.model.predict(golden) == either.model.predict(golden)
    assert again.card == "a card"
    assert again.reference == either.reference is not None
    assert again.manifest.model_dump(exclude={"created", "files"}) == either.manifest.model_dump(
        exclude={"created", "files"}
    )


def test_an_encoder_is_shared_between_versions(bundle: Bundle, tmp_path: Path) -> None:
    facts = Facts(**{name: getattr(bundle.manifest, name) for name in Facts.model_fields})
    stores = [tmp_path / "one", tmp_path / "two"]
    one, two = (write_bundle(store, bundle.model, facts, ["Нет войскам."], "", bundle.path) for store in stores)
    assert (one / "encoder.onnx").samefile(two / "encoder.onnx")


def test_a_bundle_holds_what_the_design_names(bundle: Bundle, ngram_bundle: Bundle) -> None:
    assert {file.name for file in ngram_bundle.path.iterdir()} == set(FILES)
    assert {file.name for file in bundle.path.iterdir()} == {*FILES, *ENCODER_FILES}
    golden = [json.loads(line) for line in (bundle.path / "golden.jsonl").read_text().splitlines()]
    assert {p.language for p in bundle.model.predict([row["text"] for row in golden])} == {"ru", "uk", "en"}
    for row in golden:
        for probabilities in row["probabilities"].values():
            first, second = sorted(probabilities.values(), reverse=True)[:2]
            assert first - second >= GOLDEN_MARGIN


def test_a_bundle_from_before_there_was_a_reference_is_loaded_without(copy: Path) -> None:
    (copy / "reference.json").unlink()
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["files"]["reference.json"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert load_bundle(copy).reference is None


@pytest.mark.parametrize("content", ["", "{}", '{"texts": 1, "mixes": {"language": {}}}', '{"texts": 0, "mixes": {}}'])
def test_a_reference_that_is_none_is_named(copy: Path, content: str) -> None:
    (copy / "reference.json").write_text(content)
    with pytest.raises(BundleDamaged, match=r"reference\.json: expected a reference"):
        load_bundle(rewritten(copy))


def test_nothing_is_unpickled_before_its_digest_was_compared(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.joblib, "load", lambda _: pytest.fail("unpickled"))
    file = copy / "heads.joblib"
    file.write_bytes(b"?" + file.read_bytes()[1:])
    with pytest.raises(BundleDamaged, match="SHA-256"):
        load_bundle(copy)


def test_a_foreign_format_is_named(copy: Path) -> None:
    with pytest.raises(BundleForeign, match="format 99, expected 1"):
        load_bundle(rewritten(copy, format=99))


def test_a_foreign_library_is_named_before_unpickling(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.joblib, "load", lambda _: pytest.fail("unpickled"))
    with pytest.raises(BundleForeign, match=r"scikit-learn 0\.1"):
        load_bundle(rewritten(copy, libraries={"scikit-learn": "0.1"}))


def test_estimators_of_another_version_are_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def inconsistent(_: object) -> None:
        raise InconsistentVersionWarning(
            estimator_name="LogisticRegression", current_sklearn_version="2", original_sklearn_version="1"
        )

    monkeypatch.setattr(module.joblib, "load", inconsistent)
    with pytest.raises(BundleForeign, match="LogisticRegression"):
        load_bundle(copy)


def test_a_whole_pickle_of_something_else_is_refused(copy: Path) -> None:
    module.joblib.dump(["no", "heads"], copy / "heads.joblib")
    with pytest.raises(BundleForeign, match="cannot be loaded here"):
        load_bundle(rewritten(copy))


@pytest.mark.parametrize("record", ["heads.joblib", "golden.jsonl", "card.md"])
def test_a_manifest_without_a_needed_file_is_refused(copy: Path, record: str) -> None:
    files = json.loads((copy / "manifest.json").read_text())["files"]
    del files[record]
    with pytest.raises(BundleDamaged, match=f"record of {record}"):
        load_bundle(rewritten(copy, files=files))


def test_a_golden_text_answered_otherwise_is_named(copy: Path) -> None:
    file = copy / "golden.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[1]["probabilities"]["troops"] = {"pro": 0.2, "anti": 0.2, "neutral": 0.6}
    rows[1]["probabilities"]["outlook"] = {"optimistic": 0.2, "skeptical": 0.2, "neutral": 0.6}
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(BundleDiffers, match=r"golden\.jsonl:2: troops: expected .*found"):
        load_bundle(rewritten(copy))


@pytest.mark.parametrize("changes", [{"thresholds": {}}, {"axes": []}, {"thresholds": {"troops": 0.5, "tone": 0.5}}])
def test_a_manifest_that_does_not_agree_with_itself_is_refused(copy: Path, changes: dict[str, object]) -> None:
    with pytest.raises(BundleDamaged, match="a threshold for each axis"):
        load_bundle(rewritten(copy, **changes))


def test_labels_that_the_heads_do_not_know_are_refused(copy: Path) -> None:
    axes = json.loads((copy / "manifest.json").read_text())["axes"]
    axes[0]["labels"] = axes[0]["labels"][1:]
    with pytest.raises(BundleDamaged, match="golden"):
        load_bundle(rewritten(copy, axes=axes))


def test_a_file_outside_the_bundle_is_refused(copy: Path) -> None:
    files = json.loads((copy / "manifest.json").read_text())["files"]
    harmed = rewritten(copy, files=files | {"../heads.joblib": files["heads.joblib"]})
    with pytest.raises(BundleUntrusted, match="outside the bundle"):
        load_bundle(harmed)


def test_a_link_is_refused(copy: Path) -> None:
    (copy / "card.md").rename(copy.parent / "card.md")
    (copy / "card.md").symlink_to(copy.parent / "card.md")
    with pytest.raises(BundleUntrusted, match="a link"):
        load_bundle(copy)


def test_golden_texts_may_hold_any_break_of_line(ngram_bundle: Bundle, tmp_path: Path) -> None:
    facts = Facts(**{name: getattr(ngram_bundle.manifest, name) for name in Facts.model_fields})
    golden = ["Войск не будет,\u2028сказал\u0085министр\x1e обороны."]
    load_bundle(write_bundle(tmp_path, ngram_bundle.model, facts, golden, ""))


def test_the_version_names_the_content(bundle: Bundle) -> None:
    one, two = (new_version(bundle.model.heads).split("-")[1] for _ in range(2))
    assert one == two == bundle.manifest.version.split("-")[1]


@pytest.mark.parametrize("content", ["", "{}\n", '{"text": "a"}\n', '{"text": 3, "probabilities": {}}\n'])
def test_golden_texts_that_do_not_fit_are_refused(copy: Path, content: str) -> None:
    (copy / "golden.jsonl").write_text(content)
    with pytest.raises(BundleDamaged, match="golden"):
        load_bundle(rewritten(copy))


def test_a_bundle_that_everybody_may_write_to_is_refused(copy: Path) -> None:
    for place in (copy, copy / "heads.joblib"):
        mode = place.stat().st_mode
        place.chmod(mode | 0o002)
        with pytest.raises(BundleUntrusted, match="chmod o-w"):
            load_bundle(copy)
        place.chmod(mode)


def test_a_bundle_of_another_user_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: (copy / "heads.joblib").stat().st_uid + 1)
    if (copy / "heads.joblib").stat().st_uid == 0:
        load_bundle(copy)  # what root wrote, all may trust
        os.chown(copy / "heads.joblib", 12345, 12345)
    with pytest.raises(BundleUntrusted, match="owned by user"):
        load_bundle(copy)


def test_a_missing_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFound, match="training fit"):
        load_bundle(tmp_path / "nowhere")


def test_every_fault_of_a_bundle_is_a_bundle_error_with_a_code_of_its_own() -> None:
    kinds = BundleError.__subclasses__()
    assert len({kind.code for kind in kinds} | {BundleError.code}) == len(kinds) + 1


def test_a_store_that_cannot_be_written_is_named_and_left_as_it_was(ngram_bundle: Bundle, tmp_path: Path) -> None:
    store = tmp_path / "file"
    store.write_text("no folder")
    facts = Facts(**{name: getattr(ngram_bundle.manifest, name) for name in Facts.model_fields})
    with pytest.raises(StoreError, match="STANCE_STORE"):
        write_bundle(store, ngram_bundle.model, facts, [], "")
    assert store.read_text() == "no folder"


def test_a_full_disk_leaves_nothing_half_written(
    ngram_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "sync", full)
    facts = Facts(**{name: getattr(ngram_bundle.manifest, name) for name in Facts.model_fields})
    with pytest.raises(StoreError, match="No space left"):
        write_bundle(tmp_path / "store", ngram_bundle.model, facts, ["a b c"], "")
    assert list((tmp_path / "store").iterdir()) == []


def test_what_serves_is_current_then_what_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RELEASED", tmp_path / "released")
    assert current(tmp_path) is None
    with pytest.raises(BundleNotFound, match="make train"):
        serving(tmp_path)
    (tmp_path / "released").mkdir()
    assert serving(tmp_path) == tmp_path / "released"
    (tmp_path / "v1").mkdir()
    (tmp_path / "current").symlink_to("v1")
    assert serving(tmp_path) == tmp_path / "v1"


def test_the_manifest_refuses_unknown_fields(copy: Path) -> None:
    with pytest.raises(BundleDamaged, match="expected a manifest"):
        load_bundle(rewritten(copy, colour="red"))
