"""Run directory -> figures -> one HTML file. Reads, never fits."""

from importlib import import_module
from pathlib import Path

from spikecast.core.errors import UnreadRunError
from spikecast.core.files import refuse_links, to_path
from spikecast.core.unforeseen import explain_unforeseen
from spikecast.runs.layout import find_kind

BUILDERS = {
    "study": "spikecast.report.study.page",
    "sweep": "spikecast.report.sweep.page",
    "atlas": "spikecast.report.atlas.page",
    "run": "spikecast.report.run.page",
}
"""Kind of directory -> the module that builds its page."""


HAVE_TARGETS = ("study", "run")
"""Kinds whose targets are drawn beside each other."""


def build(folder: str | Path, *, workers: int | None = None) -> Path:
    """Write ``report.html`` of a finished run, study, sweep or atlas, and return its path.

    Parameters
    ----------
    folder : str or Path
        The run directory.
    workers : int, optional
        Processes that draw where a run has many targets; by default one per core. The page is the
        same for any number.

    Returns
    -------
    Path
        Of the page. Its figures are also kept as ``figures/*.svg``.

    Raises
    ------
    RunError
        When the directory holds none of these, or what it holds is unfinished or incomplete.

    Examples
    --------
    >>> import tempfile
    >>> from spikecast.runs import config, experiment
    >>> content = {"data": {"path": "simulated"}, "task": {"target": "MOs"},
    ...            "models": ["psth"], "evaluation": {"folds": 2, "shifts": 0}}
    >>> folder = tempfile.mkdtemp() + "/run"
    >>> run = experiment.run(config.parse_config(content), folder, workers=1)
    >>> build(run).name
    'report.html'
    """
    folder = to_path("folder", folder)
    refuse_links(folder)
    kind = find_kind(folder) or "run"
    settings = {"workers": workers} if kind in HAVE_TARGETS else {}
    with explain_unforeseen(f"the page of '{folder}' is not drawn", UnreadRunError):
        page: Path = import_module(BUILDERS[kind]).build(folder, **settings)
    return page


__all__ = ["build"]
