"""Rules that read how a run came by its numbers and name what is wrong with them.

Each rule is a small function of a :class:`spikecast.runs.provenance.Claim` that returns what it
found, or nothing; ``RULES`` lists them with how bad it is and what to do instead.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from spikecast.core.errors import RunError
from spikecast.runs import config as configs
from spikecast.runs import provenance as protocol
from spikecast.runs.layout import Layout, RunLayout, StudyLayout
from spikecast.runs.manifest import read_manifest
from spikecast.runs.provenance import Claim
from spikecast.scoring.metric_table import METRICS

Severity = Literal["severe", "serious", "minor"]
SHOWN = 3
WIDEST = 0.2
"""Half the width of a 95 % interval from which on an accuracy says little."""


@dataclass(frozen=True)
class Hazard:
    """What is wrong with a number.

    Attributes
    ----------
    rule : str
    severity : {"severe", "serious", "minor"}
        The number does not mean what it says; it may mislead; it says little.
    where : tuple of str
        Names of the numbers.
    found : str
        The evidence.
    fix : str
        What to do instead.
    """

    rule: str
    severity: Severity
    where: tuple[str, ...]
    found: str
    fix: str

    @property
    def places(self) -> str:
        """The numbers it concerns, the first few by name."""
        more = len(self.where) - SHOWN
        named = ", ".join(self.where[:SHOWN])
        return f"{named} and {more} more" if more > 0 else named


@dataclass(frozen=True)
class Rule:
    """A hazard that can be looked for: `finds` returns the evidence, "" where there is none."""

    name: str
    severity: Severity
    fix: str
    finds: Callable[[Claim], str]


def audit(folder: str | Path) -> list[Hazard]:
    """Look for hazards in a finished run.

    Parameters
    ----------
    folder : str or Path
        A run directory, or a folder with a ``protocol.json``.

    Returns
    -------
    list of Hazard
        Severest first; empty where no rule found anything.

    Raises
    ------
    RunError
        When the run is missing or not finished.

    Examples
    --------
    >>> import tempfile
    >>> import spikecast
    >>> config = {"data": {"path": "simulated"}, "task": {"target": "MOs"},
    ...     "models": ["mean_rate", "pca_ridge"]}
    >>> folder = spikecast.run(config, f"{tempfile.mkdtemp()}/run", workers=1)
    >>> spikecast.audit(folder)
    []
    """
    folder = Path(folder)
    if Layout(folder).protocol.exists():
        return judge(protocol.stated(folder))
    if not read_manifest(folder).get("finished"):
        raise RunError(f"the run in '{folder}' is not finished; resume it")
    return judge(protocol.read(folder, configs.read_config(RunLayout(folder).config)))


def parts(folder: str | Path) -> dict[str, Path]:
    """Return what there is to audit in a folder: the run itself, or the parts of a study's."""
    folder = Path(folder)
    study = StudyLayout(folder)
    if not study.described.folder.is_dir():
        return {"": folder}
    sound = {f"sound, {run.folder.name}": run.folder for run in study.list_sound_runs()}
    if study.concluded.protocol.exists():
        sound["sound, beside the runs"] = study.concluded.folder
    return {"as described": study.described.folder} | sound


def judge(claims: Iterable[Claim]) -> list[Hazard]:
    """Apply every rule to every claim.

    Examples
    --------
    >>> flawed = Claim(name="R2", metric="r2", value=0.9, train=[0, 1], test=[0, 1], null="mean")
    >>> [hazard.rule for hazard in judge([flawed])]
    ['evaluated on training data']
    """
    claims = list(claims)
    found = []
    for rule in RULES:
        evidence = {claim.name: rule.finds(claim) for claim in claims}
        named = tuple(name for name, text in evidence.items() if text)
        if named:
            found.append(Hazard(rule.name, rule.severity, named, evidence[named[0]], rule.fix))
    order: Sequence[Severity] = ("severe", "serious", "minor")
    return sorted(found, key=lambda hazard: order.index(hazard.severity))


# ------------------------------------------------------------------------------------ the rules


