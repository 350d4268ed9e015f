"""Several targets of a run beside each other: sentences and a figure."""

from matplotlib.figure import Figure

from spikecast.report.run.reference import describe_reference
from spikecast.report.run.verdict import describe_verdict, name_verdict_rung
from spikecast.report.shared.formatting import format_estimate, format_number, join_names
from spikecast.report.shared.section import Drawing
from spikecast.report.shared.style import (
    draw_interval,
    draw_top_legend,
    model_color,
    new_figure,
    report_style,
)
from spikecast.runs.reader import Run, Target
from spikecast.scoring.metric_table import METRICS

SPLITS = {
    "trial": "at random",
    "stratum": "at random within strata",
    "block": "in contiguous blocks",
}
CLAIMED = {
    (True, True): "Beyond {rung} it is predicted with either.",
    (True, False): "Beyond {rung} it is predicted with the first only: quote the second.",
    (False, True): "Beyond {rung} it is predicted with the second only.",
    (False, False): "Beyond {rung} it is predicted with neither.",
}
"""Whether the first and the second split claim a target -> the sentence."""


def summarize_run(run: Run) -> list[str]:
    """Return the sentences on top of a run's page: of one target, or of several together."""
    first = select_first_split(run)
    alone = len(first) == 1
    sentences = describe_verdict(first[0].verdict) if alone else summarize_targets(run)
    sentences += describe_reference(first[0]) if alone else []
    return sentences + _compare_splits(run) + [f"Left out: {one}." for one in run.left_out]


def select_first_split(run: Run) -> list[Target]:
    """Return the targets of a run without those that are scored again with a second split."""
    return [target for target in run.targets if not target.beside]


def _compare_splits(run: Run) -> list[str]:
    """Return what a second split changes: score and claim of each target."""
    sentences, evaluation = [], run.config.evaluation
    targets = {target.name: target for target in run.targets}
    for again in run.targets:
        first = targets.get(again.beside)
        if first is None or evaluation.beside is None:
            continue
        scores = [
            f"{one.best['model']} {format_estimate(*one.best[[run.metric, 'low', 'high']])}"
            for one in (first, again)
        ]
        claims = first.verdict.outcome == "predicted", again.verdict.outcome == "predicted"
        rung = name_verdict_rung(first.verdict)
        sentences.append(
            f"{first.name} with trials held out {SPLITS[evaluation.split]}: {scores[0]} "
            f"{METRICS[run.metric].phrase}; {SPLITS[evaluation.beside]}: {scores[1]}."
            # without a rung only nulls were fitted, and there is nothing to claim
            + (f" {CLAIMED[claims].format(rung=rung)}" if rung else "")
        )
    return sentences


def summarize_targets(run: Run) -> list[str]:
    """Return how many targets are predicted, and how the model shown compares over them."""
    targets = select_first_split(run)
    best, worst = targets[0], targets[-1]
    outcomes = [target.verdict.outcome for target in targets]
    predicted, untested = outcomes.count("predicted"), outcomes.count("untested")
    top, bottom = (format_number(one.best[run.metric], 2) for one in (best, worst))
    sentences = [
        f"{predicted} of {len(targets)} targets can be predicted beyond "
        f"{name_verdict_rung(best.verdict)}"
        + (f" ({untested} could not be tested by shifts)" if untested else "")
        + f". Scores above the mean: best {best.name} ({top}), least {worst.name} ({bottom})."
    ]
    rest = [target.name for target in targets if target.verdict.outcome == "not_beyond"]
    if rest:
        sentences.append(f"No more than that: {join_names(rest)}.")
    differences = []
    for target in targets:
        if target.shown_baseline:
            score = target.summary.set_index("model")[run.metric]
            differences.append(score[target.shown_model] - score[target.shown_baseline])
    if differences:
        sentences.append(
            f"{best.shown_model} scores above {best.shown_baseline} on "
            f"{sum(difference > 0 for difference in differences)} of {len(differences)} targets, "
            f"by {sum(differences) / len(differences):.3f} on average."
        )
    return sentences


def make_ranking(run: Run) -> Drawing:
    """Return the figure of all targets."""
    return Drawing(
        "ranking",
        draw_ranking,
        run,
        "Each target with its number of neurons; bars are 95 % intervals over trials. "
        "Open: what the highest rung of the ladder reaches without the source.",
        alt="Every target's score: the model shown, the strong baseline, the highest rung.",
    )


@report_style
def draw_ranking(run: Run) -> Figure:
    """Draw every target's score by the model shown, the strong baseline and the highest rung."""
    targets = run.targets[::-1]
    figure = new_figure(0.8 + 0.32 * len(targets))
    axes = figure.subplots()
    for row, target in enumerate(targets):
        rung = target.verdict.rungs[-1] if target.verdict.rungs else "psth"
        models = ((target.shown_model, 0.16), (target.shown_baseline, -0.16), (rung, -0.3))
        for name, shift in models:
            scores = target.summary[target.summary["model"] == name]
            if len(scores):
                color = model_color(str(name), target.shown_model)
                value, low, high = scores[[run.metric, "low", "high"]].iloc[0]
                draw_interval(axes, (value, low, high), row + shift, color, filled=name != rung)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(
        yticks=range(len(targets)),
        ylim=(-0.5, len(targets) - 0.6),  # else the lowest interval lies on the edge
        xlabel=METRICS[run.metric].axis,
        yticklabels=[f"{target.name} ({target.problem.sizes['target']})" for target in targets],
    )
    first = targets[0]
    rung = first.verdict.rungs[-1] if first.verdict.rungs else "psth"
    for name in (first.shown_model, first.shown_baseline, rung):
        if name is not None:
            color = model_color(name, first.shown_model)
            face = "white" if name == rung else color
            axes.plot([], [], "o", color=color, markerfacecolor=face, label=name)
    draw_top_legend(figure, axes, 3)
    return figure
