"""Try a million damaged files of all kinds, and list each that was not refused in a line.

    python tests/fuzz/long_run.py --tries 1000000 --journal fuzz.json

It is one process with a worker. The journal is written after each round of some thousand tries; the
same command goes on where it was stopped. A worker that dies, or hangs, is a failure: the next one
goes on after the file that ended it.
"""

import argparse
import faulthandler
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
import warnings
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1])]

from fuzz.file_kinds import HDF5, SLOW, Readings, collect_kinds, make_samples  # noqa: E402
from fuzz.trying import Untyped, try_file  # noqa: E402

PER_ROUND, PER_ROUND_SLOW, PER_ROUND_HDF5 = 250, 100, 10  # tries of a kind
PATIENCE = 300.0  # seconds for a single try, on a busy machine
ADDRESS_SPACE = 6 << 30  # bytes beyond what the worker begins with: a greedy file ends there
RAM_DISK = Path("/dev/shm")
FORK = multiprocessing.get_context("fork")
MOST_FAILURES = 1000

Where = tuple[str, int]
"""Kind and seed of a try."""


def main() -> int:
    """Run rounds until the tries are done; return 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=1_000_000, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=0, help="of the first try of each kind")
    parser.add_argument("--journal", type=Path, default=Path("fuzz.json"))
    parser.add_argument("--kind", default="", help="only kinds whose name holds this")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # its folder is removed
    state = {"seed": given.seed, "round": 0, "seconds": 0.0, "kinds": {}, "failures": []}
    if given.journal.exists():
        state = json.loads(given.journal.read_text())
    root = RAM_DISK if RAM_DISK.is_dir() else None
    with TemporaryDirectory(dir=root) as folder:
        kinds = collect_kinds(make_samples(Path(folder)))
        known, kinds = kinds, {name: one for name, one in kinds.items() if given.kind in name}
        if not kinds:
            parser.error(f"no kind holds '{given.kind}': {', '.join(known)}")
        n_rounds = -(-given.tries // sum(map(count_tries, kinds)))
        run_rounds(kinds, state, n_rounds, given.journal)
    print_table(state)
    return int(bool(state["failures"]))


def count_tries(kind: str) -> int:
    """Return how many files of a kind a round tries."""
    if kind == HDF5:
        return PER_ROUND_HDF5
    return PER_ROUND_SLOW if kind in SLOW else PER_ROUND


def run_rounds(kinds: dict[str, Readings], state: dict[str, Any], n: int, journal: Path) -> None:
    """Do the rounds that the journal lacks, in workers that are replaced when they die."""
    skipped: set[Where] = set()
    while state["round"] < n and len(state["failures"]) < MOST_FAILURES:
        now = FORK.RawArray("q", 2)  # number of the kind, and the seed, that are tried now
        mine, theirs = FORK.Pipe()
        rounds = range(state["round"], n)
        worker = FORK.Process(
            target=work, args=(kinds, rounds, state["seed"], skipped, now, theirs), daemon=True
        )
        worker.start()
        theirs.close()
        started = time.monotonic()
        while (result := wait_for(mine, now)) not in ("died", "hangs"):
            state["round"] += 1
            state["seconds"] += time.monotonic() - started
            started = time.monotonic()
            for kind, (tries, refused) in result["kinds"].items():
                before = state["kinds"].get(kind, [0, 0])
                state["kinds"][kind] = [before[0] + tries, before[1] + refused]
            state["failures"] += result["failures"]
            journal.write_text(json.dumps(state, indent=1) + "\n")
            print(f"round {state['round']} of {n}, {len(state['failures'])} failures", flush=True)
        worker.kill() if result == "hangs" else worker.join(PATIENCE)
        worker.join()
        code = f", exit status {worker.exitcode}" if result == "died" else ""
        if state["round"] < n:
            kind, seed = list(kinds)[now[0]], now[1]
            skipped.add((kind, seed))
            state["failures"].append(f"{kind}, seed {seed}: the process {result}{code}")
            print(state["failures"][-1], flush=True)
            journal.write_text(json.dumps(state, indent=1) + "\n")


def wait_for(results: Connection, now: Any) -> Any:
    """Return what a round ended with, or how the worker ended."""
    last = None
    while not results.poll(PATIENCE):
        if last == list(now):
            return "hangs"
        last = list(now)
    try:
        return results.recv()
    except EOFError:
        return "died"


def work(
    kinds: dict[str, Readings], rounds: range, first: int, skipped: set[Where], now: Any,
    results: Connection,
) -> None:  # fmt: skip
    """Try files round by round, and send what came of each round."""
    warnings.simplefilter("error")
    faulthandler.enable()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_DFL)
    limit_memory()
    unraisable: list[str] = []
    sys.unraisablehook = lambda one: unraisable.append(f"{one.err_msg}: {one.exc_value}")
    for number in rounds:
        done: dict[str, tuple[int, int]] = {}
        failures = []
        for place, (kind, readings) in enumerate(kinds.items()):
            n, n_refused = count_tries(kind), 0
            for seed in range(first + number * n, first + (number + 1) * n):
                now[0], now[1] = place, seed
                if (kind, seed) in skipped:
                    continue
                try:
                    n_refused += try_file(kind, readings, seed)
                    if unraisable:
                        raise Untyped(f"{kind}, seed {seed}: {unraisable.pop()}")
                except Untyped as error:
                    failures.append(str(error)[:2000])
            done[kind] = n, n_refused
        results.send({"kinds": done, "failures": failures})


def limit_memory() -> None:
    """Let what asks for far more memory than it may have fail, before the machine does."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def print_table(state: dict[str, Any]) -> None:
    """Print what was tried and what came of it, as a table in Markdown."""
    print("| kind | tries | refused | failures |\n|---|---|---|---|")
    for kind, (tries, refused) in state["kinds"].items():
        n = sum(failure.startswith(f"{kind}, seed ") for failure in state["failures"])
        print(f"| {kind} | {tries:,} | {refused:,} | {n} |")
    total = sum(tries for tries, _ in state["kinds"].values())
    print(f"{total:,} tries in {state['seconds'] / 60:.0f} minutes", *state["failures"], sep="\n")


if __name__ == "__main__":
    sys.exit(main())
