"""A run in MLflow: in a file beside the run directory, or where ``MLFLOW_TRACKING_URI`` says.

``mlflow ui --backend-store-uri sqlite:///runs/mlflow.db`` shows it. A file of SQLite, for MLflow
refuses new stores of plain files.
"""

import logging
import os
import time
from pathlib import Path

import pandas as pd

from spikecast.core.schema import flatten
from spikecast.runs.config import Config
from spikecast.runs.layout import RunLayout
from spikecast.runs.tracking.tracker import TrackedFit, make_package_error

EXPERIMENT = "spikecast"
BATCH, LONGEST = 900, 500  # metrics in one request; characters of a parameter


class MLflow:
    """Settings, losses per epoch, seconds per fit, scores with intervals, config and report."""

    def __init__(self) -> None:
        # runs are logged on this machine only: no use statistics are sent
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            import mlflow
        except ImportError:
            raise make_package_error("mlflow") from None
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        self._mlflow = mlflow

    def start(self, folder: Path, config: Config) -> None:
        """Open a run in the experiment "spikecast", with the config as parameters."""
        beside = folder.resolve().parent
        local = f"sqlite:///{beside / 'mlflow.db'}"
        uri = os.environ.get("MLFLOW_TRACKING_URI", local)
        self._client = self._mlflow.MlflowClient(uri)
        files = (beside / "mlflow-files").as_uri() if uri == local else None
        if existing := self._client.get_experiment_by_name(EXPERIMENT):
            experiment = existing.experiment_id
        else:
            experiment = self._client.create_experiment(EXPERIMENT, files)
        tags = {"mlflow.runName": folder.resolve().name, "folder": str(folder.resolve())}
        self._run = self._client.create_run(experiment, tags=tags).info.run_id
        for key, value in flatten(config.model_dump(mode="json")).items():
            self._client.log_param(self._run, key, str(value)[:LONGEST])
        self._client.log_artifact(self._run, str(RunLayout(folder).config))

    def log_fit(self, fit: TrackedFit) -> None:
        """Log a curve per fold and part, and seconds over folds."""
        values = {
            (f"{fit.target}/{fit.model}/fold{fit.fold}/{part}_loss", epoch): value
            for part, losses in fit.losses.items()
            for epoch, value in enumerate(losses, start=1)
        }
        self._log(values | {(f"{fit.target}/{fit.model}/fit_seconds", fit.fold): fit.seconds})

    def log_scores(self, summary: pd.DataFrame) -> None:
        """Log a number per target and model, and its interval."""
        metric = summary.columns[1]
        names = {metric: metric, "low": f"{metric}_low", "high": f"{metric}_high"}
        values = {
            (f"{row['target']}/{row['model']}/{name}", 0): row[column]
            for row in summary.to_dict("records")
            for column, name in names.items()
        }
        self._log(values)

    def finish(self, folder: Path) -> None:
        """Add the report, and close the run."""
        files = RunLayout(folder)
        for path in (files.summary, files.report):
            if path.exists():
                self._client.log_artifact(self._run, str(path))
        self._client.set_terminated(self._run, "FINISHED")

    def stop(self, why: str) -> None:
        """Close the run as killed or failed."""
        self._client.set_tag(self._run, "stopped", why[:LONGEST])
        self._client.set_terminated(self._run, "KILLED" if why == "interrupted" else "FAILED")

    def _log(self, values: dict[tuple[str, int], float]) -> None:
        """Send values, by name and step, in batches."""
        metric, now = self._mlflow.entities.Metric, int(1000 * time.time())
        metrics = [
            metric(_clean_name(key), value, now, step) for (key, step), value in values.items()
        ]
        for start in range(0, len(metrics), BATCH):
            self._client.log_batch(self._run, metrics[start : start + BATCH])


def _clean_name(key: str) -> str:
    """Return a name of the characters that MLflow takes."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in "_-./ " else "_" for c in key)
