"""The model as MLflow loads it; MLflow keeps this file, not a pickled object, and the bundle beside it."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from models.bundle import load_bundle
from training.score import score_table


class StancePyfunc(PythonModel):
    """Score a table with a column ``text`` into the table form."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the bundle that was logged; ``STANCE_THREADS`` says, as it does to the service, on how many threads."""
        threads = int(os.environ.get("STANCE_THREADS", "0"))
        self.model = load_bundle(Path(context.artifacts["bundle"]), threads).model

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 (MLflow's signature)
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Return the rows with the columns of the table form added."""
        return score_table(self.model, model_input)


set_model(StancePyfunc())
