import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from models.bundle import RELEASED, Bundle, read_manifest
from service.__main__ import _listener
from service.settings import Settings
from tests.conftest import ROOT, Fitted, run


def copied(bundle: Bundle, store: Path, version: str) -> Path:
    folder = store / version
    shutil.copytree(bundle.path, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
    return folder


def point(store: Path, version: str) -> None:
    link = store / "next"
    link.symlink_to(version)
    link.replace(store / "current")


def until(url: str, **expected: object) -> dict[str, object]:
    for _ in range(100):
        body: dict[str, object] = httpx.get(f"{url}/readyz").json()
        if expected.items() <= body.items():
            return body
        time.sleep(0.1)
    pytest.fail(f"{body} never had {expected}")


def test_a_changed_current_is_served_without_a_restart_and_a_bad_one_is_not(
    bundle: Bundle, tmp_path: Path, serve: Callable[..., str]
) -> None:
    one, two, bad = "20260101T000000Z-00000001", "20260102T000000Z-00000002", "20260103T000000Z-00000003"
    for version in (one, two, bad):
        copied(bundle, tmp_path, version)
    (tmp_path / bad / "heads.joblib").write_bytes(b"!")
    point(tmp_path, one)
    log = tmp_path / "log"
    url = serve({"STANCE_STORE": str(tmp_path), "STANCE_RELOAD_SECONDS": "0.1"}, log)
    until(url, version=one, reload_fault=None)
    point(tmp_path, bad)
    until(url, version=one, reload_fault="bundle_damaged")
    point(tmp_path, two)
    until(url, version=two, reload_fault=None)
    assert httpx.post(f"{url}/v1/predict", json={"text": "One two three."}).json()["model"]["version"] == two
    (tmp_path / "current").unlink()
    until(url, version=read_manifest(RELEASED).version, reload_fault=None)  # what ships
    point(tmp_path, two)
    until(url, version=two, reload_fault=None)
    point(tmp_path, bad)
    until(url, version=two, reload_fault="bundle_damaged")
    shutil.copy(bundle.path / "heads.joblib", tmp_path / bad / "heads.joblib")
    until(url, version=bad, reload_fault=None)
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events.count("reload_refused") == 2
    assert events.count("reloaded") == 4


def test_a_named_bundle_is_served_whatever_current_says(
    bundle: Bundle, tmp_path: Path, serve: Callable[..., str]
) -> None:
    named = copied(bundle, tmp_path, "20260104T000000Z-00000004")
    url = serve({"STANCE_STORE": str(tmp_path / "empty"), "STANCE_BUNDLE": str(named)})
    assert httpx.get(f"{url}/readyz").json()["version"] == named.name


def test_logs_are_json_and_never_hold_a_text(bundle: Bundle, tmp_path: Path, serve: Callable[..., str]) -> None:
    log = tmp_path / "log"
    url = serve({"STANCE_BUNDLE": str(bundle.path), "STANCE_LOG_LEVEL": "debug"}, log)
    httpx.post(f"{url}/v1/predict", json={"text": "A sentence that stays private."})
    httpx.post(f"{url}/v1/predict", json={"text": 3, "private": "private"})
    httpx.get(f"{url}/private?q=private", headers={"X-Request-ID": "my private id", "traceparent": "private"})
    deadline = time.monotonic() + 20
    while log.read_text().count('"event": "request"') < 3 and time.monotonic() < deadline:
        time.sleep(0.05)  # a request is logged once it was answered
    requests = [line for line in map(json.loads, log.read_text().splitlines()) if line["event"] == "request"]
    assert [(r["method"], r["route"], r["status"]) for r in requests] == [
        ("POST", "/v1/predict", 200),
        ("POST", "/v1/predict", 422),
        ("GET", None, 404),
    ]
    assert len({r["request_id"] for r in requests}) == 3
    assert "private" not in log.read_text()


def test_an_answer_does_not_wait_for_the_client_to_acknowledge_its_head() -> None:
    with _listener(Settings(port=0)) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_in_use_is_told_in_a_line(bundle: Bundle) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        printed = run("service", env={"STANCE_PORT": port, "STANCE_BUNDLE": str(bundle.path)})
    assert printed.returncode == 1
    place, remedy = f"127.0.0.1:{port}", "STANCE_HOST and STANCE_PORT choose another"
    assert printed.stderr == f"error: cannot listen on {place} (Address already in use); {remedy}\n"


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"STANCE_PORT": "x"}, "STANCE_PORT: "),
        ({"STANCE_MAX_TEXTS": "0"}, "STANCE_MAX_TEXTS: "),
        ({"STANCE_BUNDLE": "nowhere"}, "no bundle there"),
        ({"STANCE_HOST": "no.such.host.invalid"}, "cannot listen on no.such.host.invalid:0"),
    ],
)
def test_what_keeps_the_service_from_starting_is_told_in_a_line(env: dict[str, str], told: str) -> None:
    printed = run("service", env={"STANCE_PORT": "0"} | env)
    assert printed.returncode == 1
    assert told in printed.stderr
    assert printed.stderr.count("\n") == 1
    assert printed.stdout == ""


