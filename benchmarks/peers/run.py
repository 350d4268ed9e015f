"""Other packages on the same folds, by the same score: one table.

    python benchmarks/peers/run.py                      # adds what is not there yet
    python benchmarks/peers/run.py --peers nemos --again
    python benchmarks/peers/run.py --summary

Each peer has a folder here: ``requirements.txt`` says what its own environment holds (made once, in
the ignored folder ``.peers``), and ``fit.py`` predicts the target in test trials as a user of that
package would. It runs as a process of its own with one thread, and is given a file with source and
target of the training trials and the source of the test trials: test targets never leave this
process. Scores are pooled bits per spike above the training trials' mean rate, as everywhere here.
A peer that cannot be installed, or fails, is a row that says why.

Fold 0 of 5, seed 0, source = all other areas but ``root``, target neurons of at least 0.5 Hz, of
three sessions that took no part in development; where the shared data are absent, simulated ones.
"""

import argparse
import ast
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
sys.path.append(str(HERE))
sys.path.append(str(HERE.parent))

from environments import KEPT, CannotInstallError, find_reason, make_environment  # noqa: E402
from machine import REAL, RESULTS, describe  # noqa: E402

import spikecast as sc  # noqa: E402

REAL_TARGETS = ("0:ACA", "6:MOs", "2:VISp")
SIMULATED_TARGETS = ("simulated:MOs",)
LONGEST = 3600  # seconds a fit may take
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1") | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
}
MEASURED = ["bits_per_spike", "seconds", "cpu_seconds", "memory_mb"]
COLUMNS = ["session", "target", "peer", "version", *MEASURED, "lines", "problem"]
EMPTY = pd.DataFrame(columns=COLUMNS)


@dataclass(frozen=True)
class Peer:
    """A row of the table: the fit of a folder, and what else it is told."""

    name: str
    folder: str
    option: tuple[str, ...] = ()

    @property
    def script(self) -> Path:
        return HERE / self.folder / "fit.py"

    @property
    def is_own(self) -> bool:
        return not (HERE / self.folder / "requirements.txt").exists()

    @property
    def version(self) -> str:
        if self.is_own:
            return sc.__version__
        first = (HERE / self.folder / "requirements.txt").read_text(encoding="utf-8").split()[0]
        return first.partition("==")[2]


PEERS = (
    Peer("spikecast: poisson_glm", "spikecast", ("poisson_glm",)),
    Peer("spikecast: timescales", "spikecast", ("timescales",)),
    Peer("spikecast: stack", "spikecast", ("stack",)),
    Peer("scikit-learn: Ridge", "scikit_learn", ("ridge",)),
    Peer("scikit-learn: PoissonRegressor", "scikit_learn", ("poisson",)),
    Peer("nemos: PopulationGLM", "nemos"),
    Peer("elephant: GPFA", "elephant"),
    Peer("CEBRA: CEBRA-Time", "cebra"),
    Peer("mbrila: mDLAG", "mbrila"),
    Peer("lfads-torch", "lfads_torch"),
)


@dataclass(frozen=True)
class Task:
    """What a peer is given, and beside it what only the score is computed from."""

    given: Mapping[str, np.ndarray]
    target_test: np.ndarray

    def write(self, path: Path) -> None:
        np.savez_compressed(path, **self.given)

    def score(self, rates: np.ndarray) -> float:
        null = sc.metrics.null_rate(self.given["target_train"], self.target_test)
        return sc.metrics.bits_per_spike(self.target_test, rates, null)


def load(session: str) -> sc.Recording:
    """Return a session of the shared data by its number, or what else `sc.load` knows."""
    if session.isdigit():
        return next(islice(sc.load_all(REAL), int(session), None))
    return sc.load(session)


def make_task(recording: sc.Recording, target: str) -> Task:
    """Return the first of five random folds of an area and all others."""
    problem = sc.AreaToArea(target).problem(recording)
    fold = sc.splits.split_by_trial(len(problem.x), 5, 0)[0]
    x, y = np.asarray(problem.x), np.asarray(problem.y)
    given = {
        "source_train": x[fold.train],
        "target_train": y[fold.train],
        "source_test": x[fold.test],
        "bin_size": np.asarray(problem.bin_size),
    }
    return Task(given, y[fold.test])


def measure(peer: Peer, task: Task) -> dict[str, object]:
    """Return a peer's score, time and memory, or its problem."""
    try:
        python = Path(sys.executable) if peer.is_own else make_environment(peer.folder)
    except CannotInstallError as error:
        return {"problem": f"cannot be installed: {error}"}
    if not peer.script.exists():
        return {"problem": "can be installed, but no fit is written for it"}
    with tempfile.TemporaryDirectory() as place:
        given, rates, log = (Path(place) / name for name in ("task.npz", "rates.npz", "log"))
        task.write(given)
        command = [python, "-P", HERE / "call_fit.py", peer.script, given, rates, *peer.option]
        failed, costs = run_and_measure(command, log)
        if failed:
            return {"problem": f"fails: {find_reason(log.read_text(errors='replace'))}"}
        with np.load(rates) as file:
            score, peak = task.score(file["rates"]), file["peak_memory"] / 2**20
        return {"bits_per_spike": round(score, 4), "memory_mb": round(float(peak))} | costs


