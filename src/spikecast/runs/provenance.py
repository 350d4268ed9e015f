"""How a run came by each of its numbers, written so that rules can read it.

A :class:`Claim` is one number with the units (trials, bins, neurons) that every step saw: what the
last step learnt from and was scored on, what earlier steps were fitted on, what choices were judged
on. They are index lists, not statements of good intent, so that a rule can look for overlaps.
Runs of ``predict``, ``decode`` and ``run`` are described from their files; whatever else makes
numbers writes its claims to ``protocol.json`` itself.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import BaseModel, ConfigDict, field_validator

from spikecast.core.files import read_json, write_json
from spikecast.runs.config import ALL, Config
from spikecast.runs.layout import Layout, RunLayout
from spikecast.runs.manifest import read_activity_hash, read_manifest
from spikecast.runs.reader import read_answers
from spikecast.scoring.metric_table import find_headline

OUTCOMES = {"feedback": "feedback_time"}
"""Labels that an event of the trial shows, and the trial column with that event's time."""


class Claim(BaseModel):
    """One number and how it came about; a fact that is not known is left out.

    Parameters
    ----------
    name : str
        What a reader calls the number.
    metric : str
    value : float, optional
        None for a picture that is shown without a score.
    target : str
        What is predicted.
    unit : str
        What the index lists count: trials, windows, bins, neurons.
    train, test : list of int
        Units that the last step learnt from, and was scored on.
    fitted_on : dict of step -> list of int
        Units that each other learnt step (components, scales, latents) has seen.
    chosen_on : dict of choice -> list of int
        Units on which epochs or settings were compared.
    swept : dict of setting -> list
        The values a setting took in the search that is said to have chosen it.
    kept, pool : dict of class -> list of int
        Trials of a class that balancing kept, and those it could choose from.
    rows, label_rows : list of int
        The trial in each row of the features, and of the labels.
    fit_neurons, used_neurons : list of int
        Neurons the model was fitted to, and those that were put through it.
    null, baselines
        What the number is measured against; an empty string is none.
    features : {"activity", "latents", "behavior"}
    dated : bool
        Whether a time is read from it; `causal`: whether its features saw the past only.
    prediction_shape, target_shape : list of int
    window_end, outcome_time : float
        Seconds: the last bin, and the earliest event that shows the label.
    loss_on : {"logits", "probabilities"}
        What the cross-entropy was computed from.
    compared_with : str
        The target of another number that this one is set against.
    repeats : int
        Seeds or splits the number is an average of.
    n_scored : int, optional
        Units the number rests on, where it pools more than those of `test` (all folds).

    Examples
    --------
    >>> Claim(name="R2 of running", metric="r2", value=0.4, train=[0, 1], test=[2]).unit
    'trials'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    metric: str
    value: float | None = None
    target: str = ""
    unit: Literal["trials", "windows", "bins", "neurons"] = "trials"
    train: list[int] = []
    test: list[int] = []
    fitted_on: dict[str, list[int]] = {}
    chosen_on: dict[str, list[int]] = {}
    swept: dict[str, list[float]] = {}
    kept: dict[str, list[int]] = {}
    pool: dict[str, list[int]] = {}
    rows: list[int] = []
    label_rows: list[int] = []
    fit_neurons: list[int] = []
    used_neurons: list[int] = []
    null: str = ""
    baselines: list[str] = []
    features: Literal["activity", "latents", "behavior"] = "activity"
    dated: bool = False
    causal: bool = True
    prediction_shape: list[int] = []
    target_shape: list[int] = []
    window_end: float | None = None
    outcome_time: float | None = None
    loss_on: Literal["", "logits", "probabilities"] = ""
    compared_with: str = ""
    repeats: int = 1
    n_scored: int | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        """Numpy arrays and numbers as Python's."""
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, dict):
            return {key: cls._plain(part) for key, part in value.items()}
        return value


def write(claims: Sequence[Claim], folder: Path) -> None:
    """Write claims to ``protocol.json``."""
    content = [claim.model_dump(exclude_defaults=True) for claim in claims]
    write_json(Layout(folder).protocol, content)


def read(folder: Path, config: Config) -> list[Claim]:
    """Return the claims of a run directory: those it wrote, else those its files tell of."""
    if Layout(folder).protocol.exists():
        return stated(folder)
    return [*_predictions(folder, config), *_answers(folder)]


