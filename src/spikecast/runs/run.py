"""Run a config from Python."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikecast.runs import config as configs
from spikecast.runs import experiment
from spikecast.runs.config import Config


def run(config: Config | Mapping[str, Any] | str | Path, out: str | Path, **settings: Any) -> Path:
    """Run a config and return its run directory.

    Parameters
    ----------
    config : Config, mapping, or path of a YAML file
        What predicts what, by which models; see docs/architecture.md.
    out : str or Path
        The run directory.
    **settings
        ``resume``, ``overwrite``, ``workers``, ``engine``, ``progress``: see
        :func:`spikecast.runs.experiment.run_experiment`.

    Returns
    -------
    Path
        Of the run directory: ``scores.csv``, ``config.yaml``, weights, predictions. Draw its page
        with ``spikecast.report.build``.

    Raises
    ------
    ConfigError
        For an unknown key, or a value outside its range.
    RunError
        When `out` holds something else.

    Examples
    --------
    >>> import tempfile
    >>> config = {"data": {"path": "simulated"}, "task": {"target": "MOs"}, "models": ["mean_rate"]}
    >>> folder = run(config, f"{tempfile.mkdtemp()}/run", workers=1)
    >>> (folder / "scores.csv").exists()
    True
    """
    if isinstance(config, str | Path):
        config = configs.read_config(config)
    elif isinstance(config, Mapping):
        config = configs.parse_config(dict(config))
    return experiment.run_experiment(config, out, **settings)
