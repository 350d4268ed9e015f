"""Answers to questions about a recording, kept in ``RUN/analysis/`` so that a killed run resumes.

=====================================  ===========================================================
``analysis/index.json``                which answers belong to the run; written last
``analysis/Q.json``                    one answer: what was asked, facts, notices, its tables
``analysis/Q-TABLE.csv``               its tables, tidy
``analysis/Q.npz``                     its matrices, where it has any
=====================================  ===========================================================

An answer is there when its ``.json`` is, and is kept as long as the same is asked.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.files import read_json, write_atomically, write_json
from spikecast.core.notices import Notice
from spikecast.parallel.threads import limit_threads
from spikecast.runs.layout import RunLayout

log = logging.getLogger("spikecast")


@dataclass(frozen=True)
class Answer:
    """What is written of one question: `said` in words, the rest for tables and figures."""

    kind: str
    said: str
    facts: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    notices: Sequence[Notice] = ()
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """One question: its file, what it is called in the log, its settings, how to answer it."""

    name: str
    what: str
    asked: dict[str, Any]
    ask: Callable[[], Answer]


def answer(
    questions: Sequence[Question],
    files: RunLayout,
    identity: dict[str, str],
    progress: Callable[[str, int, int], None],
) -> None:
    """Answer what is not answered yet, then list the answers.

    Parameters
    ----------
    questions : sequence of Question
    files : RunLayout
        Of the run.
    identity : dict of part -> hash
        Of the data: an answer about other data is not kept.
    progress : callable
        Told what is being done.
    """
    for number, question in enumerate(questions, start=1):
        progress(f"{question.what} [{number} of {len(questions)}]", 0, 0)
        asked = {**question.asked, "data": identity}
        path = files.answer(question.name)
        if path.exists() and read_json(path)["asked"] == asked:
            continue
        begun = time.perf_counter()
        with limit_threads():
            found = question.ask()
        path.unlink(missing_ok=True)  # what is written next is not of the old answer
        for name, table in found.tables.items():
            with write_atomically(files.answer_table(question.name, name)) as temporary:
                table.to_csv(temporary, index=False)
        if found.arrays:
            with write_atomically(files.answer_arrays(question.name)) as temporary:
                np.savez_compressed(temporary, **found.arrays)  # type: ignore[arg-type]
        seconds = round(time.perf_counter() - begun, 2)
        content = {
            "kind": found.kind,
            "said": found.said,
            **found.facts,
            "notices": [notice.to_json() for notice in found.notices],
            "seconds": seconds,
            "tables": list(found.tables),
            "asked": asked,
        }
        write_json(path, content)
        log.info("%s: %.1f s", question.what, seconds)
    if questions:
        write_json(files.answer_index, [question.name for question in questions])


def stored(run: str | Path) -> dict[str, dict[str, Any]]:
    """Return the answers of a run by name, in order; none where nothing was asked.

    Raises
    ------
    RunError
        When an answer that is listed is not there.
    """
    files = RunLayout(Path(run))
    names = read_json(files.answer_index) if files.answer_index.exists() else []
    return {name: read_json(files.answer(name)) for name in names}