def stated(folder: Path) -> list[Claim]:
    """Return the claims that a folder states."""
    content = read_json(Layout(folder).protocol)
    return [Claim.model_validate(entry) for entry in content]


# ------------------------------------------------------------------------------------ runs


def _predictions(folder: Path, config: Config) -> Iterator[Claim]:
    """One claim per target and fold; the folds say who was held out."""
    if config.task is None:
        return
    scores = pd.read_csv(RunLayout(folder).scores, dtype={"target": str, "fold": str})
    # a sweep that chose the settings on these very trials has seen all of them
    tuned = config.tuned_on == read_activity_hash(read_manifest(folder))
    headline = find_headline(scores["metric"]).name
    for path in RunLayout(folder).list_problems():
        with xr.open_dataset(path, engine="h5netcdf") as problem:
            fold_of, target = problem["fold"].values, str(problem.attrs["target"])
            windows = bool(problem.attrs["windows"])
        gap = max(config.evaluation.gap, 1) if windows else config.evaluation.gap
        blocks = windows or config.evaluation.split == "block"
        mine = scores.query("target == @target and metric == @headline and null != 'eval_mean'")
        for fold in range(int(fold_of.max()) + 1):
            test = np.flatnonzero(fold_of == fold)
            train = np.flatnonzero(fold_of != fold)
            if blocks:
                train = train[(train < test[0] - gap) | (train > test[-1] + gap)]
            best = mine[mine["fold"] == str(fold)]["value"].max()
            yield Claim(
                name=f"{target}, fold {fold}",
                metric=headline,
                value=float(best),
                target=target,
                unit="windows" if windows else "trials",
                train=train,
                test=test,
                # models learn their preprocessing, and choose, within fit
                fitted_on={"preprocessing": train},
                chosen_on={"settings": np.arange(len(fold_of)) if tuned else train},
                null="the training mean",
                baselines=sorted(set(mine["model"])),
                repeats=int(fold_of.max()) + 1,
            )


def _answers(folder: Path) -> Iterator[Claim]:
    """One claim per fold of a decoded label, one per curve over time."""
    answers = {answer.name: answer.facts for answer in read_answers(folder)}
    decoded = [facts for facts in answers.values() if facts["kind"] == "decode"]
    for name, facts in answers.items():
        if facts["kind"] == "decode":
            beside = [d["source"] for d in decoded if d["label"] == facts["label"]]
            yield from _decoded(folder, name, facts, sorted(set(beside) - {"latents"}))
        if facts["kind"] == "over_time":
            onsets = pd.read_csv(RunLayout(folder).answer_table(name, "onsets"))
            yield Claim(
                name=f"onset of '{facts['label']}' from {facts['features']}",
                metric=facts["metric"],
                value=float(onsets["peak"].max()),
                null=facts["null"],
                dated=True,
                causal=not facts["acausal"],
            )


def _decoded(folder: Path, name: str, facts: dict[str, Any], beside: list[str]) -> Iterator[Claim]:
    table = pd.read_csv(RunLayout(folder).answer_table(name, "predictions"))
    features = {"counts": "activity", "latents": "latents", "behavior": "behavior"}
    described = f"'{facts['label']}' from {facts['features']} of {facts['area'] or ALL}"
    for fold, part in table.groupby("fold"):
        train = table.loc[table["fold"] != fold, "trial"].to_numpy()
        yield Claim(
            name=f"{described}, fold {fold}",
            metric=facts["metric"],
            value=facts["score"],
            target=facts["label"],
            train=train,
            test=part["trial"].to_numpy(),
            fitted_on={"features": train},
            chosen_on={"settings": train},
            null=facts["null"] if facts["permutations"] else "",
            baselines=beside,
            features=features[facts["source"]],
            rows=table["trial"].to_numpy(),
            label_rows=table["trial"].to_numpy(),
            repeats=int(facts["folds"]),
            n_scored=len(table),
            **_outcome(folder, facts["label"]),
        )


def _outcome(folder: Path, label: str) -> dict[str, float]:
    """End of the window and the time that shows the label, where an event of the trial does."""
    column = next((time for name, time in OUTCOMES.items() if label.startswith(name)), None)
    if column is None:
        return {}
    with xr.open_dataset(RunLayout(folder).excerpt, engine="h5netcdf") as excerpt:
        if column not in excerpt.coords:
            return {}
        shown = float(np.nanmin(excerpt[column].values))
        return {"window_end": float(excerpt["time"].values[-1]), "outcome_time": shown}
