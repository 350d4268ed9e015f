"""Event files for TensorBoard in the run directory: ``tensorboard --logdir runs`` shows them."""

from pathlib import Path

import pandas as pd

from spikecast.core.schema import to_yaml
from spikecast.runs.config import Config
from spikecast.runs.layout import RunLayout
from spikecast.runs.tracking.tracker import TrackedFit, make_package_error


class TensorBoard:
    """Losses per epoch, seconds per fit, scores with their intervals."""

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise make_package_error("tensorboard") from None
        self._open = SummaryWriter

    def start(self, folder: Path, config: Config) -> None:
        """Open the event file, and write the config into it."""
        self._writer = self._open(str(RunLayout(folder).tensorboard))
        text = to_yaml(config).replace("\n", "\n    ")  # indented: shown as it is
        self._writer.add_text("config", f"    {text}")

    def log_fit(self, fit: TrackedFit) -> None:
        """Log a curve per fold and part, and seconds over folds."""
        for part, values in fit.losses.items():
            tag = f"{part}_loss/{fit.target}/{fit.model}/fold{fit.fold}"
            for epoch, value in enumerate(values, start=1):
                self._writer.add_scalar(tag, value, epoch)
        tag = f"fit_seconds/{fit.target}/{fit.model}"
        self._writer.add_scalar(tag, fit.seconds, fit.fold)
        self._writer.flush()

    def log_scores(self, summary: pd.DataFrame) -> None:
        """Log a number per target and model, and its interval."""
        metric = summary.columns[1]
        for row in summary.to_dict("records"):
            for limit in (metric, "low", "high"):
                name = metric if limit == metric else f"{metric}_{limit}"
                self._writer.add_scalar(f"{name}/{row['target']}/{row['model']}", row[limit], 0)

    def finish(self, folder: Path) -> None:
        """Close the event file."""
        self._writer.close()

    def stop(self, why: str) -> None:
        """Say why, and close the event file."""
        self._writer.add_text("stopped", why)
        self._writer.close()
