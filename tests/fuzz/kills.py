"""Kill commands at any time, resume them, and compare what they end with.

Each try forks a process that calls the command line, ends it by a signal after a random time, looks
for what it left behind, and gives the same command again with ``--resume``. The tables must be
those of a run that was never interrupted, byte for byte.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_study import run_planted_study

from spikecast import cli

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 60.0  # seconds until the processes of a command that was killed are gone


@dataclass(frozen=True)
class Killed:
    """A command, and which files of its directory are compared.

    `begun` is the file that says that there is something to resume.
    """

    words: Sequence[str]  # without --out
    tables: str
    begun: str = "manifest.json"
    run: Callable[[], object] = cli.main


def _add(words: str, n_workers: int = 0) -> list[str]:
    return [*words.split(), *(["--workers", str(n_workers)] if n_workers else []), "--quiet"]


def _run_study() -> None:
    """Run a study on the words of the command line: data, a finished run, and ``--resume``."""
    _, data, sound_run, *options = sys.argv
    with pytest.MonkeyPatch.context() as patch:
        run_planted_study(patch, data, sound_run, Path("out"), resume="--resume" in options)


PREDICT = "predict {data} --target MOs --models mean_rate,pca_ridge --folds 3"
COMMANDS = {
    "predict": Killed(_add(PREDICT, 2), "*.csv"),
    "predict, one process": Killed(_add(PREDICT, 1), "*.csv"),
    "atlas": Killed(_add("atlas {data} --min-neurons 3 --folds 3", 2), "*.csv"),
    "sweep": Killed(_add("sweep {folder}/sweep.yaml", 2), "*.csv"),
    "sweep, one process": Killed(_add("sweep {folder}/sweep.yaml", 1), "*.csv"),
    "decode": Killed(
        _add("decode {data} --label response --folds 3 --permutations 50 --over-time"), "analysis/*"
    ),
    "study": Killed(["{data}", "{run}"], "described/*.[cn]*", "begun.json", _run_study),
}
SWEEP = """
data: {{path: {data}}}
task: {{target: MOs}}
models: [pca_ridge]
evaluation: {{folds: 2, bootstrap: 100}}
search: {{trials: 3, inner_folds: 2}}
"""
NOT_REPEATED = ["seconds", "fit_seconds"]
"""Columns and facts that no two runs have in common."""


def call(run: Callable[[], object], words: Sequence[str], folder: Path) -> int:
    """Begin a command in a process of its own, and return its number."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    os.chdir(folder)
    (folder / "tmp").mkdir(exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
    log = os.open(folder / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ["spikecast", *words]
    status = 1
    try:
        run()
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def list_session(leader: int) -> list[int]:
    """Return the processes that a command began and that are still there."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(entry.name))
    return found


def wait_for_none(leader: int) -> list[int]:
    """Return the processes of a command that do not end by themselves."""
    deadline = time.time() + PATIENCE
    while (left := list_session(leader)) and time.time() < deadline:
        time.sleep(0.2)
    return left


def list_leftovers(folder: Path, processes: Sequence[int]) -> list[str]:
    """Return temporary files, locks, shared memory: what finished commands must not leave."""
    shared = {path.name for path in Path("/dev/shm").iterdir()}
    shared = {name for name in shared if any(f"-{one}-" in name for one in processes)}
    locks = (".study.lock", ".claim.lock")  # of a sweep, for who joins it
    hidden = [path for path in (folder / "out").rglob(".*") if path.name not in locks]
    inside = [*hidden, *(folder / "tmp").iterdir(), *(folder / "out").glob("workers/*")]
    return [*(str(path.relative_to(folder)) for path in inside), *sorted(shared)]


def read_tables(folder: Path, pattern: str) -> dict[str, bytes]:
    """Return the content of tables, without the seconds that they took."""
    read = {}
    for path in sorted((folder / "out").glob(pattern)):
        if path.name.startswith("."):  # a file that was not written to its end
            continue
        content = path.read_bytes()
        if path.suffix == ".csv":
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            if set(NOT_REPEATED) & set(table):
                table = table.drop(columns=[one for one in NOT_REPEATED if one in table])
                content = table.to_csv(index=False).encode()
        if path.suffix == ".json" and isinstance(facts := json.loads(content), dict):
            content = json.dumps({k: v for k, v in facts.items() if k not in NOT_REPEATED}).encode()
        if path.suffix != ".npz":
            read[path.name] = content
            continue
        with np.load(path) as arrays:
            read[path.name] = b"".join(arrays[name].tobytes() for name in sorted(arrays))
    return read


class Trial:
    """One command, run whole once, then killed and resumed."""

    def __init__(self, name: str, data: Path, run: Path, folder: Path) -> None:
        self.command, self.data, self.run, self.folder = COMMANDS[name], data, run, folder
        self.words = self._run_folder("whole")
        begun = time.time()
        child = call(self.command.run, self.words, folder / "whole")
        _, status = os.waitpid(child, 0)
        self.lasts = time.time() - begun
        said = (folder / "whole" / "said.txt").read_text()
        assert os.waitstatus_to_exitcode(status) == 0, said
        self.tables = read_tables(folder / "whole", self.command.tables)
        assert self.tables, said

    def _run_folder(self, name: str) -> list[str]:
        folder = self.folder / name
        folder.mkdir()
        (folder / "sweep.yaml").write_text(SWEEP.format(data=self.data))
        words = [
            word.format(data=self.data, run=self.run, folder=folder) for word in self.command.words
        ]
        return words if self.command.run is _run_study else [*words, "--out", "out"]

    def kill(self, number: int, rng: random.Random) -> tuple[bool, str]:
        """Kill the command once or twice and resume it; return if it was, and what is wrong."""
        folder = self.folder / str(number)
        words = self._run_folder(str(number))
        killed, children, run = False, [], self.command.run
        for _ in range(rng.choice([1, 1, 2])):
            children.append(child := call(run, self._resume(words, folder), folder))
            time.sleep(rng.uniform(0, self.lasts))
            chosen = rng.choice(SIGNALS)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, chosen)
            _, status = os.waitpid(child, 0)
            code = os.waitstatus_to_exitcode(status)
            if code == 0:
                break
            killed = True
            if left := wait_for_none(child):
                for process in left:
                    os.kill(process, signal.SIGKILL)
                return killed, f"{chosen.name}: {len(left)} processes went on"
            if (said := (folder / "said.txt").read_text()) and "Traceback" in said:
                return killed, f"{chosen.name}: {said[-300:]}"
        at_end = code != 0 and self._is_finished(folder)
        if code != 0 and not at_end:
            children.append(child := call(run, self._resume(words, folder), folder))
            _, status = os.waitpid(child, 0)
            if os.waitstatus_to_exitcode(status):
                return killed, f"not resumed: {(folder / 'said.txt').read_text()[-300:]}"
        wrong = self._compare(folder, children, killed_at_end=at_end)
        if not wrong:
            shutil.rmtree(folder)
        return killed, wrong

    def _resume(self, words: list[str], folder: Path) -> list[str]:
        """Return the words that go on with what is there."""
        begun = (folder / "out" / self.command.begun).exists()
        return [*words, "--resume"] if begun else words

    def _is_finished(self, folder: Path) -> bool:
        """Return whether a command was killed after its last file: there is nothing to resume."""
        return (
            not read_tables(folder, self.command.tables).keys() ^ self.tables.keys()
            and not (folder / "out" / self.command.begun).exists()
        )

    def _compare(self, folder: Path, children: Sequence[int], *, killed_at_end: bool) -> str:
        tables = read_tables(folder, self.command.tables)
        unlike = [
            name for name in self.tables | tables if tables.get(name) != self.tables.get(name)
        ]
        if unlike:
            return f"other numbers in {', '.join(unlike)}"
        left = list_leftovers(folder, children)
        if killed_at_end:  # a lock that nobody holds any more locks nothing
            left = [name for name in left if name != "out/.lock"]
        return f"left behind: {', '.join(left)}" if left else ""


def kill_often(name: str, data: Path, run: Path, folder: Path, n: int, seed: int = 0) -> list[str]:
    """Kill a command `n` times; return what went wrong. `run` is a finished run on the data."""
    rng, wrong, n_killed = random.Random(seed), [], 0
    trial = Trial(name, data, run, folder)
    for number in range(n):
        killed, what = trial.kill(number, rng)
        n_killed += killed
        if what:
            wrong.append(f"try {number}: {what}")
            print(f"  {name}, {wrong[-1]}", flush=True)
    print(f"{name}: {n_killed} of {n} killed before their end, {len(wrong)} wrong", flush=True)
    return wrong
