"""The rules of the audit: what each reads of a claim, and the evidence it finds there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from spikecast.core.notices import Severity
from spikecast.runs.provenance import Claim
from spikecast.scoring.metric_table import METRICS

Finder = Callable[[Claim], str]
"""A function that returns the evidence in a claim, "" where there is none."""

WIDEST = 0.2
"""Half the width of a 95 % interval from which on an accuracy says little."""


@dataclass(frozen=True)
class Rule:
    """One way in which a number can mislead, and how to see it in a claim."""

    name: str
    severity: Severity
    fix: str
    find: Finder
    reads: tuple[str, ...]  # what a claim must record for the rule to find anything

    def applies_to(self, claim: Claim) -> bool:
        """Return whether the claim records what the rule reads."""
        return all(getattr(claim, name) not in (None, "", [], {}, False) for name in self.reads)


RULES: list[Rule] = []


def rule(
    name: str, severity: Severity, fix: str, *, reads: tuple[str, ...]
) -> Callable[[Finder], Finder]:
    """Return a decorator that adds a rule to :data:`RULES`; see :class:`Rule`."""

    def add(find: Finder) -> Finder:
        RULES.append(Rule(name, severity, fix, find, reads))
        return find

    return add


@rule(
    "evaluated on training data",
    "severe",
    "score on trials that no step has seen",
    reads=("train", "test"),
)
def _find_test_in_training(claim: Claim) -> str:
    if not set(claim.test) <= set(claim.train):
        return ""
    return f"all {len(claim.test)} scored {claim.unit} were learnt from"


@rule(
    "drawn with replacement",
    "severe",
    "cut the units into disjoint parts (spikecast.tasks.splits)",
    reads=("train", "test"),
)
def _find_repeats(claim: Claim) -> str:
    shared = len(set(claim.test) & set(claim.train))
    for what, units in (("test", claim.test), ("training", claim.train)):
        repeated = len(units) - len(set(units))
        if repeated:
            return (
                f"{repeated} of {len(units)} {what} {claim.unit} are repeats; {shared} of the test "
                f"{claim.unit} were learnt from"
            )
    if shared and shared < len(set(claim.test)):
        return f"{shared} of the {len(claim.test)} test {claim.unit} were learnt from"
    return ""


@rule(
    "fitted outside the fold",
    "severe",
    "fit every step anew on each fold's training part",
    reads=("test", "fitted_on"),
)
def _find_fits_on_test(claim: Claim) -> str:
    return _find_held_out_units(claim, claim.fitted_on, "was fitted on")


@rule(
    "chosen on test data",
    "severe",
    "choose weights and settings on a validation part of the training data",
    reads=("test", "chosen_on"),
)
def _find_choices_on_test(claim: Claim) -> str:
    return _find_held_out_units(claim, claim.chosen_on, "was chosen by looking at")


@rule(
    "split chosen by its score",
    "serious",
    "cut once before anything is scored, or score every part once (cross-validation)",
    reads=("splits_tried",),
)
def _find_chosen_split(claim: Claim) -> str:
    tried = claim.splits_tried
    if len(tried) < 2:
        return ""
    low, high = min(tried.values()), max(tried.values())
    return f"{len(tried)} splits were scored on their own test parts: {low:.4g} to {high:.4g}"


@rule(
    "target among the sources",
    "severe",
    "keep a neuron on one side; units that one spike was sorted into twice are one neuron",
    reads=("source_neurons", "target_neurons"),
)
def _find_shared_neurons(claim: Claim) -> str:
    shared = set(claim.source_neurons) & set(claim.target_neurons) - {0}
    if not shared:
        return ""
    key = next(key for key in claim.target_neurons if key in shared)
    source, target = claim.source_neurons.index(key), claim.target_neurons.index(key)
    ids = (
        claim.source_ids[source] if claim.source_ids else source,
        claim.target_ids[target] if claim.target_ids else target,
    )
    return (
        f"{len(shared)} target neurons are among the sources: neuron {ids[0]} of the sources is "
        f"neuron {ids[1]} of the targets, bin by bin"
    )


@rule(
    "shapes broadcast",
    "severe",
    "give predictions and targets the same shape; (N,) against (N, 1) is an error",
    reads=("prediction_shape", "target_shape"),
)
def _find_broadcast(claim: Claim) -> str:
    a, b = tuple(claim.prediction_shape), tuple(claim.target_shape)
    if a == b:
        return ""
    try:
        shape = np.broadcast_shapes(a, b)
    except ValueError:
        return ""
    return f"predictions {a} against targets {b} become {shape}"


@rule(
    "labels out of step",
    "severe",
    "permute labels and trials with the same order",
    reads=("rows", "label_rows"),
)
def _find_moved_labels(claim: Claim) -> str:
    if len(claim.rows) != len(claim.label_rows):
        return ""
    moved = sum(a != b for a, b in zip(claim.rows, claim.label_rows, strict=True))
    return f"{moved} of {len(claim.rows)} labels belong to another trial" if moved else ""


@rule(
    "neurons changed",
    "severe",
    "draw the neurons once, with a seed, and use the same ones throughout",
    reads=("fit_neurons", "used_neurons"),
)
def _find_changed_neurons(claim: Claim) -> str:
    if claim.fit_neurons == claim.used_neurons:
        return ""
    shared = len(set(claim.fit_neurons) & set(claim.used_neurons))
    if sorted(claim.fit_neurons) == sorted(claim.used_neurons):
        return f"the {shared} neurons of the fit were used in another order"
    return f"{shared} of the {len(claim.used_neurons)} neurons used are those of the fit"


@rule(
    "acausal timing",
    "severe",
    "date with causal features (causal: true, or counts in a window that ends with the bin)",
    reads=("dated",),
)
def _find_acausal_dating(claim: Claim) -> str:
    return "" if claim.causal else "a time is read from features that at every bin know later bins"


@rule(
    "outcome in the window",
    "severe",
    "end the window before the earliest outcome (data.time in the config)",
    reads=("window_end", "outcome_time"),
)
def _find_outcome_in_window(claim: Claim) -> str:
    end, shown = claim.window_end, claim.outcome_time
    if end is None or shown is None or end < shown:
        return ""
    return f"the window ends at {end:.2f} s; what is decoded happens from {shown:.2f} s on"


@rule(
    "losses compared across targets",
    "severe",
    "compare bits per spike, each against its own null",
    reads=("compared_with",),
)
def _find_compared_losses(claim: Claim) -> str:
    metric = METRICS.get(claim.metric)
    if metric is None or not metric.depends_on_rate or claim.compared_with == claim.target:
        return ""
    return (
        f"{claim.metric} of {claim.target} is set against that of {claim.compared_with}, and it "
        "depends on how much the targets fire"
    )


@rule(
    "balanced in time order",
    "serious",
    "draw the trials to keep at random over the session, or weigh the classes",
    reads=("kept", "pool"),
)
def _find_balance_by_time(claim: Claim) -> str:
    for name, kept in claim.kept.items():
        pool = sorted(claim.pool.get(name, []))
        if len(kept) < len(pool) and sorted(kept) in (pool[: len(kept)], pool[-len(kept) :]):
            place = "first" if sorted(kept) == pool[: len(kept)] else "last"
            return f"of '{name}' the {place} {len(kept)} of {len(pool)} trials were kept"
    return ""


@rule("null missing", "serious", "shuffle the labels, or score the mean", reads=("is_score",))
def _find_missing_null(claim: Claim) -> str:
    if claim.null:
        return ""
    metric = METRICS[claim.metric].label if claim.metric in METRICS else claim.metric
    return f"nothing says what the {metric} would be if there were nothing to find"


@rule(
    "baseline missing",
    "serious",
    "decode raw counts and the stimulus by the same protocol; put PCA on the same metric",
    reads=("from_latents",),
)
def _find_missing_baseline(claim: Claim) -> str:
    if claim.features != "latents" or claim.baselines:
        return ""
    return (
        "latents were scored, but neither the raw activity (or its principal components) nor the "
        "stimulus in the same way"
    )


@rule("softmax twice", "serious", "give the logits to the cross-entropy", reads=("loss_on",))
def _find_second_softmax(claim: Claim) -> str:
    if claim.loss_on != "probabilities":
        return ""
    return "cross-entropy takes logits, and was given probabilities"


@rule(
    "setting never swept",
    "serious",
    "look at the values the search tried before naming the best",
    reads=("swept",),
)
def _find_constant_settings(claim: Claim) -> str:
    still = [name for name, values in claim.swept.items() if len(set(values)) < 2]
    if not still:
        return ""
    name = still[0]
    value, n = claim.swept[name][0], len(claim.swept[name])
    return f"{', '.join(still)}: all {n} trials of the search used {name} = {value:g}"


@rule("single seed", "serious", "repeat over seeds and splits", reads=("compared_with",))
def _find_single_seed(claim: Claim) -> str:
    if claim.repeats > 1:
        return ""
    return f"the comparison with {claim.compared_with} rests on one seed and one split"


@rule(
    "picture without a score",
    "minor",
    "score held-out points (nearest neighbours, against shuffled labels)",
    reads=("is_picture",),
)
def _find_missing_score(claim: Claim) -> str:
    return "" if claim.value is not None else "shown as evidence, with no number on held-out points"


@rule(
    "too few test trials", "minor", "test every trial once by cross-validation", reads=("is_share",)
)
def _find_wide_interval(claim: Claim) -> str:
    metric, n = METRICS.get(claim.metric), claim.n_scored or len(claim.test)
    if metric is None or not metric.is_share or not n or claim.value is None:
        return ""
    low, high = binomtest(round(claim.value * n), n).proportion_ci(method="wilson")
    if high - low < 2 * WIDEST:
        return ""
    return f"{claim.value:.0%} of {n} trials: anything from {low:.0%} to {high:.0%}"


def _find_held_out_units(claim: Claim, steps: dict[str, list[int]], how: str) -> str:
    """Return a sentence on the first step that learnt from held-out units, "" where none did."""
    held_out = set(claim.test) - set(claim.train)
    for step, units in steps.items():
        shared = len(held_out & set(units))
        if shared:
            return f"{step} {how} {shared} of the {len(held_out)} held-out {claim.unit}"
    return ""