def _evaluated_on_training(claim: Claim) -> str:
    if not claim.test or not set(claim.test) <= set(claim.train):
        return ""
    return f"all {len(claim.test)} scored {claim.unit} were learnt from"


def _drawn_with_replacement(claim: Claim) -> str:
    for what, units in (("test", claim.test), ("training", claim.train)):
        repeated = len(units) - len(set(units))
        if repeated:
            shared = len(set(claim.test) & set(claim.train))
            return (
                f"{repeated} of {len(units)} {what} {claim.unit} are repeats; {shared} of the test "
                f"{claim.unit} were learnt from"
            )
    shared = len(set(claim.test) & set(claim.train))
    if shared and not set(claim.test) <= set(claim.train):
        return f"{shared} of the {len(claim.test)} test {claim.unit} were learnt from"
    return ""


def _fitted_outside_fold(claim: Claim) -> str:
    return _seen(claim, claim.fitted_on, "was fitted on")


def _chosen_on_test(claim: Claim) -> str:
    return _seen(claim, claim.chosen_on, "was chosen by looking at")


def _seen(claim: Claim, steps: dict[str, list[int]], how: str) -> str:
    """The first step that has seen test units that the last step did not learn from."""
    held_out = set(claim.test) - set(claim.train)
    for step, units in steps.items():
        shared = len(held_out & set(units))
        if shared:
            return f"{step} {how} {shared} of the {len(held_out)} held-out {claim.unit}"
    return ""


def _acausal_timing(claim: Claim) -> str:
    if not claim.dated or claim.causal:
        return ""
    return "a time is read from features that at every bin know later bins"


def _null_missing(claim: Claim) -> str:
    if claim.null or claim.value is None:
        return ""
    return f"nothing says what {claim.metric} would be if there were nothing to find"


def _baseline_missing(claim: Claim) -> str:
    if claim.features != "latents" or claim.baselines:
        return ""
    return "latents were scored, but not the raw activity or the stimulus in the same way"


def _losses_compared(claim: Claim) -> str:
    metric = METRICS.get(claim.metric)
    if metric is None or not metric.depends_on_rate or claim.compared_with in ("", claim.target):
        return ""
    return (
        f"{claim.metric} of {claim.target} is set against that of {claim.compared_with}, and it "
        "depends on how much the targets fire"
    )


def _broadcast(claim: Claim) -> str:
    a, b = tuple(claim.prediction_shape), tuple(claim.target_shape)
    if a == b:
        return ""
    try:
        shape = np.broadcast_shapes(a, b)
    except ValueError:
        return ""
    return f"predictions {a} against targets {b} become {shape}"


def _labels_out_of_step(claim: Claim) -> str:
    if len(claim.rows) != len(claim.label_rows):
        return ""
    moved = sum(a != b for a, b in zip(claim.rows, claim.label_rows))
    return f"{moved} of {len(claim.rows)} labels belong to another trial" if moved else ""


def _balanced_in_time_order(claim: Claim) -> str:
    for name, kept in claim.kept.items():
        pool = sorted(claim.pool.get(name, []))
        if len(kept) < len(pool) and sorted(kept) in (pool[: len(kept)], pool[-len(kept) :]):
            place = "first" if sorted(kept) == pool[: len(kept)] else "last"
            return f"of '{name}' the {place} {len(kept)} of {len(pool)} trials were kept"
    return ""


def _outcome_in_window(claim: Claim) -> str:
    if claim.window_end is None or claim.outcome_time is None:
        return ""
    if claim.window_end < claim.outcome_time:
        return ""
    return (
        f"the window ends at {claim.window_end:.2f} s; what is decoded happens from "
        f"{claim.outcome_time:.2f} s on"
    )


def _neurons_changed(claim: Claim) -> str:
    if not claim.fit_neurons or claim.fit_neurons == claim.used_neurons:
        return ""
    shared = len(set(claim.fit_neurons) & set(claim.used_neurons))
    if sorted(claim.fit_neurons) == sorted(claim.used_neurons):
        return f"the {shared} neurons of the fit were used in another order"
    return f"{shared} of the {len(claim.used_neurons)} neurons used are those of the fit"


