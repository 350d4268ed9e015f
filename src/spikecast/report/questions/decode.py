"""Decoding of whole trials: which labels can be decoded, and from what."""

from collections.abc import Sequence
from functools import partial
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spikecast.analysis.decoding.null_choice import FOLLOWS_STIMULUS, LABELS_COME_IN_RUNS
from spikecast.core.files import to_file_name
from spikecast.models.classifiers import CLASSIFIERS
from spikecast.report.questions.null_choice import (
    TOO_LONG,
    describe_choices,
    describe_null,
    is_tested,
    phrase_null,
)
from spikecast.report.questions.phrases import ALPHA, group_answers, name_columns, name_features
from spikecast.report.shared.formatting import (
    format_estimate,
    format_number,
    format_p,
    format_range,
    join_names,
)
from spikecast.report.shared.rows import ABOVE, BESIDE, BesideAxes, Row
from spikecast.report.shared.section import Drawing, Section, Table, make_table
from spikecast.report.shared.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    draw_interval,
    make_panels,
    new_figure,
    report_style,
)
from spikecast.runs.reader import StoredAnswer
from spikecast.scoring.metric_table import METRICS

SOURCE_COLORS = {"counts": BLUE, "latents": ORANGE, "behavior": GREEN}
COMBINED = {
    "mean": "Features of a trial are averaged over its bins.",
    "concatenate": "The bins of a trial are laid side by side.",
    "vote": "Every bin is decoded, and a trial goes to the class with most of its bins.",
}
BALANCED = {
    "weights": "Classes weigh the same in training.",
    "subsample": "Trials of larger classes are left out of training, at random over the session.",
    "none": "Classes weigh as they are, so a frequent one is guessed more often.",
}
MOST_OTHERS = 8  # sources that a headline lists beside the best one


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return two paragraphs per label: the best source; then the others, behaviour, the null."""
    return [
        paragraph
        for group in group_answers(answers, "label", "metric")
        if any(answer["source"] != "behavior" for answer in group)
        for paragraph in _describe_label(group)
    ]


def _describe_label(answers: list[StoredAnswer]) -> list[str]:
    neural = [answer for answer in answers if answer["source"] != "behavior"]
    best, *others = sorted(neural, key=lambda answer: -float(answer["score"]))
    said = "can be decoded" if _is_decoded(best) else "was not decoded above chance"
    first = (
        f"'{best['label']}' {said if is_tested(best) else 'was not tested'} from "
        f"{name_features(best)}{f', the best of {len(neural)} sources' if others else ''}: "
        f"{METRICS[best['metric']].label} {_score(best)}{_describe_test(best)}."
    )
    more = []
    if others:
        listed = [f"{name_features(answer)} {_score(answer)}" for answer in others[:MOST_OTHERS]]
        rest = f" and {len(others) - MOST_OTHERS} more" if len(others) > MOST_OTHERS else ""
        more.append(f"Other source{'s' * (len(others) > 1)}: {', '.join(listed)}{rest}.")
    more += _describe_behavior(best, [one for one in answers if one["source"] == "behavior"])
    if is_tested(best):
        more.append(f"The null: {phrase_null(best)}.")
    return [first, " ".join(more)]


def _describe_behavior(best: StoredAnswer, beside: list[StoredAnswer]) -> list[str]:
    """Return how well the label is decoded without neurons, and what that means for them."""
    if not beside:
        return ["Not known: what behaviour and stimulus explain of it, for they were not decoded."]
    sentences = [f"From {name_features(beside[0])}: {_score(beside[0])}."]
    if _is_decoded(best) and beside[0]["score"] >= best["low"]:
        sentences.append(
            "That is no less: the neurons need not carry more than what the animal saw and did."
        )
    return sentences


def _is_decoded(answer: StoredAnswer) -> bool:
    return is_tested(answer) and answer["p"] is not None and answer["p"] <= ALPHA


def _describe_test(answer: StoredAnswer) -> str:
    """Return chance and p, with what casts doubt on them; or why there is none."""
    if not is_tested(answer):
        return f"; {TOO_LONG}"
    p = format_p(answer["p"], answer["permutations"])
    text = f", where chance is {answer['chance']:.2f} (p {p})"
    if answer.has_notice(LABELS_COME_IN_RUNS):
        text += " (too small: labels change slowly, see below)"
    if answer.has_notice(FOLLOWS_STIMULUS):
        text += " (perhaps through the stimulus, which it goes along with)"
    return text


def _score(answer: StoredAnswer) -> str:
    return format_estimate(answer["score"], answer["low"], answer["high"], digits=2)


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on decoding of whole trials."""
    return Section(
        "Which labels can be decoded",
        sentences=_describe_methods(answers),
        tables=[_score_table(answers)],
        more_tables=[
            _class_table(answer)
            for group in group_answers(answers, "label")
            for answer in _select_classifications(group)
        ],
        figures=[
            *(_score_figure(group) for group in group_answers(answers, "metric")),
            *(
                _confusion_figure(classified)
                for group in group_answers(answers, "label")
                if (classified := _select_classifications(group))
            ),
        ],
    )


