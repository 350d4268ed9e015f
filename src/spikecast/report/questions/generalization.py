"""Temporal generalization: whether a decoder of one time works at other times."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure

from spikecast.core.files import to_file_name
from spikecast.report.questions.null_choice import TOO_LONG, is_tested, phrase_null
from spikecast.report.questions.phrases import group_answers, name_features
from spikecast.report.shared.formatting import format_ms
from spikecast.report.shared.section import Drawing, Section
from spikecast.report.shared.style import make_panels, new_figure, report_style
from spikecast.runs.reader import StoredAnswer


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per answer: when the best decoder was trained, and where it works."""
    return [_headline(answer) for answer in answers]


def _headline(answer: StoredAnswer) -> str:
    time, score = answer.arrays["time"], np.diag(answer.arrays["score"])
    best = int(score.argmax())
    if not is_tested(answer):
        return f"'{answer['label']}' from {name_features(answer)}: not tested, since {TOO_LONG}."
    works = time[answer.arrays["significant"][best]]
    where = "at no time"
    if works.size:
        where = f"from {format_ms(works.min())} to {format_ms(works.max())} ms"
    return (
        f"'{answer['label']}' from {name_features(answer)}: the best decoder "
        f"({score[best]:.2f}) was trained at {format_ms(time[best])} ms and is above chance "
        f"{where}{f', against {phrase_null(answer)}' if 'null' in answer.facts else ''}."
    )


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on changes of the code over the trial."""
    return Section(
        "Does the code change over the trial",
        sentences=headlines(answers),
        figures=[_figure(group) for group in group_answers(answers, "label")],
    )


def _figure(answers: list[StoredAnswer]) -> Drawing:
    return Drawing(
        f"generalization-{to_file_name(answers[0]['label'])}",
        draw_generalization,
        answers,
        "Balanced accuracy of decoders trained at one time and tested at every other, on held-out "
        "trials (outlined: significant, corrected over the whole matrix; white: chance): a square "
        "is a code that stays, a diagonal one that moves on. It does not show when information "
        "arrives (see the onsets): windows overlap, and a decoder that was trained on a weak early "
        "signal reads a strong later one, so it may work later though trained before the onset.",
        alt="Decoders trained at one time (rows) and tested at every other (columns).",
    )


def draw_generalization(answers: Sequence[StoredAnswer]) -> Figure:
    """Draw a matrix per area: time of training up, time of testing across."""
    return draw_time_matrices([(_name_panel(answer), answer.arrays) for answer in answers])


@report_style
def draw_time_matrices(
    matrices: Sequence[tuple[str, Mapping[str, np.ndarray]]], n_columns: int = 3
) -> Figure:
    """Draw titled matrices: arrays ``time``, ``score``, ``chance`` and ``significant``."""
    figure = new_figure(2.5 * -(-len(matrices) // n_columns))
    grid, panels = make_panels(figure, len(matrices), n_columns)
    furthest = max(np.abs(arrays["score"] - _find_center(arrays)).max() for _, arrays in matrices)
    for (title, arrays), panel in zip(matrices, panels, strict=True):
        time, chance = 1000 * arrays["time"], _find_center(arrays)
        edges = (time[0], time[-1], time[0], time[-1])
        image = panel.imshow(
            arrays["score"],
            origin="lower",
            extent=edges,
            cmap="RdBu_r",
            vmin=chance - furthest,
            vmax=chance + furthest,
            interpolation="nearest",
        )
        significant = arrays["significant"]
        if significant.any() and not significant.all():
            panel.contour(
                time, time, significant.astype(float), [0.5], colors="black", linewidths=0.8
            )
        panel.plot(edges[:2], edges[:2], color="black", linewidth=0.5, linestyle=":")
        panel.set(xlabel="tested at (ms)", title=fill(title, 24))
    for row in grid:
        row[0].set_ylabel("trained at (ms)")
    figure.colorbar(image, ax=list(grid.flat), label="balanced accuracy", shrink=0.7)
    return figure


def _find_center(arrays: Mapping[str, np.ndarray]) -> float:
    """Return mean chance; the middle of the scores where there was no null."""
    chance = float(arrays["chance"].mean())
    return float(np.median(arrays["score"])) if np.isnan(chance) else chance


def _name_panel(answer: StoredAnswer) -> str:
    whole = "all neurons" if answer["source"] == "counts" else name_features(answer)
    acausal = " (ACAUSAL)" if answer["acausal"] else ""
    return f"{answer['label']}, {answer['area'] or whole}{acausal}"
