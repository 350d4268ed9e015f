"""The rules of the audit for predictions that another tool made, as seen from outside."""

import numpy as np

from spikecast.evaluation.prediction_checks import judge_balance
from spikecast.runs.audit_rules import RULES, rule
from spikecast.runs.provenance import Claim

__all__ = ["RULES"]  # those of audit_rules, and these

MOST_ZERO_LAG = 5.0
"""z from which on a prediction follows the counts of its own bin too well."""

MOST_OWN_CORRELATION = 0.95
"""Correlation from which on a prediction is the recording itself."""

LEAST_TEST_SHARE = 0.5
"""Share of the training score below which a test score is far behind."""

MOST_DRIFT_SHARE = 0.5
"""Share of a score that the session's drift alone may have."""

LEAST_BALANCE_P = 0.001


@rule(
    "the answer in the prediction",
    "severe",
    "keep the target's own bins out of what predicts it (of smoothing, and of an encoder, too)",
    reads=("zero_lag",),
)
def _find_leak(claim: Claim) -> str:
    leaking = [name for name, z in claim.zero_lag.items() if z > MOST_ZERO_LAG]
    if not leaking:
        return ""
    return (
        f"{len(leaking)} of {len(claim.zero_lag)} predictions follow the chance counts of their "
        f"own bin, which no other data know (neuron {leaking[0]}: z "
        f"{claim.zero_lag[leaking[0]]:.0f})"
    )


@rule(
    "prediction is the recording",
    "severe",
    "check which array was saved as the prediction",
    reads=("own_correlation",),
)
def _find_copied_targets(claim: Claim) -> str:
    own = claim.own_correlation
    copied = [name for name, value in own.items() if value > MOST_OWN_CORRELATION]
    if not copied:
        return ""
    return (
        f"{len(copied)} of {len(own)} predictions are the recorded counts themselves (neuron "
        f"{copied[0]}: correlation {own[copied[0]]:.2f})"
    )


@rule(
    "neurons recorded twice",
    "severe",
    "leave these neurons out of the source",
    reads=("compared_spikes",),
)
def _find_source_copies(claim: Claim) -> str:
    copies = claim.source_copies
    if not copies:
        return ""
    named = ", ".join(map(str, copies[:5])) + (", ..." if len(copies) > 5 else "")
    return f"{len(copies)} source neurons look like a target neuron recorded twice: {named}"


@rule(
    "mostly drift",
    "serious",
    "read the score above the ladder, not that above the mean",
    reads=("beyond_drift", "value"),
)
def _find_drift(claim: Claim) -> str:
    beyond, value = claim.beyond_drift, claim.value
    if beyond is None or value is None or value <= 0 or value - beyond < MOST_DRIFT_SHARE * value:
        return ""
    return (
        f"{value:.3f} above the mean, but the prediction adds {beyond:.3f} to the session's drift, "
        "which needs no source"
    )


@rule(
    "fits the training trials only",
    "minor",
    "regularise more, or learn from more trials",
    reads=("train_value", "value"),
)
def _find_overfit(claim: Claim) -> str:
    train, value = claim.train_value, claim.value
    if train is None or value is None or train <= 0 or value >= LEAST_TEST_SHARE * train:
        return ""
    return f"{train:.3f} on trials that were learnt from, {value:.3f} on held-out ones"


@rule("parts not balanced", "minor", "cut the trials at random, or by condition", reads=("parts",))
def _find_unbalanced_parts(claim: Claim) -> str:
    sizes = np.sum(list(claim.parts.values()), axis=0)
    if sizes.max() > 2 * sizes.min():
        return f"the parts hold out {sizes.min()} to {sizes.max()} trials"
    if judge_balance(claim.parts) > LEAST_BALANCE_P:
        return ""
    name, counts = max(claim.parts.items(), key=lambda item: max(item[1]) - min(item[1]))
    return (
        "conditions are not spread over the parts by chance: of "
        f"'{name}' the parts hold out {min(counts)} to {max(counts)} trials"
    )
