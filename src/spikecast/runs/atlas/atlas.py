"""The atlas as a function: which area predicts which, in one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from spikecast.core.checks import to_list
from spikecast.core.drawing import Drawable
from spikecast.core.errors import InputError
from spikecast.core.schema import parse_block
from spikecast.data.recording import Recording
from spikecast.models.base import Model
from spikecast.models.foreign import adapt_model
from spikecast.parallel.executors import Progress
from spikecast.runs.atlas.contents import CELLS, POOLED, SCORES
from spikecast.runs.atlas.plan import make_sources, name_data
from spikecast.runs.atlas.run import run_atlas
from spikecast.runs.atlas.settings import INSTANCE, RIDGE, AtlasSettings
from spikecast.runs.atlas.tables import read_atlas_table
from spikecast.runs.layout import AtlasLayout

Data = str | Path | Recording


@dataclass(frozen=True)
class AtlasResult(Drawable):
    """The tables of an atlas.

    Attributes
    ----------
    cells : DataFrame
        One row per session, model, source and target: ``value`` (the headline metric above the null
        named under ``rung``: task and drift, and behaviour where it was recorded) with its
        interval; ``train_mean`` (above the mean of the training trials) and ``trial_shuffle``
        (above trials swapped within conditions), with theirs; ``p`` of the shift test,
        ``p_corrected`` for all pairs of the session, ``n_shifts``, ``untested`` (why there is no
        p); ``passes`` (the interval lies above 0 and the corrected p is at most .05); ``error``.
        A model that can be fitted on top of the rung is: its ``train_mean`` is of rung and source
        together, and it has no ``trial_shuffle``.
    pooled : DataFrame
        One row per model, source and target: means over sessions, ``passes`` (in how many sessions
        the pair does), ``n_tested``, ``n_sessions``; the interval is from a bootstrap over sessions
        and trials.
    scores : DataFrame
        One row per pair, draw of neurons, null and fold.
    failed : dict of job -> why
    folder : Path or None
        Where they were written, if anywhere.
    """

    figure = "pairs"

    cells: pd.DataFrame
    pooled: pd.DataFrame
    scores: pd.DataFrame
    failed: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None

    def matrix(self, model: str | None = None, value: str = "value") -> pd.DataFrame:
        """Return the means over sessions as a matrix: a row predicts a column.

        Parameters
        ----------
        model : str, optional
            By default the first.
        value : str
            A column of `pooled`.
        """
        model = str(self.pooled["model"].iloc[0]) if model is None else model
        table = self.pooled[self.pooled["model"] == model]
        return table.pivot(index="source", columns="target", values=value)

    def __repr__(self) -> str:
        between = self.cells[self.cells["source"] != self.cells["target"]]
        return (
            f"AtlasResult({self.cells['session'].nunique()} sessions, {len(between)} predictions "
            f"of one area from another, {int(between['passes'].sum())} beyond task and drift)"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the means over sessions, tidy: one row per model, source and target."""
        return self.pooled.copy()

    def _repr_html_(self) -> str:
        return self.pooled.round(3).to_html(index=False)


def atlas(
    data: Data | Sequence[Data],
    models: Sequence[str | dict] | Mapping[str, Any] = (RIDGE,),
    *,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    engine: str = "local",
    progress: Progress = lambda what, done, total: None,
    **settings: Any,
) -> AtlasResult:
    """Predict every area from every other, in every session.

    Parameters
    ----------
    data : Recording, str, Path, or a list of these
        Recordings, files, or names of data sets.
    models : list of str, or mapping of name -> model
        ``"ridge"`` (all pairs at once, seconds), names of the catalogue, or a mapping with
        instances: any object with ``fit(x, y)`` and ``predict(x)`` for arrays (trial, time,
        neuron). In a mapping, None stands for the ridge.
    out : str or Path, optional
        A directory to write to; without one nothing is left on the disk.
    resume : bool
        Go on with an interrupted atlas in `out`.
    overwrite : bool
        Replace what is in `out`.
    workers : int, optional
        Processes; does not change any number.
    engine : str
        ``"local"``, ``"dask-local"``, or ``"dask://HOST:PORT"``.
    progress : callable, optional
        Called with what is being done, jobs done, jobs in all.
    **settings
        Fields of :class:`spikecast.runs.atlas.settings.AtlasSettings`: ``sessions``, ``sources``,
        ``targets``, ``within``, ``matched``, ``repeats``, ``min_neurons``, ``min_rate`` (Hz),
        ``by``, ``drop_coincident``, ``folds``, ``split``, ``gap``, ``conditions``, ``ordered``,
        ``shifts``, ``above``, ``bootstrap``, ``seed``; ``selection``: a mapping of what
        :func:`spikecast.load` takes for files that are not cut into trials yet (``align``, ...).

    Returns
    -------
    AtlasResult

    Raises
    ------
    ConfigError
        For a setting that is unknown, or outside its range.
    InputError
        For a model without ``fit`` and ``predict``, data that are not there, or no pair of areas.
    RunError
        When `out` holds something else.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.decision_task(60, n_bins=80, stim_onset=0.2, seed=3).recording
    >>> result = atlas(recording, targets=["MOs"], within=False, folds=3)
    >>> result.matrix().index.tolist()
    ['CA1', 'MD', 'VISp']
    """
    many = [data] if isinstance(data, Data) else to_list("data", data, "a recording, or a list")
    named = name_data(many)
    entries, instances = _split_models(models)
    block = parse_block({"data": [*named], "models": entries} | settings, AtlasSettings)
    with TemporaryDirectory(prefix="spikecast-atlas-") as temporary:
        outcome = run_atlas(
            block,
            temporary if out is None else out,
            sources=make_sources(named, block.selection),
            models=instances,
            resume=resume,
            overwrite=overwrite,
            workers=workers,
            engine=engine,
            progress=progress,
        )
        layout = AtlasLayout(outcome.folder)
        cells, pooled, scores = (
            read_atlas_table(layout.table(name), schema)
            for name, schema in (("cells", CELLS), ("pooled", POOLED), ("scores", SCORES))
        )
    folder = None if out is None else outcome.folder
    return AtlasResult(cells, pooled, scores, outcome.failed, folder)


def _split_models(
    models: Sequence[str | dict] | Mapping[str, Any],
) -> tuple[list, dict[str, Model | None] | None]:
    """Return the entries of the settings' list, and the models where instances were given."""
    if isinstance(models, str):
        raise InputError(f"models is '{models}'; give a list, ['{models}'], or a mapping")
    if not isinstance(models, Mapping):
        return to_list("models", models, "a list of models, or a mapping"), None
    instances = {
        name: None if model is None or model == RIDGE else adapt_model(model)
        for name, model in models.items()
    }
    entries = [
        RIDGE if model is None and name == RIDGE else {name: {INSTANCE: repr(model)}}
        for name, model in instances.items()
    ]
    return entries, instances
