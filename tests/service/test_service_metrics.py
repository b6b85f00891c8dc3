import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.bundle import Bundle
from service import metrics
from service.settings import Settings
from tests.conftest import ROOT, Fitted, run
from tests.service.test_start import copied, point, until

TEXTS = ["The minister ruled out sending soldiers to Ukraine.", "Військ там не буде, сказав міністр.", "Да."]

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(url: str | httpx.URL, headers: dict[str, str] | None = None) -> Figures:
    answer = httpx.get(f"{str(url).rstrip('/')}/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def total(figures: Figures, name: str, **labels: str) -> float:
    """Add up the samples of a name that have some labels."""
    return sum(value for (found, has), value in figures.items() if found == name and labels.items() <= has)


def settled(url: str | httpx.URL, sample: str, value: float, **labels: str) -> Figures:
    """Return the figures once a sample has a value: a request is counted when it has been answered."""
    for _ in range(200):
        figures = scraped(url)
        if total(figures, sample, **labels) == value:
            return figures
        time.sleep(0.1)
    return pytest.fail(f"{sample} {labels}: {total(figures, sample, **labels)}, never {value}")


@pytest.fixture(scope="module")
def alone(fitted: Fitted, serve: Callable[..., str]) -> str:
    return serve({"STANCE_STORE": str(fitted.store)})


def test_requests_are_counted_by_route_method_and_status(alone: str) -> None:
    before = scraped(alone)
    for body, status in (({"text": TEXTS[0]}, 200), ({"text": ""}, 422)):
        assert httpx.post(f"{alone}/v1/predict", json=body).status_code == status
    figures = settled(alone, "stance_request_seconds_count", 2, route="/v1/predict")
    assert total(figures, "stance_requests_total", route="/v1/predict", method="POST", status="200") == 1
    assert total(figures, "stance_requests_total", route="/v1/predict", method="POST", status="422") == 1
    assert total(figures, "stance_request_seconds_sum", route="/v1/predict") > 0
    assert total(before, "stance_requests_total", route="/v1/predict") == 0


def test_labels_do_not_grow_with_what_is_sent(alone: str) -> None:
    before = total(scraped(alone), "stance_requests_total", route=metrics.OTHER)
    for n in range(5):
        assert httpx.get(f"{alone}/nothing/{n}").status_code == 404
        assert httpx.get(f"{alone}/livez", headers={"Host": f"host{n}.example"}).status_code == 421
        assert httpx.request("PROPFIND", f"{alone}/v1/predict").status_code == 405
    figures = settled(alone, "stance_requests_total", before + 10, route=metrics.OTHER)
    labels = {value for (name, has), _ in figures.items() if name == "stance_requests_total" for _, value in has}
    assert not any("nothing" in value or "PROPFIND" in value or "host" in value for value in labels)


def test_answered_texts_are_counted_by_what_they_are(fitted: Fitted, bundle: Bundle, serve: Callable[..., str]) -> None:
    url = serve({"STANCE_STORE": str(fitted.store)})
    for _ in range(2):
        assert httpx.post(f"{url}/v1/predict", json={"texts": TEXTS}).status_code == 200
    figures = settled(url, "stance_requests_total", 2, route="/v1/predict")
    predictions = bundle.model.predict(TEXTS)
    for axis in bundle.model.axes:
        assert total(figures, "stance_labels_total", axis=axis.name) == 6
        assert total(figures, "stance_confidence_count", axis=axis.name) == 6
        reasons = [prediction.stances[axis.name].reason for prediction in predictions]
        for reason in ("too_short", "unsupported_language", "too_long", "low_confidence"):
            found = total(figures, "stance_abstentions_total", axis=axis.name, reason=reason)
            assert found == 2 * reasons.count(reason)
        for prediction in predictions:
            label = prediction.stances[axis.name].label
            assert total(figures, "stance_labels_total", axis=axis.name, language=prediction.language, label=label) >= 2
    assert total(figures, "stance_abstentions_total", reason="too_short") == 4
    assert total(figures, "stance_text_characters_count") == 6
    assert total(figures, "stance_text_characters_sum") == 2 * sum(map(len, TEXTS))
    assert total(figures, "stance_cache_total", outcome="miss") == 3
    assert total(figures, "stance_cache_total", outcome="hit") == 3
    assert total(figures, "stance_batch_texts_sum") == 3
    assert total(figures, "stance_stage_seconds_count", stage="queue") == 3
    batches = total(figures, "stance_batch_texts_count")
    assert total(figures, "stance_stage_seconds_count", stage="encode") == batches
    assert total(figures, "stance_waiting_texts") == 0
    assert total(figures, "stance_model_info", version=bundle.manifest.version) == 1


def test_reloads_are_counted_by_outcome(bundle: Bundle, tmp_path: Path, serve: Callable[..., str]) -> None:
    one, two, bad = "20260101T000000Z-00000001", "20260102T000000Z-00000002", "20260103T000000Z-00000003"
    for version in (one, two, bad):
        copied(bundle, tmp_path, version)
    (tmp_path / bad / "heads.joblib").write_bytes(b"!")
    point(tmp_path, one)
    url = serve({"STANCE_STORE": str(tmp_path), "STANCE_RELOAD_SECONDS": "0.2"})
    point(tmp_path, two)
    until(url, version=two)
    point(tmp_path, bad)
    until(url, reload_fault="bundle_damaged")
    figures = scraped(url)
    assert total(figures, "stance_reloads_total", outcome="done") == 1
    assert total(figures, "stance_reloads_total", outcome="bundle_damaged") >= 1
    assert total(figures, "stance_model_info", version=one) == 0
    assert total(figures, "stance_model_info", version=two) == 1


def test_several_workers_are_counted_together_also_those_that_died(
    fitted: Fitted, tmp_path: Path, serve: Callable[..., str]
) -> None:
    log = tmp_path / "log"
    url = serve({"STANCE_STORE": str(fitted.store), "STANCE_WORKERS": "2"}, log)
    settled(url, "stance_model_info", 2, version=fitted.version)
    for n in range(40):
        assert httpx.post(f"{url}/v1/predict", json={"text": f"{TEXTS[0]} {n % 4}"}).status_code == 200
    figures = settled(url, "stance_requests_total", 40, route="/v1/predict")
    assert total(figures, "stance_labels_total") == 80
    assert total(figures, "stance_cache_total") == 40
    started = re.compile(r"Started server process \[(\d+)\]")
    first, second = (int(pid) for pid in started.findall(log.read_text()))
    os.kill(first, signal.SIGKILL)
    figures = settled(url, "stance_model_info", 1, version=fitted.version)
    assert total(figures, "stance_requests_total", route="/v1/predict") == 40
    settled(url, "stance_model_info", 2, version=fitted.version)  # another worker took its place
    assert second in map(int, started.findall(log.read_text()))


def test_what_keeps_several_workers_from_starting_is_told_once(bundle: Bundle, tmp_path: Path) -> None:
    folder = copied(bundle, tmp_path, "20260105T000000Z-00000005")
    (folder / "heads.joblib").unlink()
    rubbish = tmp_path / "tmp"
    rubbish.mkdir()
    env = {"STANCE_PORT": "0", "STANCE_BUNDLE": str(folder), "STANCE_WORKERS": "3", "TMPDIR": str(rubbish)}
    printed = run("service", env=env)
    assert printed.returncode == 1
    assert printed.stderr.count("error: ") == 1
    assert "heads.joblib: expected" in printed.stderr
    assert printed.stdout == ""
    assert list(rubbish.glob("stance-metrics-*")) == []


def test_cores_are_shared_out_among_workers() -> None:
    cores = os.cpu_count() or 1
    assert Settings().batches == cores
    assert Settings(workers=2).batches == max(1, cores // 2)
    assert Settings(threads=cores).batches == Settings(workers=10 * cores).batches == 1


def test_every_metric_is_on_the_dashboard_and_documented() -> None:
    kept = {family.name + ("_total" if family.type == "counter" else "") for family in metrics.REGISTRY.collect()}
    board = json.loads((ROOT / "docs" / "grafana.json").read_text("utf-8"))
    asked = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bstance_\w+", asked)} == kept
    watch = (ROOT / "docs" / "operations.md").read_text("utf-8").split("## What to watch")[1].split("\n## ")[0]
    assert set(re.findall(r"`(stance_\w+)`", watch)) == kept
    elsewhere = (ROOT / "README.md").read_text("utf-8") + (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert set(re.findall(r"`(stance_\w+_(?:total|seconds|info))`", elsewhere)) <= kept


def test_the_dashboard_names_each_panel_once_and_lays_none_over_another() -> None:
    panels = json.loads((ROOT / "docs" / "grafana.json").read_text("utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
