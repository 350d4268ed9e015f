"""Numbers of sound runs, read from their files."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import RunError
from spikecast.runs.layout import RunLayout
from spikecast.runs.questions import store
from spikecast.runs.studies.study import Value
from spikecast.scoring.metric_table import METRICS, find_headline


class Scores(dict[str, Value]):
    """Model -> score; one that is not there is explained."""

    def __init__(self, run: Path, values: dict[str, Value]) -> None:
        super().__init__(values)
        self.run = run

    def __missing__(self, model: str) -> Value:
        """A model that could not be fitted was left out of the run."""
        raise RunError(
            f"the study needs '{model}', which could not be fitted: see {RunLayout(self.run).log}"
        )


def scores(run: Path) -> Scores:
    """Headline score of each model with its interval, best first."""
    summary = pd.read_csv(RunLayout(run).summary, dtype={"model": str})
    metric = find_headline(summary).name
    values = {
        row["model"]: Value(
            f"{row[metric]:z.3f} {METRICS[metric].unit} ({row['low']:z.3f} to {row['high']:z.3f})",
            float(row[metric]),
        )
        for _, row in summary.iterrows()
    }
    return Scores(run, values)


def several(found: Scores, *models: str) -> Value:
    """Scores of some models, those that were fitted, in one cell."""
    named = [model for model in models if model in found] or [models[0]]
    text = "\n".join(f"{model} {found[model].text}" for model in named)
    return Value(text, found[named[0]].number)


def answers(run: Path, kind: str) -> dict[str, dict[str, Any]]:
    """Facts of a run's answers of one kind, by name."""
    return {name: facts for name, facts in store.stored(run).items() if facts["kind"] == kind}


def table(run: Path, answer: str, name: str) -> pd.DataFrame:
    """One table of an answer."""
    return pd.read_csv(RunLayout(run).answer_table(answer, name))


def decoded(run: Path, source: str, label: str | None = None) -> Value | None:
    """Accuracy of a label from one source, with interval, chance and p; None where not asked."""
    for facts in answers(run, "decode").values():
        if facts["source"] == source and label in (None, facts["label"]):
            least = 1 / (1 + facts["permutations"])
            p = f"p ≤ {least:.2g}" if facts["p"] <= 1.001 * least else f"p = {facts['p']:.2g}"
            return Value(
                f"{facts['score']:.0%} ({facts['low']:.0%} to {facts['high']:.0%}), chance "
                f"{facts['chance']:.0%}, {p}",
                float(facts["score"]),
            )
    return None


def onset(run: Path, beyond: bool = False) -> Value | None:
    """The earliest onset over areas, with its interval; None where nothing was dated.

    Beyond: of what is known beyond the strata of the question.
    """
    for name, facts in answers(run, "time").items():
        if facts["acausal"] or bool(facts["strata"]) != beyond:
            continue
        onsets = table(run, name, "onsets").sort_values("onset")
        first = onsets.iloc[0]
        if np.isnan(first["onset"]):
            return Value("no onset found")
        late = "the end" if np.isinf(first["high"]) else f"{1000 * first['high']:.0f}"
        return Value(
            f"{1000 * first['onset']:.0f} ms after the stimulus ({1000 * first['low']:.0f} to "
            f"{late}), from causal counts",
            float(first["onset"]),
        )
    return None