def _describe_methods(answers: Sequence[StoredAnswer]) -> list[str]:
    first = max(answers, key=is_tested)
    training = " ".join(dict.fromkeys(map(_describe_training, answers)))
    decoders = join_names(CLASSIFIERS[answer["decoder"]].about for answer in answers)
    sentences = [
        f"The trials were cut into {first['folds']} parts; each was decoded once, by decoders "
        f"({decoders}) that were trained on the others, scale, components and settings included. "
        f"{training} Chance is measured: everything is repeated with {first['permutations']} "
        f"draws of the labels ({describe_null(answers)}), and p is the share of them that does as "
        f"well, so never below {1 / (1 + first['permutations']):.3f}. p is not corrected for the "
        "number of rows. "
        "Intervals (95 %) resample trials within classes and keep the decoders.",
        *describe_choices(answers),
    ]
    features = [
        name_columns(str(answer["features"]).split(" + "))
        for answer in answers
        if answer["source"] == "behavior"
    ]
    if features:
        sentences.append(
            f"Decoded without neurons, for comparison, from {join_names(features)}: neurons that "
            "do no better may just follow what the animal sees and does."
        )
    latents = [answer for answer in answers if answer["source"] == "latents"]
    if latents:
        sentences.append(
            "Latents come from a model fitted anew in every decoding fold, without the trials that "
            f"are decoded: {sum(answer['folds'] for answer in latents)} fits and their decoding "
            f"took {sum(answer['seconds'] for answer in latents):.0f} s."
        )
    return sentences


def _describe_training(answer: StoredAnswer) -> str:
    if CLASSIFIERS[answer["decoder"]].reads_trials:
        return f"{answer['decoder']} reads a trial's bins in their order; classes weigh the same."
    return f"{COMBINED[answer['combine']]} {BALANCED[answer['balance']]}"


def _score_table(answers: Sequence[StoredAnswer]) -> Table:
    rows = []
    for answer in answers:
        metric, n_left_out = METRICS[answer["metric"]], answer["n_left_out"]
        row = {
            "label": answer["label"],
            "from": name_features(answer) + ("" if metric.is_share else f" ({metric.label})"),
            "score": format_number(answer["score"]),
            "95 % interval": format_range(answer["low"], answer["high"]),
            "chance": format_number(answer["chance"]),
            "p": _format_test(answer),
            "on training<br>trials": format_number(answer["train"]),
            "trials": f"{answer['n_trials']}{f' ({n_left_out} left out)' if n_left_out else ''}",
        }
        rows.append(row)
    return make_table(rows, n_words=2)


def _format_test(answer: StoredAnswer) -> str:
    return format_p(answer["p"], answer["permutations"]) if is_tested(answer) else "not tested"


def _class_table(answer: StoredAnswer) -> Table:
    parts = [(part, name) for name in ("precision", "recall", "f1") for part in ("train", "test")]
    rows = []
    for _, row in answer.table("per_class").iterrows():
        shares = {
            f"{name.replace('f1', 'F1')}<br>{part}": format_number(row[f"{name}_{part}"], 2)
            for part, name in parts
        }
        rows.append(
            {"class": str(row["class"])} | shares | {"trials": f"{row['support_test']:.0f}"}
        )
    title = f"'{answer['label']}' from {name_features(answer)}: class by class, train beside test"
    return make_table(rows, title=title)