def test_a_damaged_bundle_is_not_started_with(bundle: Bundle, tmp_path: Path) -> None:
    folder = copied(bundle, tmp_path, "20260105T000000Z-00000005")
    (folder / "heads.joblib").unlink()
    printed = run("service", env={"STANCE_PORT": "0", "STANCE_BUNDLE": str(folder)})
    assert printed.returncode == 1
    assert "heads.joblib: expected" in printed.stderr
    assert printed.stderr.count("\n") == 1


def test_help_names_every_setting() -> None:
    printed = run("service", "--help")
    assert printed.returncode == 0
    assert "STANCE_BUNDLE" in printed.stdout
    assert "examples:" in printed.stdout


def test_the_service_loads_neither_training_nor_mlflow_nor_torch(fitted: Fitted) -> None:
    code = (
        "import sys; from service.app import create_app; from service.settings import Settings\n"
        "create_app(Settings())\n"
        "print({m.split('.')[0] for m in sys.modules} & {'training', 'mlflow', 'torch', 'matplotlib'})"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | fitted.env, cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert found.stdout == "set()\n"


def test_model_health_and_docs(client: httpx.Client, bundle: Bundle) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json()["status"] == "ready"
    model = client.get("/v1/model").json()
    assert (model["name"], model["version"]) == ("stance", bundle.manifest.version)
    assert [axis["name"] for axis in model["axes"]] == ["troops", "outlook"]
    assert model["metrics"]["troops"]["all"]["macro_f1"]["value"] > 0.5
    card = client.get("/v1/model/card")
    assert card.headers["content-type"].startswith("text/markdown")
    assert card.text == bundle.card
    assert bundle.manifest.version in card.text
    page = client.get("/docs").text
    assets = [part.split('"')[0] for part in page.split('src="')[1:] + page.split('href="')[1:]]
    assert assets
    for asset in assets:
        assert asset.startswith("/"), "an asset of another host"
        assert client.get(asset).status_code == 200


def test_the_documentation_has_examples_in_three_languages(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in ("/v1/predict", "/v1/analyze"):
        examples = paths[path]["post"]["requestBody"]["content"]["application/json"]["examples"]
        assert len(examples) == 3
        for example in examples.values():
            assert client.post(path, json=example["value"]).status_code == 200


def test_a_challenger_answers_unseen_and_its_agreement_is_told(
    bundle: Bundle, tmp_path: Path, serve: Callable[..., str]
) -> None:
    one, two = "20260101T000000Z-00000001", "20260102T000000Z-00000002"
    for version in (one, two):
        copied(bundle, tmp_path, version)
    point(tmp_path, one)
    url = serve({"STANCE_STORE": str(tmp_path), "STANCE_SHADOW": f"{two}:1.0", "STANCE_MLFLOW_URL": "http://mlflow"})
    model = httpx.get(f"{url}/v1/model").json()
    assert model["mlflow_url"] == "http://mlflow"
    assert model["shadow"] == {"version": two, "share": 1.0, "compared": {}, "agreement": {}}
    texts = ["Soldiers stay at home, the minister said.", "Война скоро кончится, надеется президент."]
    assert httpx.post(f"{url}/v1/predict", json={"texts": texts}).json()["model"]["version"] == one
    for _ in range(100):
        shadow = httpx.get(f"{url}/v1/model").json()["shadow"]
        if shadow["compared"]:
            break
        time.sleep(0.05)
    assert shadow["compared"] == {"troops": 2, "outlook": 2}
    assert shadow["agreement"] == {"troops": 1.0, "outlook": 1.0}


def test_while_versions_change_no_request_is_lost(bundle: Bundle, tmp_path: Path, serve: Callable[..., str]) -> None:
    versions = ["20260101T000000Z-00000001", "20260102T000000Z-00000002"]
    for version in versions:
        copied(bundle, tmp_path, version)
    point(tmp_path, versions[0])
    url = serve({"STANCE_STORE": str(tmp_path), "STANCE_RELOAD_SECONDS": "0.05", "STANCE_CACHE_TEXTS": "0"})

    def ask(n: int) -> str:
        answer = httpx.post(f"{url}/v1/predict", json={"texts": [f"Soldiers stay at home, he said {n} times."] * 3})
        assert answer.status_code == 200
        return str(answer.json()["model"]["version"])

    found = set()
    with ThreadPoolExecutor(4) as clients:
        for turn in range(4):
            point(tmp_path, versions[turn % 2])
            found |= set(clients.map(ask, range(60)))
            until(url, version=versions[turn % 2])
    assert found == set(versions)
    lines = b"".join(b'{"text": "Soldiers stay at home, he said %d times."}\n' % n for n in range(1500))
    headers = {"Content-Type": "application/x-ndjson"}
    serving = httpx.get(f"{url}/readyz").json()["version"]
    with httpx.stream("POST", f"{url}/v1/predict/bulk", content=lines, headers=headers, timeout=60) as bulk:
        parts = bulk.iter_lines()
        first = json.loads(next(parts))
        point(tmp_path, next(version for version in versions if version != serving))
        rows = [json.loads(line) for line in parts]
    assert {row["stance_version"] for row in [first, *rows[:-1]]} == {serving}
    assert rows[-1] == {"done": True, "rows": 1500, "errors": 0}


def test_the_service_holds_no_pandas_and_whoever_wants_it_still_gets_it() -> None:
    code = "import sys, service.__main__; print('pandas' in sys.modules); import pandas"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "False\n"), found.stderr
