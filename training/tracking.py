"""Experiments in MLflow: every fit a run, every bundle a registered model. Tracking never costs a model."""

import logging
import os
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from models.bundle import read_manifest
from models.manifest import Manifest
from models.stance import StanceModel
from models.table import columns
from training.card import slices
from training.corpus import Corpus
from training.fit import Fit
from training.report import warn

# Set before mlflow is imported: it reads them then.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")

if TYPE_CHECKING:
    from mlflow import MlflowClient

ROOT = Path(__file__).parent.parent
NAME = "stance"
T = TypeVar("T")
PATIENCE = 4.0
"""Seconds that a tracking server has to answer before the work goes on without it."""


def uri() -> str:
    """Return the address of the tracking store."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{ROOT / 'mlflow.db'}"


def _local() -> bool:
    """Say whether the store is a file here, which answers in its own time and needs a place for its artifacts."""
    return uri().startswith("sqlite:")


def begin() -> str | None:
    """Start a run and return its id, or warn and return None where MLflow is not installed or does not answer."""
    if find_spec("mlflow") is None:
        warn("mlflow is not installed, so this fit is not tracked; `pip install -e '.[train]'` brings it")
        return None
    return _answered(_start, "this fit is not tracked")


def _start() -> str:
    client = _client()
    experiment = client.get_experiment_by_name(NAME)
    if experiment is None:
        made = client.create_experiment(NAME, (ROOT / "mlruns").as_uri() if _local() else None)
    return str(client.create_run(experiment.experiment_id if experiment else made).info.run_id)


def _client() -> "MlflowClient":
    import mlflow

    for noisy in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(uri())
    mlflow.set_registry_uri(uri())
    return mlflow.MlflowClient()


def _answered(call: Callable[[], T], otherwise: str) -> T | None:
    """Return what a call to the tracking store returns; warn and return None where it fails or takes too long.

    It runs in a thread that nobody waits for: a name that does not resolve or a server that accepts and then says
    nothing would hang for over a minute, and no timeout of the client bounds them all.
    """
    outcome: dict[str, Any] = {}

    def attempt() -> None:
        try:
            outcome["value"] = call()
        except Exception as error:  # whatever a store, a network or a database raises
            outcome["error"] = f"{type(error).__name__}"

    if find_spec("mlflow") is not None:
        import mlflow  # noqa: F401  its import takes seconds and is no fault of the server
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(None if _local() else PATIENCE)
    if "value" in outcome:
        return outcome["value"]  # type: ignore[no-any-return]
    place = uri().rsplit("@", 1)[-1]  # without a password
    warn(f"the tracking store {place} did not answer ({outcome.get('error', f'waited {PATIENCE:g} s')}): {otherwise}")
    return None


def record(run_id: str, corpus: Corpus, fit: Fit, bundle: Path, card: str) -> None:
    """Log a fit and its bundle to its run and register the bundle as ``challenger``; warn where that fails."""
    if _answered(lambda: _client().get_run(run_id), "this fit is saved, but its run stays empty") is None:
        return
    try:
        _record(run_id, corpus, fit, bundle, card)
    except Exception as error:  # the bundle is on disk already, and nothing that MLflow raises may take it away
        warn(f"the run {run_id} could not be logged whole ({type(error).__name__}); the bundle is saved all the same")


def _record(run_id: str, corpus: Corpus, fit: Fit, bundle: Path, card: str) -> None:
    import mlflow
    import mlflow.data.pandas_dataset
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    from training import plots

    with mlflow.start_run(run_id):
        mlflow.set_tag("version", fit.model.version)
        mlflow.log_params({"features": fit.facts.features, "rows": corpus.record.rows, **fit.parameters})
        frame = corpus.frame.drop(columns=["digest"]).astype("string")
        mlflow.log_input(
            mlflow.data.pandas_dataset.from_pandas(frame, name="corpus", digest=corpus.record.digest[:16]), "training"
        )
        mlflow.log_metrics(_flat(fit.facts.metrics))
        mlflow.log_text(card, "card.md")
        for axis in fit.model.axes:
            figures = fit.facts.metrics[axis.name]
            mlflow.log_figure(plots.confusion_matrix(axis, figures["all"]), f"{axis.name}-confusion.png")
            mlflow.log_figure(plots.reliability(axis, figures["reliability"]), f"{axis.name}-reliability.png")
            mlflow.log_figure(plots.risk_coverage(axis, figures["risk_coverage"]), f"{axis.name}-risk-coverage.png")
        logged = mlflow.pyfunc.log_model(
            name=NAME,
            python_model=str(Path(__file__).parent / "pyfunc.py"),
            artifacts={"bundle": str(bundle)},
            signature=ModelSignature(Schema([ColSpec("string", "text")]), Schema(_outputs(fit.model))),
            input_example=pd.DataFrame({"text": list(fit.golden[:3])}),
            pip_requirements=[f"{name}=={version}" for name, version in read_manifest(bundle).libraries.items()],
            registered_model_name=NAME,
        )
        _client().set_registered_model_alias(NAME, "challenger", logged.registered_model_version)


def _outputs(model: StanceModel) -> list[Any]:
    from mlflow.types import ColSpec

    types = {"confidence": "double", "certain": "boolean", "p": "double"}
    return [
        ColSpec("string", "text"),
        *(ColSpec(types.get(("_".join(c.split("_")[2:3])), "string"), c, required=False) for c in columns(model.axes)),
    ]


def _flat(metrics: dict[str, Any]) -> dict[str, float]:
    """Return the figures under names like ``troops/ru/macro_f1`` and ``troops/ru/macro_f1/low``."""
    flat: dict[str, float] = {}
    for axis, name, figures in slices(metrics):
        place = axis if name == "all" else f"{axis}/{name}"
        named = {key: figures[key] for key in ("macro_f1", "accuracy", "calibration_error")}
        named |= {f"f1_{label}": figure for label, figure in figures["f1"].items()}
        for key, figure in named.items():
            ends = {"": "value", "/low": "low", "/high": "high"}
            flat |= {f"{place}/{key}{end}": figure[f] for end, f in ends.items() if figure[f] is not None}
    return flat


def abandon(run_id: str) -> None:
    """Mark the run of a fit that came to nothing."""
    _answered(lambda: _client().set_terminated(run_id, "FAILED"), f"run {run_id} stays open")


def crown(released: Manifest | None, left: Manifest | None) -> None:
    """Point ``champion`` at the registered version of what is released now; at none where nothing is any more."""
    if released is not None and released.mlflow_run_id is not None:
        run_id = released.mlflow_run_id
        repeat = f"`champion` was not moved; repeat with `python -m training release {released.version}`"
        _answered(lambda: _crown(run_id), repeat)
    elif left is not None and left.mlflow_run_id is not None:
        _answered(_uncrown, "`champion` still points at the version that was left; delete the alias in the UI")


def _crown(run_id: str) -> bool:
    client = _client()
    for version in client.search_model_versions(f"run_id = '{run_id}'"):
        client.set_registered_model_alias(NAME, "champion", version.version)
    return True


def _uncrown() -> bool:
    _client().delete_registered_model_alias(NAME, "champion")
    return True