def _select_classifications(answers: Sequence[StoredAnswer]) -> list[StoredAnswer]:
    """Return the answers that have a confusion table: classes were decoded, not numbers."""
    return [answer for answer in answers if len(answer.table("confusion"))]


def _score_figure(answers: list[StoredAnswer]) -> Drawing:
    metric = answers[0]["metric"]
    return Drawing(
        f"decoding-{metric}",
        draw_scores,
        answers,
        f"The {METRICS[metric].label} on held-out trials with its 95 % interval (hollow: "
        "p > 0.05, or not tested), beside what 95 % of the null's labels reach (grey; line: their "
        "mean, which is chance). It does not show that the brain uses the label, nor (unless "
        "behaviour alone does worse) that neurons know more than behaviour does.",
        alt="Score of each label and source with its interval, beside what the null's labels give.",
        narrow=partial(draw_scores, rows=ABOVE),
    )


def _confusion_figure(answers: list[StoredAnswer]) -> Drawing:
    label = answers[0]["label"]
    return Drawing(
        f"confusion-{to_file_name(label)}",
        draw_confusion,
        answers,
        f"Of the trials of each true class of '{label}' (rows), the share decoded as each class "
        "(columns); a row adds up to 100 %. It does not show how sure a decoder was.",
        alt="Share of each true class that was decoded as each class, on held-out trials.",
    )


@report_style
def draw_scores(answers: Sequence[StoredAnswer], rows: BesideAxes = BESIDE) -> Figure:
    """Draw each score with its interval, beside the distribution of its null."""
    figure = rows.make_figure(len(answers), 0.9, per_row=0.34)
    axes = figure.subplots()
    for row, answer in enumerate(answers[::-1]):
        null = answer.arrays["null"]
        if null.size:
            low, high = np.quantile(null, [0.025, 0.975])
            axes.barh(row, high - low, 0.62, left=low, color="#dddddd")
            axes.plot([null.mean()] * 2, [row - 0.31, row + 0.31], color=GREY, linewidth=1)
        color = SOURCE_COLORS[answer["source"]]
        estimate = answer["score"], answer["low"], answer["high"]
        draw_interval(
            axes, estimate, row, color, filled=_is_decoded(answer), linewidth=1.8, markersize=5.5
        )
    if METRICS[answers[0]["metric"]].is_share:
        axes.set_xlim(right=1.02)
    rows.write(axes, [Row(f"{one['label']} ← {name_features(one)}") for one in answers])
    axes.set_xlabel(f"{METRICS[answers[0]['metric']].label} on held-out trials")
    return figure


def draw_confusion(answers: Sequence[StoredAnswer]) -> Figure:
    """Draw a confusion matrix per source."""
    tables = [answer.table("confusion").set_index("truth") for answer in answers]
    titles = [fill(name_features(answer), 20) for answer in answers]
    return draw_confusion_tables(tables, titles, answers[0]["label"])


@report_style
def draw_confusion_tables(
    tables: Sequence[pd.DataFrame], titles: Sequence[str], label: str
) -> Figure:
    """Draw tables of counts, true class by decoded class, each row in per cent of its class."""
    side = 0.7 + 0.32 * max(map(len, tables))
    figure = new_figure(min(2.2, 0.6 + side) * -(-len(tables) // 3) + 0.3)
    grid, panels = make_panels(figure, len(tables), min(3, len(tables)))
    for table, title, panel in zip(tables, titles, panels, strict=True):
        counts = table.to_numpy(dtype=float)
        share = counts / counts.sum(axis=1, keepdims=True)
        panel.imshow(share, cmap="Blues", vmin=0, vmax=1)
        if len(table) <= 6:
            for (i, j), value in np.ndenumerate(share):
                color = "white" if value > 0.6 else "black"
                panel.text(j, i, f"{100 * value:.0f} %", ha="center", va="center", color=color)
        sizes = counts.sum(axis=1).astype(int)
        panel.set(
            xticks=range(len(table)),
            xticklabels=list(table.columns),
            yticks=range(len(table)),
            yticklabels=[f"{name} ({n})" for name, n in zip(table.index, sizes, strict=True)],
            title=title,
            xlabel="decoded",
        )
        panel.spines[:].set_visible(False)
    for row in grid:
        row[0].set_ylabel(f"{label} (trials)")
    return figure
