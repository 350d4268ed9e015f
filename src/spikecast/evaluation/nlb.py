"""Models of the catalogue in the Neural Latents Benchmark: rates, their scores, a submission."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.checks import check_kind
from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.nlb_files import (
    REQUIRED_SUBMISSION,
    SUBMISSION,
    check_arrays,
    read_submission,
    write_submission,
)
from spikecast.data.recording import Recording
from spikecast.evaluation.cross_validation import make_models
from spikecast.evaluation.fit import fit_model, predict_trials
from spikecast.evaluation.nlb_data import NLBData, split_nlb
from spikecast.evaluation.nlb_read import PathLike, read_nlb
from spikecast.models.base import Model
from spikecast.models.catalog import MODELS
from spikecast.parallel.executors import Progress
from spikecast.parallel.progress import open_progress
from spikecast.scoring.nlb_scores import COLUMNS
from spikecast.scoring.nlb_table import score_rates
from spikecast.tasks.splits import Fold

FORWARD_INPUT = ("train_spikes_heldin_forward", "train_spikes_heldout_forward")

GAPS_FILLED = NoticeKind(
    "gaps_filled",
    "minor",
    "{n} values of held-in neurons in scored trials were not recorded; models are given the "
    "neuron's mean over the training trials there",
)


@dataclass(frozen=True, eq=False, repr=False)
class NLBResult:
    """Rates for the Neural Latents Benchmark, and their scores where a target is known.

    Attributes
    ----------
    dataset : str
        The name in a submission; "" where none is known.
    model, held_in : str
        What predicted held-out neurons and forward bins, and what reconstructed held-in neurons.
    rates : mapping of name -> array, (trial, time, neuron)
        Expected counts per bin, by the names of a submission: ``train_rates_heldin``,
        ``train_rates_heldout``, ``eval_rates_heldin``, ``eval_rates_heldout`` and perhaps
        ``eval_rates_heldin_forward``, ``eval_rates_heldout_forward``.
    scores : DataFrame
        One row per score and null; empty without a target.
    seconds : float
        That all fits took.
    notices : tuple of Notice
    """

    dataset: str
    model: str
    held_in: str
    rates: Mapping[str, np.ndarray]
    scores: pd.DataFrame
    seconds: float
    notices: tuple[Notice, ...] = field(default=())

    def __repr__(self) -> str:
        name = f" {self.dataset}" if self.dataset else ""
        rows = self.scores.to_dict("records")
        ours = {row["score"]: row["value"] for row in rows if row["null"] == "train_mean"}
        told = []
        for row in rows:
            if row["null"] in ("", "eval_mean"):
                known = row["score"] in ours
                beside = f" ({ours[row['score']]:.3f} above train_mean)" if known else ""
                told.append(f"{row['score']} {row['value']:.3f}{beside}")
        return f"<NLBResult{name}, {self.model}: {', '.join(told) or 'no target'}>"

    def _repr_html_(self) -> str:
        listed = "".join(f"<li>{escape(str(notice))}</li>" for notice in self.notices)
        notices = f"<ul>{listed}</ul>" if listed else ""
        return f"<p>{escape(repr(self))}</p>{notices}{self.scores.round(4).to_html(index=False)}"

    def to_frame(self) -> pd.DataFrame:
        """Return the scores, one row per score and null."""
        return self.scores.copy()

    def write(self, path: str | Path, *others: "NLBResult") -> None:
        """Write a submission of this data set, and of others beside it.

        Parameters
        ----------
        path : str or Path
            Ends in ``.h5``; an existing file is replaced.
        *others : NLBResult
            Of other data sets: all three scaling sets of ``mc_maze`` are scored from one file.

        Raises
        ------
        InputError
            When a result has no name of the benchmark, or two have the same.
        """
        submitted: dict[str, Mapping[str, np.ndarray]] = {}
        for result in (self, *others):
            if not result.dataset:
                raise InputError(
                    "the name of the data set is not known; give nlb(..., "
                    "dataset='mc_maze_small'), or 'mc_maze_small_20' for bins of 20 ms"
                )
            if result.dataset in submitted:
                raise InputError(f"two results are of the data set '{result.dataset}'")
            submitted[result.dataset] = result.rates
        write_submission(path, submitted)


def nlb(
    source: PathLike | Sequence[PathLike] | Recording | NLBData,
    model: Any = "stack",
    *,
    target: PathLike | None = None,
    dataset: str = "",
    held_in: Any = "timescales_autoencoder",
    seed: int = 0,
    progress: bool | Progress = False,
) -> NLBResult:
    """Predict what the Neural Latents Benchmark asks for, and score it as it does.

    - Held-out neurons: `model` learns them from the held-in neurons of the training trials
      (co-smoothing), and predicts all trials.
    - Held-in neurons: `held_in` learns to reconstruct them through its latents. A model that
      predicts a neuron from itself would copy the spikes; coordinated dropout keeps a
      reconstruction from that. These rates matter for the averages and for velocity only.
    - Forward bins, where the training inputs have them: `model` learns all neurons' forward bins
      from as many bins of the held-in neurons before them, mirrored in time, as
      :class:`spikecast.Forecast` does.

    Nothing is learnt from scored trials. Rates of training trials are those of a fit that has seen
    them, as in other submissions.

    Parameters
    ----------
    source : path or several, Recording, or NLBData
        Files of inputs as ``nlb_tools`` writes them, or an NWB file of the benchmark
        (:func:`read_nlb`); a recording is split by :func:`split_nlb`
        with its defaults.
    model : str or model
        A name of the catalogue, or a model with settings of your own.
    target : path, optional
        The file of targets.
    dataset : str
        The name in the submission; by default that of the group in the file of targets.
    held_in : str or model
        An autoencoder of the catalogue, or ``lfads``.
    seed : int
    progress : bool or callable
        As for :func:`spikecast.cross_validate`.

    Returns
    -------
    NLBResult
        ``.scores``, ``.rates``, and ``.write("submission.h5")``.

    Raises
    ------
    FormatError
        For a file that is damaged, or in another layout.
    InputError
        For a model that needs more than spikes, or `held_in` that reconstructs nothing.

    References
    ----------
    Pei et al. 2021, Neural Latents Benchmark '21.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.lorenz(60, 24, n_conditions=6, n_bins=40, mean_rate=20).recording
    >>> held_in = sc.models.TimescalesAutoencoder(epochs=2)
    >>> result = nlb(recording, "pca_ridge", held_in=held_in)
    >>> result.scores["null"].tolist()
    ['eval_mean', 'train_mean', 'train_psth']
    >>> bool((result.scores["value"] > 0).all())
    True
    """
    data = _take(source, target, dataset)
    name, predictor = _make_model(model)
    copier_name, copier = _make_model(held_in)
    if not copier.reconstructs:
        allowed = [one for one, kind in MODELS.items() if kind.reconstructs]
        raise InputError(
            f"'{copier_name}' reconstructs nothing: it would copy the spikes that it is given. "
            f"As held_in take {', '.join(allowed)}"
        )
    started = time.perf_counter()
    x, notices = _join_held_in(data)
    n_train, n_held_in = data.axes["train"], data.axes["held-in"]
    jobs = {
        "heldout": (predictor, x, np.asarray(data.inputs["train_spikes_heldout"])),
        "heldin": (copier, x, x[:n_train]),
    }
    if set(FORWARD_INPUT) <= data.inputs.keys():
        y = np.concatenate([np.asarray(data.inputs[one]) for one in FORWARD_INPUT], axis=2)
        jobs["forward"] = (predictor, _mirror_last(x, data.axes["forward bin"]), y)
    fold = Fold(np.arange(n_train), np.arange(n_train, len(x)))
    predicted: dict[str, np.ndarray] = {}
    with open_progress(progress) as report:
        for index, (what, (one, given, y)) in enumerate(jobs.items()):
            fitted = fit_model(one, given, y, fold, seed=seed, index=index)
            predicted[what] = predict_trials(fitted.model, given, np.arange(len(x)))
            report(what, index + 1, len(jobs))
    rates = {
        f"{part}_rates_{side}": predicted[side][rows]
        for part, rows in (("train", fold.train), ("eval", fold.test))
        for side in ("heldin", "heldout")
    }
    if "forward" in predicted:
        after = predicted["forward"][fold.test]
        rates["eval_rates_heldin_forward"] = after[..., :n_held_in]
        rates["eval_rates_heldout_forward"] = after[..., n_held_in:]
    seconds = time.perf_counter() - started
    scores = _empty_scores() if data.target is None else score_nlb(rates, data)
    return NLBResult(
        data.dataset, name, copier_name, rates, scores, seconds, (*data.notices, *notices)
    )


def score_nlb(rates: Mapping[str, np.ndarray] | PathLike, data: NLBData) -> pd.DataFrame:
    """Score rates, or the submission of another tool, as the benchmark does, beside our nulls.

    Parameters
    ----------
    rates : mapping of name -> array, or path
        Expected counts per bin by the names of a submission; or the file.
    data : NLBData
        With a target: :func:`read_nlb`, :func:`split_nlb`.

    Returns
    -------
    DataFrame
        One row per score and null:

        - ``co-bps``, ``fp-bps``: bits per spike of held-out neurons, and of forward bins of all.
          The null ``eval_mean`` is the benchmark's, each neuron's mean over the scored trials;
          ``train_mean`` and ``train_psth`` are known beforehand. ``low`` and ``high`` are 95 %
          over scored trials, models and nulls held fixed.
        - ``psth R2``, ``vel R2``, ``tp corr``: as the benchmark defines them.

    Raises
    ------
    InputError
        Without a target; for rates that are NaN or negative where they are scored.
    FormatError
        When an array is missing or of another shape than the data.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.lorenz(40, 12, n_conditions=4, n_bins=30).recording
    >>> data = sc.benchmarks.split_nlb(recording)
    >>> n = {"train": 30, "eval": 10, "heldin": 9, "heldout": 3}
    >>> flat = {f"{part}_rates_{side}": np.full((n[part], 30, n[side]), 0.1)
    ...         for part in ("train", "eval") for side in ("heldin", "heldout")}
    >>> bool(score_nlb(flat, data)["value"].iloc[0] < 0)
    True
    """
    if data.target is None:
        raise InputError("there is nothing to score against; give read_nlb(..., target=...)")
    if isinstance(rates, PathLike):
        rates = read_submission(rates, data.dataset)
    check_kind(rates, Mapping)
    rates = {
        name: one if isinstance(one, np.ndarray) else np.asarray(one) for name, one in rates.items()
    }
    check_arrays(rates, SUBMISSION, REQUIRED_SUBMISSION, dict(data.axes))
    return score_rates(rates, data.target, data.inputs, data.dataset)


def _take(source: Any, target: PathLike | None, dataset: str) -> NLBData:
    if not isinstance(source, Recording | NLBData):
        return read_nlb(source, target, dataset)
    if target is not None:
        raise InputError("a target belongs to files of inputs; a recording holds its own")
    if isinstance(source, Recording):
        return split_nlb(source, dataset=dataset)
    return source if not dataset else NLBData(dataset, source.inputs, source.target, source.notices)


def _make_model(model: Any) -> tuple[str, Model]:
    """Return a model of the catalogue or of the user, with its name."""
    [(name, made)] = make_models([model]).items()
    if made.needs:
        raise InputError(
            f"'{name}' needs {' and '.join(made.needs)}, which the benchmark does not give; take "
            "another model"
        )
    return name, made


def _join_held_in(data: NLBData) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """Return the held-in neurons of training and of scored trials; gaps become the mean."""
    train = np.asarray(data.inputs["train_spikes_heldin"])
    scored = np.asarray(data.inputs["eval_spikes_heldin"])
    missing = np.isnan(scored)
    filled = np.where(missing, train.mean(axis=(0, 1), dtype=float), scored)
    notices = (GAPS_FILLED(n=int(missing.sum())),) if missing.any() else ()
    return np.concatenate([train, filled.astype(scored.dtype)]), notices


def _mirror_last(x: np.ndarray, n_forward: int) -> np.ndarray:
    """Return the last bins of each trial, the very last one first."""
    if n_forward > x.shape[1]:
        raise InputError(
            f"there are {n_forward} forward bins after {x.shape[1]} observed ones; there may be as "
            "many at most"
        )
    return x[:, x.shape[1] - n_forward :][:, ::-1].copy()


def _empty_scores() -> pd.DataFrame:
    return pd.DataFrame(columns=list(COLUMNS))
