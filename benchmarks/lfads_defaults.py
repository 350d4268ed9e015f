"""LFADS with its defaults on simulated populations: what it recovers of the true rates.

    python benchmarks/lfads_defaults.py                 # adds what is not there yet
    python benchmarks/lfads_defaults.py --setting "no dropout" --trials 200
    python benchmarks/lfads_defaults.py --summary

Lorenz populations of 60 neurons in bins of 10 ms, mean counts of .01 to .2 a bin (1 to 20 Hz), 50
to 640 training trials: of 50 conditions in turn, or each with a start of its own. The score is R2
of the true rates in 160 further trials, over trials and bins: its mean and median over neurons. One
row per case and setting goes to ``results/lfads_defaults.csv`` as soon as it is known.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch
from machine import RESULTS, describe

import spikecast as sc

TABLE = RESULTS / "lfads_defaults.csv"
COUNTS = (0.018, 0.01, 0.05, 0.2)  # mean of a bin; the first is the one that was asked about
TRIALS = (200, 50, 640)
N_TEST, N_NEURONS, N_CONDITIONS = 160, 60, 50
SEED = 2001  # of the simulated populations; settings were chosen on others
SETTINGS = {
    "defaults": {},
    "one member": {"n_members": 1},
    "three members": {"n_members": 3},
    "no dropout": {"n_members": 1, "dropout": 0.0, "weight_decay": 0.01},
    "strong dropout": {"n_members": 1, "dropout": 0.5, "weight_decay": 0.3},
    "few inputs": {"n_members": 1, "n_inputs": 3},
    "wide": {"n_members": 1, "width": 5.0},
    "many steps": {"n_members": 1, "epochs": 100},
}
KEYS = ["setting", "mean_count", "trials", "bins", "starts"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", choices=SETTINGS, default="defaults")
    parser.add_argument("--counts", type=float, nargs="*", default=COUNTS)
    parser.add_argument("--trials", type=int, nargs="*", default=TRIALS)
    parser.add_argument("--starts", nargs="*", choices=["repeats", "own"], default=["repeats"])
    parser.add_argument("--bins", type=int, default=60)
    parser.add_argument("--summary", action="store_true")
    given = parser.parse_args()
    if not given.summary:
        torch.set_num_threads(1)
        for trials in given.trials:
            for count in given.counts:
                for starts in given.starts:
                    case = (given.setting, count, trials, given.bins, starts)
                    measure(dict(zip(KEYS, case, strict=True)))
    print(describe())
    print(summary())


def measure(case: dict[str, object]) -> None:
    """Fit one case, unless it is in the table."""
    known = pd.read_csv(TABLE)[KEYS].to_dict("records") if TABLE.exists() else []
    if case in known:
        return
    n_train = int(case["trials"])
    n_trials = n_train + N_TEST
    simulated = sc.simulate.lorenz(
        n_trials,
        N_NEURONS,
        n_conditions=N_CONDITIONS if case["starts"] == "repeats" else n_trials,
        n_bins=int(case["bins"]),
        mean_rate=100 * float(case["mean_count"]),
        seed=SEED,
    )
    counts, rate = simulated.recording.activity, simulated.truth.rate
    started = time.process_time()
    model = sc.models.LFADS(**SETTINGS[str(case["setting"])])
    model.fit(counts[:n_train], counts[:n_train])
    seconds = time.process_time() - started
    predicted, truth = model.predict(counts[n_train:]), rate[n_train:]
    r2 = 1 - np.square(truth - predicted).mean(axis=(0, 1)) / truth.var(axis=(0, 1))
    result = {
        "r2_mean": round(float(r2.mean()), 4),
        "r2_median": round(float(np.median(r2)), 4),
        "cpu_seconds": round(seconds, 1),
    }
    row = pd.DataFrame([case | result])
    print(row.to_string(index=False, header=False), flush=True)
    row.to_csv(TABLE, mode="a", header=not TABLE.exists(), index=False)


def summary() -> str:
    """A line per setting and case."""
    table = pd.read_csv(TABLE).sort_values(KEYS)
    lines = ["| " + " | ".join(table.columns) + " |", "|---" * table.shape[1] + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in table.to_numpy()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
