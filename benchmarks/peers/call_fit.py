"""Run one peer's fit in the environment of that peer.

    python -P call_fit.py FOLDER/fit.py task.npz rates.npz [OPTION]

`task.npz` has counts of training trials (`source_train`, `target_train`), of the source in test
trials (`source_test`), all (trial, time, neuron), and `bin_size` in seconds. Needs numpy only.
"""

import resource
import runpy
import sys
from pathlib import Path

import numpy as np


def read_peak_memory() -> int:
    """Return the most bytes this process has held.

    Not `ru_maxrss` where there is something better: on Linux it begins with the memory of the
    process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    script, task, out, *option = sys.argv[1:]
    with np.load(task) as file:
        source, target, source_test = (
            file[name].astype(float) for name in ("source_train", "target_train", "source_test")
        )
    sys.path.append(str(Path(__file__).parent))  # latent_readout
    predict_rates = runpy.run_path(script)["predict_rates"]
    rates = predict_rates(source, target, source_test, *option)
    np.savez_compressed(out, rates=np.asarray(rates), peak_memory=read_peak_memory())


if __name__ == "__main__":
    main()
