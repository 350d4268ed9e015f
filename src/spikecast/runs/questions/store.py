"""Answer questions and store the answers in the run directory, so that a killed run resumes.

An answer is there when its ``.json`` is, and is kept as long as its question and the data are the
same. It holds the kind of question, facts, notices and the names of its tables; sentences are made
of them where they are shown.
"""

import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecast.core.files import write_atomically, write_json
from spikecast.core.stored import read_json
from spikecast.parallel.executors import Progress
from spikecast.parallel.threads import limit_threads
from spikecast.runs.layout import RunLayout
from spikecast.runs.manifest import Identity
from spikecast.runs.questions.question import Answer, Question

log = logging.getLogger("spikecast")


def answer_questions(
    questions: Sequence[Question], layout: RunLayout, identity: Identity, progress: Progress
) -> None:
    """Answer what is not answered yet about data of this identity, then list the answers."""
    for number, question in enumerate(questions, start=1):
        progress(f"{question.description} [{number} of {len(questions)}]", 0, 0)
        settings = question.settings | {"data": identity}
        path = layout.answer(question.name)
        if path.exists() and read_json(path, dict[str, Any]).get("question") == settings:
            continue
        started = time.perf_counter()
        with limit_threads():
            answer = question.answer()
        path.unlink(missing_ok=True)  # what is written next is not of the old answer
        _write_tables(answer, layout, question.name)
        seconds = round(time.perf_counter() - started, 2)
        content = {
            "kind": question.kind,
            **answer.facts,
            "notices": [notice.to_json() for notice in answer.notices],
            "tables": list(answer.tables),
            "question": settings,
            "seconds": seconds,
        }
        write_json(path, content)
        log.info("%s: %.1f s", question.description, seconds)
    if questions:
        write_json(layout.answer_index, [question.name for question in questions])


def _write_tables(answer: Answer, layout: RunLayout, name: str) -> None:
    for table_name, table in answer.tables.items():
        with write_atomically(layout.answer_table(name, table_name)) as temporary:
            table.to_csv(temporary, index=False)
    if answer.arrays:
        with write_atomically(layout.answer_arrays(name)) as temporary:
            np.savez_compressed(temporary, **answer.arrays)  # type: ignore[arg-type]
