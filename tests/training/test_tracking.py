import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from models.bundle import Bundle
from models.table import columns
from tests.conftest import ROOT, Fitted, run
from training import tracking


@pytest.fixture(scope="module")
def mlflow_client(fitted: Fitted) -> MlflowClient:
    mlflow.set_tracking_uri(fitted.env["MLFLOW_TRACKING_URI"])
    mlflow.set_registry_uri(fitted.env["MLFLOW_TRACKING_URI"])
    return MlflowClient(fitted.env["MLFLOW_TRACKING_URI"])


def test_a_fit_is_a_run_with_its_parameters_metrics_data_set_plots_and_card(
    mlflow_client: MlflowClient, bundle: Bundle
) -> None:
    assert bundle.manifest.mlflow_run_id is not None
    run = mlflow_client.get_run(bundle.manifest.mlflow_run_id)
    experiment = mlflow_client.get_experiment(run.info.experiment_id)
    assert (experiment.name, run.info.status) == ("stance", "FINISHED")
    assert {"features", "rows", "troops_C", "outlook_C"} <= set(run.data.params)
    measured = bundle.manifest.metrics["troops"]["language"]["uk"]["macro_f1"]
    assert run.data.metrics["troops/uk/macro_f1"] == measured["value"]
    assert run.data.metrics["troops/uk/macro_f1/low"] == measured["low"]
    assert "outlook/grounded/calibration_error" in run.data.metrics
    [data_set] = run.inputs.dataset_inputs
    assert data_set.dataset.digest == bundle.manifest.corpus.digest[:16]
    logged = {file.path for file in mlflow_client.list_artifacts(run.info.run_id)}
    plots = {f"{axis}-{plot}.png" for axis in ("troops", "outlook") for plot in ("confusion", "reliability")}
    assert plots | {"card.md"} <= logged


def test_the_released_model_is_champion_and_challenger_and_scores_like_the_bundle(
    mlflow_client: MlflowClient, bundle: Bundle
) -> None:
    for alias in ("champion", "challenger"):
        version = mlflow_client.get_model_version_by_alias("stance", alias)
        assert version.run_id == bundle.manifest.mlflow_run_id
    model = mlflow.pyfunc.load_model("models:/stance@champion")
    texts = ["Уряд готовий направити миротворців до України.", "Soldiers will not be sent, the minister said."]
    scored = model.predict(pd.DataFrame({"text": texts}))
    assert list(scored.columns) == ["text", *columns(bundle.model.axes)]
    assert scored["stance_troops"].tolist() == [p.stances["troops"].label for p in bundle.model.predict(texts)]
    signature = model.metadata.signature
    assert [column.name for column in signature.inputs] == ["text"]
    assert [column.name for column in signature.outputs] == list(scored.columns)
    assert model.metadata.saved_input_example_info is not None


@contextmanager
def process(*words: str, env: dict[str, str]) -> Iterator[None]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow looks for its server there
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen(words, env=os.environ | env | {"PATH": path}, cwd=ROOT, start_new_session=True, **quiet)
    try:
        yield
    finally:
        os.killpg(running.pid, signal.SIGTERM)  # the server is a child of the command
        running.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(url: str) -> None:
    for _ in range(120):
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    pytest.fail(f"{url} did not answer")


@pytest.mark.usefixtures("mlflow_client")
def test_mlflow_serves_the_released_model(fitted: Fitted) -> None:
    port = free_port()
    mlflow_ = [sys.executable, "-m", "mlflow"]
    serve = [*mlflow_, "models", "serve", "-m", "models:/stance@champion", "--env-manager", "local", "-p", str(port)]
    with process(*serve, "-h", "127.0.0.1", env=fitted.env):
        answer(f"http://127.0.0.1:{port}/ping")
        rows = {"dataframe_records": [{"text": "The minister ruled out sending soldiers to Ukraine."}]}
        found = httpx.post(f"http://127.0.0.1:{port}/invocations", json=rows, timeout=60)
    assert found.status_code == 200, found.text
    assert found.json()["predictions"][0]["stance_troops"] in ("pro", "anti", "neutral")


def silent_server() -> socket.socket:
    """Accept connections and never say a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.listen()
    return listener


@pytest.mark.parametrize("silent", [False, True])
def test_a_tracking_server_that_is_away_costs_a_warning_and_never_the_model(
    silent: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listener = silent_server()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    if not silent:
        listener.close()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setattr(tracking, "PATIENCE", 1.0)
    assert tracking.begin() is None
    listener.close()
    told = re.sub(r"\s+", " ", capsys.readouterr().err)
    assert f"the tracking store {address} did not answer" in told
    assert "this fit is not tracked" in told


def test_a_release_stands_where_the_tracking_server_is_away(fitted: Fitted) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        env = {**fitted.env, "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{taken.getsockname()[1]}"}
        released = run("training", "release", fitted.version, env=env)
    assert released.returncode == 0
    assert f"released {fitted.version}" in released.stdout
    told = re.sub(r"\s+", " ", released.stderr)
    assert f"repeat with `python -m training release {fitted.version}`" in told
