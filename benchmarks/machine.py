"""What benchmarks share: the machine in words, where recordings lie, rows of a table."""

import csv
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import torch

HERE = Path(__file__).parent
REAL = HERE.parents[1] / "shared" / "data" / "steinmetz_subset.npz"
RESULTS = HERE / "results"
UNLABELED = ("root", "void")
"""Names of no area."""


def describe() -> str:
    """Processor, cores, accelerator, versions and date, in one line."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].split(":")[1].strip() if names else processor
    n_cores = len(os.sched_getaffinity(0))
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{processor}, {n_cores} cores, {gpu}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, {date.today().isoformat()}"
    )


def append_rows(table: Path, columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Add rows to a CSV file, with its header where it is new, and print each."""
    new = not table.exists()
    with table.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(columns)
        for row in rows:
            writer.writerow(row)
            print(*row, flush=True)
