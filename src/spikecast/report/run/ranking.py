"""Several targets of a run beside each other: sentences and a figure."""

from matplotlib.figure import Figure

from spikecast.report.shared.formatting import format_number, join_names, name_rung
from spikecast.report.shared.section import Drawing
from spikecast.report.shared.style import draw_interval, model_color, new_figure, report_style
from spikecast.runs.reader import Run
from spikecast.scoring.metric_table import METRICS


def summarize_targets(run: Run) -> list[str]:
    """Return how many targets are predicted, and how the model shown compares over them."""
    best, worst = run.targets[0], run.targets[-1]
    outcomes = [target.verdict.outcome for target in run.targets]
    predicted, untested = outcomes.count("predicted"), outcomes.count("untested")
    top, bottom = (format_number(one.best[run.metric], 2) for one in (best, worst))
    sentences = [
        f"{predicted} of {len(run.targets)} targets can be predicted beyond "
        f"{name_rung(best.verdict.rungs)}"
        + (f" ({untested} could not be tested by shifts)" if untested else "")
        + f". Scores above the mean: best {best.name} ({top}), least {worst.name} ({bottom})."
    ]
    rest = [target.name for target in run.targets if target.verdict.outcome == "not_beyond"]
    if rest:
        sentences.append(f"No more than that: {join_names(rest)}.")
    differences = []
    for target in run.targets:
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
        "Each target with its number of neurons; bars are 95 % intervals over trials.",
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
                draw_interval(axes, (value, low, high), row + shift, color)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(
        yticks=range(len(targets)),
        xlabel=METRICS[run.metric].axis,
        yticklabels=[f"{target.name} ({target.problem.sizes['target']})" for target in targets],
    )
    first = targets[0]
    rung = first.verdict.rungs[-1] if first.verdict.rungs else "psth"
    for name in (first.shown_model, first.shown_baseline, rung):
        if name is not None:
            axes.plot([], [], "o", color=model_color(name, first.shown_model), label=name)
    axes.legend(loc="lower right")
    return figure
