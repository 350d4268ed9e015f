"""What a run's data and analysis cannot show, in sentences."""

from spikecast.evaluation.ladder import CONSTANT_BEHAVIOR, ONE_CONDITION
from spikecast.report.run.verdict import name_verdict_rung
from spikecast.report.shared.formatting import join_names
from spikecast.runs.reader import Run, Target

DECODING = (
    "Decodable is not used: that a decoder finds a label in the activity does not show that the "
    "animal's brain reads it there.",
    "What goes along with a label (movement, arousal, reward, time in the session) is decoded with "
    "it. Compare with behaviour and stimulus alone; what was not recorded cannot be ruled out.",
)
EXPLAINING = (
    "What only one area tells is what no other recorded part tells: an area that was not recorded, "
    "or a movement, may drive both. A part that is not found may be too small for these trials."
)
MOVEMENT = {"wheel", "face", "running", "face_svd", "behavior"}


def list_limits(run: Run) -> list[str]:
    """Return what the reader cannot conclude from a run, in sentences."""
    limits = _list_prediction_limits(run) if run.targets else []
    if run.config.analysis.labels:
        limits += DECODING
    if any(answer.kind == "explain" for answer in run.answers):
        limits.append(EXPLAINING)
    if run.answers and not run.targets:
        data = run.manifest["data"]
        if not data["behavior"]:
            limits.append(
                "No movement was recorded here, so how much of it is movement is not known."
            )
        limits.append(_describe_sample(data["n_trials"], "trials"))
    return limits


def _list_prediction_limits(run: Run) -> list[str]:
    data, first = run.manifest["data"], run.targets[0]
    limits = [
        "Prediction is not causation. Two areas that a third one drives, or that both follow the "
        "animal's movement or arousal, predict each other.",
        "Scores above the mean hold all that both sides share: the task, slow drift over the "
        f"session, movement. What is claimed is above {name_verdict_rung(first.verdict)}, by a "
        "regression; what enters otherwise than it can follow is not taken out.",
    ]
    if "drift" in first.verdict.rungs:
        limits.append(
            f"Drift is what nearby {_name_unit(first)} tell. What changes for both areas from one "
            "to the next (a state of the animal, a probe that moves) is not taken out."
        )
    told = {notice.code for notice in first.notices}
    if ONE_CONDITION.code in told:
        limits.append(
            "No trial column was named as the condition, so what is known of the task is the "
            "average trial: how much of the prediction both sides owe to a stimulus is not known."
        )
    if not data["behavior"]:
        limits.append(
            "No movement was recorded here, so how much of the prediction is shared movement "
            "is not known."
        )
    elif not MOVEMENT & set(data["behavior"]):
        limits.append(
            f"Of behaviour only {join_names(data['behavior'], last=' and ')} was recorded here: "
            "how much of the prediction is other movement that both sides follow is not known."
        )
    if CONSTANT_BEHAVIOR.code in told:
        limits.append(
            "Behaviour that has one value per trial was taken out in proportion to it, by a time "
            "course for each neuron: how much both sides owe to other responses to it is not known."
        )
    if first.brought:
        limits.append(
            "Another tool made these predictions. Whether they held trials out as the file says, "
            "and whether they look at later bins, is not known here."
        )
    shown = run.config.build_models().get(first.shown_model)
    if shown is not None and not shown.causal:
        limits.append(
            f"{first.shown_model} looks at bins after the one that it predicts. Its rates and "
            "latents say nothing about which area comes first or when information arrives; fit "
            "with causal: true for that."
        )
    if run.task.kind == "area_to_area" and len({one.beside or one.name for one in run.targets}) > 1:
        limits.append(
            "Targets differ in neurons and firing rates, and their sources in number of neurons: "
            "the ranking is of what could be predicted here, not of areas in general."
        )
    limits.append(_describe_sample(first.problem.sizes["trial"], _name_unit(first)))
    return limits


def _name_unit(target: Target) -> str:
    return "windows" if target.problem.attrs["windows"] else "trials"


def _describe_sample(number: int, unit: str) -> str:
    return f"This is one recording ({number} {unit}): the intervals do not speak for other animals."