def run_and_measure(command: Sequence[str | Path], log: Path) -> tuple[bool, dict[str, float]]:
    """Run a process with one thread; return whether it failed, and what time it took."""
    started = time.perf_counter()
    with log.open("w") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env=os.environ | ONE_THREAD
        )
        # not Popen.kill, which takes the exit status that wait4 waits for
        timer = threading.Timer(LONGEST, os.kill, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    costs = {
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
    }
    return process.returncode != 0, costs


def count_lines(script: Path) -> int:
    """Return lines of code without blank lines, comments and docstrings, with what it imports."""
    if not script.exists():
        return 0
    text = script.read_text(encoding="utf-8")
    described = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node):
            described |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(text.splitlines(), start=1)
    code = [line.strip() for number, line in lines if number not in described]
    own = sum(bool(line) and not line.startswith("#") for line in code)
    shared = HERE / "latent_readout.py"
    return own + (count_lines(shared) if f"from {shared.stem} import" in text else 0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", nargs="*", help="only those whose names start so")
    parser.add_argument("--targets", nargs="*", help="session:area")
    parser.add_argument("--again", action="store_true", help="measure also what is there")
    parser.add_argument("--summary", action="store_true", help="only print the table")
    arguments = parser.parse_args()
    table = RESULTS / "peers.csv" if REAL.exists() else KEPT / "peers_simulated.csv"
    if not arguments.summary:
        chosen = [
            peer
            for peer in PEERS
            if not arguments.peers or peer.name.lower().startswith(tuple(arguments.peers))
        ]
        targets = arguments.targets or (REAL_TARGETS if REAL.exists() else SIMULATED_TARGETS)
        for place in targets:
            add_rows(table, place, chosen, arguments.again)
    print(describe())
    print(summarize(pd.read_csv(table)))


def add_rows(table: Path, place: str, peers: Sequence[Peer], again: bool) -> None:
    """Measure peers on one target; each row is written as soon as it is known."""
    session, _, target = place.partition(":")
    task = make_task(load(session), target)
    for peer in peers:
        rows = pd.read_csv(table, dtype={"session": str}) if table.exists() else EMPTY
        same = rows[["session", "target", "peer"]].eq([session, target, peer.name]).all(axis=1)
        if not again and (same & rows["problem"].isna()).any():
            continue
        about = {"session": session, "target": target, "peer": peer.name, "version": peer.version}
        row = about | measure(peer, task) | {"lines": count_lines(peer.script)}
        print(*row.values(), flush=True)
        table.parent.mkdir(exist_ok=True)
        new = [*rows[~same].to_dict("records"), row]
        pd.DataFrame(new, columns=COLUMNS).to_csv(table, index=False)


def summarize(rows: pd.DataFrame) -> str:
    """Return a line per peer: its scores, what they cost, or why it has none."""
    rows = rows.assign(place=rows["session"].astype(str) + " " + rows["target"])
    places = list(dict.fromkeys(rows["place"]))
    scores = rows.pivot(index="peer", columns="place", values="bits_per_spike")[places]
    costs = rows.groupby("peer")[["cpu_seconds", "seconds", "memory_mb", "lines"]].mean()
    about = rows.groupby("peer")[["version", "problem"]].first().astype(object).fillna("")
    head = ["peer", "version", *places, "mean", "CPU s", "s", "memory, GB", "lines of code"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    means = scores.mean(axis=1, skipna=False)
    order = pd.DataFrame({"mean": means, "any": scores.mean(axis=1)})
    for peer in order.sort_values(["mean", "any"], ascending=False).index:
        version, problem = about.loc[peer]
        cells = [format_value(value, ".3f") for value in scores.loc[peer]]
        end = [problem, "", "", "", ""]
        if scores.loc[peer].notna().any():
            cpu, seconds, memory, n_lines = costs.loc[peer]
            end = [format_value(means[peer], ".4f"), f"{cpu:.0f}", f"{seconds:.0f}"]
            end += [f"{memory / 1024:.1f}", f"{n_lines:.0f}"]
        lines.append(f"| {' | '.join([peer, version, *cells, *end])} |")
    return "\n".join(lines)


def format_value(value: float, how: str) -> str:
    return "–" if np.isnan(value) else format(value, how)


if __name__ == "__main__":
    main()
