"""The kinds of question a page can show: one line each, in the order of the page."""

from collections.abc import Sequence
from typing import Protocol

from spikecast.report.questions import (
    alignment,
    decode,
    dimensionality,
    embedding,
    explain,
    generalization,
    granger,
    lagged_cca,
    over_time,
    subspace,
    trajectories,
    tuning,
)
from spikecast.report.shared.section import Section
from spikecast.runs.reader import StoredAnswer


class QuestionPage(Protocol):
    """What a module of a kind of question has."""

    def headlines(self, answers: Sequence[StoredAnswer]) -> list[str]:
        """Return the results in sentences."""

    def section(self, answers: Sequence[StoredAnswer]) -> Section:
        """Return the part of the page on these answers."""


QUESTIONS: dict[str, QuestionPage] = {
    "decode": decode,
    "over_time": over_time,
    "generalization": generalization,
    "explain": explain,
    "granger": granger,
    "lagged_cca": lagged_cca,
    "subspace": subspace,
    "dimensionality": dimensionality,
    "embedding": embedding,
    "trajectories": trajectories,
    "tuning": tuning,
    "alignment": alignment,
}
"""Kind of answer -> its module."""

IN_VERDICT = ("decode", "over_time", "explain")
"""Kinds whose headlines open the page; those of others stand in their section."""

CELL_TYPES = (
    "Areas are split by the width of the spike, trough to peak: narrow (below 0.4 ms; putative "
    "inhibitory cells) and wide (putative excitatory ones). That holds in cortex and hippocampus; "
    "elsewhere narrow does not mean inhibitory. The two groups differ in number and rate, so they "
    "do not compare fairly."
)


def make_sections(answers: Sequence[StoredAnswer]) -> list[Section]:
    """Return what a page shows of the answers, a section per kind of question."""
    sections = []
    for kind, page in QUESTIONS.items():
        of_kind = [answer for answer in answers if answer.kind == kind]
        if not of_kind:
            continue
        section = page.section(of_kind)
        if any(answer["question"].get("cell_types") for answer in of_kind):
            section.sentences.append(CELL_TYPES)
        notices = [str(notice) for answer in of_kind for notice in answer.notices]
        section.warnings = list(dict.fromkeys(notices))
        sections.append(section)
    return sections


def make_headlines(
    answers: Sequence[StoredAnswer], kinds: Sequence[str] = tuple(QUESTIONS)
) -> list[str]:
    """Return the results in sentences, kind by kind."""
    return [
        headline
        for kind in kinds
        if (of_kind := [answer for answer in answers if answer.kind == kind])
        for headline in QUESTIONS[kind].headlines(of_kind)
    ]