def _single_seed(claim: Claim) -> str:
    if not claim.compared_with or claim.repeats > 1:
        return ""
    return f"the comparison with {claim.compared_with} rests on one seed and one split"


def _too_few(claim: Claim) -> str:
    n = claim.n_scored or len(claim.test)
    metric = METRICS.get(claim.metric)
    if metric is None or not metric.is_share or not n or claim.value is None:
        return ""
    low, high = binomial_interval(claim.value, n)
    if high - low < 2 * WIDEST:
        return ""
    return f"{claim.value:.0%} of {n} trials: anything from {low:.0%} to {high:.0%}"


def _softmax_twice(claim: Claim) -> str:
    if claim.loss_on != "probabilities":
        return ""
    return "cross-entropy takes logits, and was given probabilities"


def _never_swept(claim: Claim) -> str:
    still = [name for name, values in claim.swept.items() if len(set(values)) < 2]
    if not still:
        return ""
    name = still[0]
    value, n = claim.swept[name][0], len(claim.swept[name])
    return f"{', '.join(still)}: all {n} trials of the search used {name} = {value:g}"


def _never_scored(claim: Claim) -> str:
    return "" if claim.value is not None else "shown as evidence, with no number on held-out points"


RULES = [
    Rule(
        "evaluated on training data",
        "severe",
        "score on trials that no step has seen",
        _evaluated_on_training,
    ),
    Rule(
        "drawn with replacement",
        "severe",
        "cut the units into disjoint parts (spikecast.tasks.splits)",
        _drawn_with_replacement,
    ),
    Rule(
        "fitted outside the fold",
        "severe",
        "fit every step anew on each fold's training part",
        _fitted_outside_fold,
    ),
    Rule(
        "chosen on test data",
        "severe",
        "choose weights and settings on a validation part of the training data",
        _chosen_on_test,
    ),
    Rule(
        "shapes broadcast",
        "severe",
        "give predictions and targets the same shape; (N,) against (N, 1) is an error",
        _broadcast,
    ),
    Rule(
        "labels out of step",
        "severe",
        "permute labels and trials with the same order",
        _labels_out_of_step,
    ),
    Rule(
        "neurons changed",
        "severe",
        "draw the neurons once, with a seed, and use the same ones throughout",
        _neurons_changed,
    ),
    Rule(
        "acausal timing",
        "severe",
        "date with causal features (causal: true, or counts in a window that ends with the bin)",
        _acausal_timing,
    ),
    Rule(
        "outcome in the window",
        "severe",
        "end the window before the earliest outcome (data.time in the config)",
        _outcome_in_window,
    ),
    Rule(
        "losses compared across targets",
        "severe",
        "compare bits per spike, each against its own null",
        _losses_compared,
    ),
    Rule(
        "balanced in time order",
        "serious",
        "draw the trials to keep at random over the session, or weigh the classes",
        _balanced_in_time_order,
    ),
    Rule("null missing", "serious", "shuffle the labels, or score the mean", _null_missing),
    Rule(
        "baseline missing",
        "serious",
        "decode raw counts and the stimulus by the same protocol; put PCA on the same metric",
        _baseline_missing,
    ),
    Rule("softmax twice", "serious", "give the logits to the cross-entropy", _softmax_twice),
    Rule(
        "setting never swept",
        "serious",
        "look at the values the search tried before naming the best",
        _never_swept,
    ),
    Rule("single seed", "serious", "repeat over seeds and splits", _single_seed),
    Rule(
        "picture without a score",
        "minor",
        "score held-out points (nearest neighbours, against shuffled labels)",
        _never_scored,
    ),
    Rule("too few test trials", "minor", "test every trial once by cross-validation", _too_few),
]


def binomial_interval(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a share that was found in `n` trials (Wilson 1927).

    Examples
    --------
    >>> [round(limit, 2) for limit in binomial_interval(36 / 38, 38)]
    [0.83, 0.99]
    """
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return float(center - half), float(center + half)
