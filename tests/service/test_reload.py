"""A running service that is pointed at a harmed bundle goes on with the one that it has, and says so."""

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from benchmarks.running import resident
from models.bundle import Bundle, load_bundle
from models.encoder import FILES as ENCODER_FILES
from service.keys import new_key
from service.live import Live
from service.settings import Settings
from tests.conftest import Fitted, serving
from tests.models.test_bundle import FILES
from tests.models.test_damage import DAMAGES, twin
from tests.service.test_service_metrics import scraped, total
from tests.service.test_start import copied, point, until

MOST_GROWN = 100
"""MiB: a bundle that stayed would add more with each reload, and so would what glibc keeps of one."""
TEXT = {"text": "The minister ruled out sending any soldiers to Ukraine."}


@pytest.mark.parametrize("of", ["bundle", "ngram_bundle"])
def test_a_harmed_bundle_is_never_served_and_always_told(
    request: pytest.FixtureRequest, bundle: Bundle, fitted: Fitted, tmp_path: Path, serve: Callable[..., str], of: str
) -> None:
    harmed: Bundle = request.getfixturevalue(of)
    secret, entry = new_key("chief", "admin")
    store = tmp_path / "store"
    sound = twin(bundle, store)
    point(store, sound.name)
    url = serve({"STANCE_STORE": str(store), "STANCE_API_KEYS": entry, "STANCE_RELOAD_SECONDS": "1000"})
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        before = client.post("/v1/predict", json=TEXT).json()
        refused = 0
        for name in (*FILES, *(ENCODER_FILES if of == "bundle" else ())):
            for harm in DAMAGES:
                folder = twin(harmed, tmp_path / f"{name}-{harm.__name__}")
                harm(folder / name)
                point(store, str(folder))
                told = client.post("/v1/admin/reload").json()
                assert told == {"status": "ready", "version": sound.name, "reload_fault": "bundle_damaged"}
                assert client.get("/readyz").json() == told
                assert client.post("/v1/predict", json=TEXT).json() == before
                refused += 1
        figures = scraped(url, headers)
        assert total(figures, "stance_reloads_total", outcome="bundle_damaged") == refused
        assert total(figures, "stance_model_info", version=sound.name) == 1
        point(store, sound.name)
        assert client.post("/v1/admin/reload").json()["reload_fault"] is None


def test_a_refused_bundle_is_loaded_anew_only_once_it_has_changed(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, bad = "20260101T000000Z-00000001", "20260102T000000Z-00000002"
    for version in (one, bad):
        copied(bundle, tmp_path, version)
    (tmp_path / bad / "heads.joblib").write_bytes(b"!")
    point(tmp_path, one)
    live = Live(Settings(store=tmp_path, reload_seconds=0.001))
    tried: list[Path] = []

    def load(place: Path, threads: int) -> Bundle:
        tried.append(place)
        return load_bundle(place, threads)

    monkeypatch.setattr("service.live.load_bundle", load)

    async def work() -> None:
        watch = asyncio.create_task(live.watch())
        point(tmp_path, bad)
        while live.fault is None:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # many looks
        assert len(tried) == 1
        await live.look()
        assert (len(tried), live.fault) == (2, "bundle_damaged")
        shutil.copy(bundle.path / "heads.joblib", tmp_path / bad / "heads.joblib")
        while live.fault:
            await asyncio.sleep(0.01)
        assert live.bundle.manifest.version == bad
        watch.cancel()

    asyncio.run(asyncio.wait_for(work(), 60))


def test_a_bundle_that_is_replaced_in_its_place_is_served(bundle: Bundle, tmp_path: Path) -> None:
    place = copied(bundle, tmp_path, "20260101T000000Z-00000001")
    other = copied(bundle, tmp_path, "20260102T000000Z-00000002")
    live = Live(Settings(bundle=place))
    asyncio.run(live.look())
    assert live.bundle.manifest.version == place.name
    for file in other.iterdir():
        shutil.copy(file, place / file.name)
    asyncio.run(live.look())
    assert (live.bundle.manifest.version, live.fault) == (other.name, None)
    served = live.bundle
    asyncio.run(live.look())
    assert live.bundle is served


def test_memory_does_not_grow_with_reloads(bundle: Bundle, fitted: Fitted, tmp_path: Path) -> None:
    versions = ["20260101T000000Z-00000001", "20260102T000000Z-00000002"]
    for version in versions:
        copied(bundle, tmp_path, version)
    point(tmp_path, versions[0])
    env = {**fitted.env, "STANCE_STORE": str(tmp_path), "STANCE_RELOAD_SECONDS": "0.1"}
    with serving(env, tmp_path / "log") as (process, url):
        before = resident(process.pid)
        for turn in range(1, 7):
            point(tmp_path, versions[turn % 2])
            until(url, version=versions[turn % 2])
        for _ in range(100):  # what was freed is given back at the next look
            if (grown := resident(process.pid) - before) < MOST_GROWN:
                break
            time.sleep(0.1)
        process.terminate()
        process.wait(20)
    assert grown < MOST_GROWN
