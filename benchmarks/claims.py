"""What spikecast claims of a simulated session, asked as a user asks; for silence.py and power.py.

Where a claim has a direction, A -> B is asked; flow and joint are of the two areas together.
"""

import argparse
import csv
import multiprocessing
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from scipy.stats import binomtest

import spikecast as sc
from spikecast.evaluation.verdict import judge_scores

ALPHA = 0.05
COLUMNS = ["kind", "n_neurons", "n_trials", "seed", "claim", "made", "seconds", "error"]


def claim_predict(recording: sc.Recording) -> bool:
    # the verdict rests on a regression of its own, whichever models are scored beside it
    scores = sc.cross_validate(["pca_ridge"], sc.AreaToArea("B"), recording)
    return judge_scores(scores).outcome == "predicted"


def claim_atlas(recording: sc.Recording) -> bool:
    cells = sc.atlas(recording, workers=1).cells
    return bool(cells.query("source == 'A' and target == 'B'")["passes"].all())


def claim_flow(recording: sc.Recording) -> bool:
    """Say that the past of one area tells of the other; no lead is claimed without it."""
    return bool(sc.information_flow(recording, "A", "B").past["stands"].any())


def claim_joint(recording: sc.Recording) -> bool:
    return sc.joint_correlation(recording, "A", "B").claim.stands


def claim_subspace(recording: sc.Recording) -> bool:
    return sc.communication_subspace(recording, "A", "B").rank > 0


def claim_decode(recording: sc.Recording) -> bool:
    return sc.decode(recording, "label").p <= ALPHA


def claim_decode_over_time(recording: sc.Recording) -> bool:
    return bool(sc.decode_over_time(recording, "label").onsets["onset"].notna().any())


PAIR_CLAIMS = {
    "predict": claim_predict,
    "atlas": claim_atlas,
    "flow": claim_flow,
    "joint": claim_joint,
    "subspace": claim_subspace,
}
LABEL_CLAIMS = {"decode": claim_decode, "decode_over_time": claim_decode_over_time}
CLAIMS: dict[str, Callable[[sc.Recording], bool]] = PAIR_CLAIMS | LABEL_CLAIMS


class Session(NamedTuple):
    """A session to simulate, and what to ask of it."""

    kind: str
    n_neurons: int
    n_trials: int
    seed: int
    claims: tuple[str, ...]
    planted: dict[str, Any]  # arguments of simulate.unrelated_areas


def ask(session: Session) -> list[list]:
    """Simulate a session and return a row per claim."""
    size = (session.n_neurons, session.n_neurons)
    recording = sc.simulate.unrelated_areas(
        session.n_trials, size, seed=session.seed, **session.planted
    ).recording
    rows = []
    for name in session.claims:
        started, made, error = time.perf_counter(), "", ""
        try:
            with sc.limit_threads():
                made = int(CLAIMS[name](recording))
        except sc.errors.SpikecastError as problem:
            error = str(problem)
        seconds = f"{time.perf_counter() - started:.1f}"
        rows.append([*session[:4], name, made, seconds, error])
    return rows


def ask_all(sessions: Iterable[Session], table: Path, workers: int) -> None:
    """Ask what is not in the table yet; rows of a session are written when it is done."""
    table.parent.mkdir(exist_ok=True)
    if not table.exists():
        table.write_text(",".join(COLUMNS) + "\n")
    done = {tuple(row) for row in pd.read_csv(table)[COLUMNS[:5]].to_numpy().tolist()}
    missing = [
        one._replace(claims=tuple(name for name in one.claims if (*one[:4], name) not in done))
        for one in sessions
    ]
    spawn = multiprocessing.get_context("spawn")  # a forked torch can hang
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        jobs = [pool.submit(ask, one) for one in missing if one.claims]
        for number, job in enumerate(as_completed(jobs), start=1):
            with table.open("a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(job.result())
            print(f"{number} of {len(jobs)} sessions", flush=True)


def read_arguments(
    text: str | None, kinds: dict, claims: dict, *, first: int, **others: Any
) -> argparse.Namespace:
    """Return which sessions to ask what; `others` are further options with their defaults."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--sessions", type=int, default=2, help="of each kind")
    parser.add_argument("--first", type=int, default=first, help="seed of the first")
    parser.add_argument("--neurons", type=int, default=60, help="in each area")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--kinds", nargs="*", choices=list(kinds), default=list(kinds))
    parser.add_argument("--claims", nargs="*", choices=list(claims), default=list(claims))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--summary", action="store_true")
    for name, default in others.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser.parse_args()


def summarize(table: Path) -> str:
    """Return, per kind of session and claim, how often it was made, with the 95 % interval."""
    answers = pd.read_csv(table)
    lines = [
        "| sessions | neurons | trials | claim | made | 95 % interval | s per session | errors |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for key, rows in answers.groupby(["kind", "n_neurons", "n_trials", "claim"], sort=False):
        made = rows["made"].dropna()
        share = "none answered |"
        if len(made):
            k, n = int(made.sum()), len(made)
            limits = binomtest(k, n).proportion_ci()
            share = f"{k} of {n} | {100 * limits.low:.1f} to {100 * limits.high:.1f} %"
        cells = [*map(str, key), share, f"{rows['seconds'].mean():.1f}", str(len(rows) - len(made))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
