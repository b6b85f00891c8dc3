import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from models.bundle import Bundle
from models.drift import FEWEST
from service.drift import LATELY
from service.keys import new_key
from service.settings import Settings
from tests.conftest import Fitted
from tests.service.test_problems import refused
from tests.service.test_start import copied
from training.corpus import Corpus

MOST = Settings().max_texts


def predict(client: httpx.Client, texts: list[str]) -> None:
    for at in range(0, len(texts), MOST):
        assert client.post("/v1/predict", json={"texts": texts[at : at + MOST]}).status_code == 200


def test_texts_like_those_of_the_exam_are_ok_and_others_are_not(
    fitted: Fitted, corpus: Corpus, bundle: Bundle, serve: Callable[..., str]
) -> None:
    exam = corpus.part("exam").sample(FEWEST, random_state=1)["text"].tolist()
    with httpx.Client(base_url=serve({"STANCE_STORE": str(fitted.store)}), timeout=120) as client:
        predict(client, exam[:-1])
        few = client.get("/v1/drift").json()
        assert few["texts"] == FEWEST - 1
        assert {(each["verdict"], each["index"]) for each in few["features"].values()} == {("too_few", None)}

        predict(client, exam[-1:])
        alike = client.get("/v1/drift").json()
        assert bundle.reference is not None
        assert (alike["texts"], alike["expected_texts"]) == (FEWEST, bundle.reference.texts)
        assert alike["model"]["version"] == bundle.manifest.version
        assert set(alike["features"]) == set(bundle.reference.mixes)
        for each in alike["features"].values():
            assert each["verdict"] == "ok"
            assert sum(each["expected"].values()) == pytest.approx(1, abs=1e-3)
            assert sum(each["found"].values()) == pytest.approx(1, abs=1e-3)

        predict(client, ["Żołnierze pozostaną w domu, powiedział w piątek minister spraw zagranicznych. 漢字"] * LATELY)
        moved = client.get("/v1/drift").json()
        assert moved["texts"] == LATELY
        assert {moved["features"][name]["verdict"] for name in ("language", "length", "unknown")} == {"act"}
        assert moved["features"]["language"]["found"] == {"pl": 1.0}


def test_a_bundle_without_a_reference_says_so(bundle: Bundle, tmp_path: Path, serve: Callable[..., str]) -> None:
    old = copied(bundle, tmp_path, "20260106T000000Z-00000006")
    (old / "reference.json").unlink()
    manifest = json.loads((old / "manifest.json").read_text())
    del manifest["files"]["reference.json"]
    (old / "manifest.json").write_text(json.dumps(manifest))
    url = serve({"STANCE_BUNDLE": str(old)})
    assert httpx.post(f"{url}/v1/predict", json={"text": "Soldiers stay at home."}).status_code == 200
    refused(httpx.get(f"{url}/v1/drift"), 404, "reference_missing")


def test_drift_and_metrics_are_for_administrators_where_there_are_keys(
    fitted: Fitted, serve: Callable[..., str]
) -> None:
    made = {role: new_key(role, role) for role in ("predict", "annotate", "admin")}
    entries = ",".join(entry for _, entry in made.values())
    url = serve({"STANCE_STORE": str(fitted.store), "STANCE_API_KEYS": entries})
    for path in ("/metrics", "/v1/drift"):
        refused(httpx.get(url + path), 401, "key_missing")
        for role in ("predict", "annotate"):
            answer = httpx.get(url + path, headers={"Authorization": f"Bearer {made[role][0]}"})
            refused(answer, 403, "role_too_low")
        assert httpx.get(url + path, headers={"Authorization": f"Bearer {made['admin'][0]}"}).status_code == 200


def test_without_an_admin_among_the_keys_there_is_neither(fitted: Fitted, serve: Callable[..., str]) -> None:
    secret, entry = new_key("reader", "predict")
    url = serve({"STANCE_STORE": str(fitted.store), "STANCE_API_KEYS": entry})
    for path in ("/metrics", "/v1/drift"):
        refused(httpx.get(url + path, headers={"Authorization": f"Bearer {secret}"}), 404, "not_found")
