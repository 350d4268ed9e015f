"""A recording of Stringer's size: 12,000 neurons x 7,000 bins of float32, from file to R2.

    python benchmarks/stringer_scale.py [FILE.npy]

Writes a simulated file of that size (or takes the real one), then, in a fresh process: read, 128
principal components, and `pca_ridge` on running in 5 blocks. Prints seconds of each step, and peak
memory as a multiple of the array's size.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import describe

import spikecast as sc
from spikecast.models.preprocess import find_principal_axes


def main() -> None:
    if len(sys.argv) == 3:
        {"--write": write, "--measure": measure}[sys.argv[1]](Path(sys.argv[2]))
        return
    print(describe(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stringer.npy"
        # processes of their own: a process inherits the peak memory of the one that started it
        steps = ["--measure"] if len(sys.argv) > 1 else ["--write", "--measure"]
        for step in steps:
            file = sys.argv[1] if len(sys.argv) > 1 else path
            subprocess.run([sys.executable, __file__, step, file], check=True)


def write(path: Path) -> None:
    recording = sc.simulate.spontaneous(n_neurons=12_000, n_bins=7_000, keep_rate=False).recording
    raw = {
        "sresp": recording.activity[0].T,
        "run": recording.dataset["running"].values[0],
        "xyz": recording.neurons[["x", "y", "z"]].to_numpy().T,
    }
    np.save(path, np.array(raw, dtype=object))


def measure(path: Path) -> None:
    imported = peak()
    steps = {}

    def timed(name, function):
        started = time.perf_counter()
        result = function()
        steps[name] = (time.perf_counter() - started, peak() - imported)
        return result

    recording = timed("read", lambda: sc.load(path))
    activity = recording.activity
    size = activity.nbytes
    timed("128 components", lambda: find_principal_axes(activity[0], 128))
    scores = timed(
        "behaviour regression, 5 blocks",
        lambda: sc.cross_validate(["pca_ridge"], sc.Behavior("running"), recording),
    )
    print(f"{recording}: {size / 1e9:.2f} GB")
    print("| step | s | peak so far, GB | as a multiple of the array |\n|---|---|---|---|")
    for name, (seconds, memory) in steps.items():
        print(f"| {name} | {seconds:.1f} | {memory / 1e9:.2f} | {memory / size:.2f} |")
    print(f"running from all neurons: R2 {scores.interval('pca_ridge')}")


def peak() -> int:
    """Peak resident memory in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main()
