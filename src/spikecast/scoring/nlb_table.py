"""All scores of the Neural Latents Benchmark that rates and a target allow, as one table."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from spikecast.data.nlb_files import Arrays, Value
from spikecast.scoring.nlb_scores import (
    COLUMNS,
    psth_r2,
    score_spikes,
    speed_correlation,
    velocity_r2,
)

TIMED = "dmfc_rsg"
"""The data set whose behaviour is a produced interval instead of a movement."""
CONDITION_COLUMNS = (0, 1, 2)  # of its behaviour: response modality, direction, prior


def score_rates(
    rates: Mapping[str, np.ndarray], target: Arrays, inputs: Arrays | None, dataset: str = ""
) -> pd.DataFrame:
    """Return all scores that rates and a target allow, one row per score and null.

    Parameters
    ----------
    rates : mapping of name -> array
        As in :data:`spikecast.data.nlb_files.SUBMISSION`.
    target, inputs : mapping of name -> array
        As in ``TARGET`` and ``INPUT`` there; without `inputs` our own nulls are not known.
    dataset : str
        Its name: of ``dmfc_rsg`` the behaviour is an interval.

    Returns
    -------
    DataFrame
        Columns ``score`` (``co-bps``, ``fp-bps``, ``psth R2``, ``vel R2``, ``tp corr``), ``null``,
        ``value``, and for bits per spike ``low`` and ``high``: 95 % over the scored trials.
    """
    known = inputs or {}
    rows = score_spikes(
        "co-bps",
        _array(target["eval_spikes_heldout"]),
        rates["eval_rates_heldout"],
        _optional(known, "train_spikes_heldout"),
    )
    forward = [f"eval_rates_{side}_forward" for side in ("heldin", "heldout")]
    if set(forward) <= rates.keys() and "eval_spikes_heldin_forward" in target:
        rows += score_spikes(
            "fp-bps",
            _join(target, "eval_spikes_heldin_forward", "eval_spikes_heldout_forward"),
            _join(rates, *forward),
            _join(known, "train_spikes_heldin_forward", "train_spikes_heldout_forward")
            if "train_spikes_heldin_forward" in known
            else None,
        )
    eval_rate = _join(rates, "eval_rates_heldin", "eval_rates_heldout")
    values = {}
    if "psth" in target and "eval_cond_idx" in target:
        trials = [np.asarray(one) for one in target["eval_cond_idx"]]
        psth = _array(target["psth"])
        values["psth R2"] = psth_r2(psth, eval_rate, trials, _optional(target, "eval_jitter"))
    if "eval_behavior" in target and "train_behavior" in target:
        behavior = _array(target["eval_behavior"])
        if dataset.startswith(TIMED):
            spikes = _array(target["eval_spikes_heldout"])
            values["tp corr"] = speed_correlation(eval_rate, spikes, behavior, CONDITION_COLUMNS)
        else:
            values["vel R2"] = velocity_r2(
                _join(rates, "train_rates_heldin", "train_rates_heldout"),
                _array(target["train_behavior"]),
                eval_rate,
                behavior,
                _optional(target, "train_decode_mask"),
                _optional(target, "eval_decode_mask"),
            )
    rows += [{"score": name, "null": "", "value": value} for name, value in values.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _array(values: Value) -> np.ndarray:
    array = np.asarray(values)
    return array if array.dtype.kind in "biu" else array.astype(float)


def _optional(arrays: Arrays, name: str) -> np.ndarray | None:
    return np.asarray(arrays[name]) if name in arrays else None


def _join(arrays: Arrays, held_in: str, held_out: str) -> np.ndarray:
    """Return arrays of held-in and of held-out neurons side by side."""
    return np.concatenate([_array(arrays[held_in]), _array(arrays[held_out])], axis=-1)
