"""How long each published study takes, and how much memory, on simulated data of the deck's size.

    python benchmarks/studies.py [STUDIES] [--quick] [--workers N]

Each is run by its command, in a process of its own; the memory is the largest resident set of any
one process. A study that was interrupted under ``--out`` goes on, and its seconds are then those of
the rest.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from machine import describe

from spikecast.runs.studies.catalog import STUDIES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", default=list(STUDIES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-studies"))
    arguments = parser.parse_args()
    print(describe())
    print("| study | minutes | peak of a process, GB | |")
    print("|---|---|---|---|")
    for name in arguments.studies:
        folder = arguments.out / name
        words = ["run", name, "--quiet", "--out", str(folder), "--workers", str(arguments.workers)]
        words += ["--quick"] * arguments.quick + ["--resume"] * (folder / "begun.json").exists()
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "spikecast.cli", *words], stdout=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        minutes = (time.perf_counter() - started) / 60
        outcome = "resumed" if "--resume" in words else ""
        outcome = outcome if status == 0 else "failed"
        # what a process used includes the largest of the children it waited for
        print(f"| {name} | {minutes:.1f} | {used.ru_maxrss / 1e6:.1f} | {outcome} |", flush=True)


if __name__ == "__main__":
    main()
