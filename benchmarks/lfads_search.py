"""Does a search of LFADS's settings on one recording pay? Successive halving, as AutoLFADS asks.

    python benchmarks/lfads_search.py --minutes 30            # adds what is not there yet
    python benchmarks/lfads_search.py --summary

A Lorenz population of 60 neurons (bins of 10 ms, mean count .018), 200 or 640 trials. Optuna draws
settings from ``LFADS.search_space`` (the first are the defaults); each is fitted with 100, 200, 400
and 800 steps, and goes on while it is in the better half (``SuccessiveHalvingPruner``). What is
compared is what a user has: a fifth of the trials and a quarter of the neurons are held out, and
the score is the bits per spike of these neurons in these trials. Population-based training
(Jaderberg et al. 2017; Keshtkaran et al. 2022) goes on from weights instead of fitting again; what
it buys at most is more settings in the same time.

Then the winner, the defaults, and the defaults with as many members as the search took time for are
fitted to all training trials. Only there are the true rates looked at: R2 in 160 further trials.
"""

import argparse
import time
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch
from lfads_defaults import N_CONDITIONS, N_NEURONS, N_TEST
from machine import RESULTS, describe
from optuna.distributions import FloatDistribution, IntDistribution

import spikecast as sc

TABLE = RESULTS / "lfads_search.csv"
STEPS = (100, 200, 400, 800)
KEYS = ["trials", "seed", "setting"]
MEMBERS = 12  # of the defaults, in place of a search


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2001)
    parser.add_argument("--minutes", type=float, default=60, help="of one processor")
    parser.add_argument("--summary", action="store_true")
    given = parser.parse_args()
    if not given.summary:
        torch.set_num_threads(1)
        measure(given.trials, given.seed, given.minutes)
    print(describe())
    print(summary())


def measure(n_train: int, seed: int, minutes: float) -> None:
    """Search and fit one population, unless its rows are in the table."""
    done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=KEYS)
    if len(done.query("trials == @n_train and seed == @seed")):
        return
    simulated = sc.simulate.lorenz(
        n_train + N_TEST, N_NEURONS, n_conditions=N_CONDITIONS, n_bins=60, mean_rate=1.8, seed=seed
    )
    counts, rate = simulated.recording.activity, simulated.truth.rate
    started = time.process_time()
    settings, n_tried, n_whole = search_settings(counts[:n_train], minutes)
    about = {"trials": n_train, "seed": seed, "tried": n_tried, "to_the_end": n_whole}
    about["search_seconds"] = round(time.process_time() - started)
    candidates = {
        "defaults": {},
        "the search's": settings,
        f"defaults, {MEMBERS} members": {"n_members": MEMBERS},
    }
    for name, chosen in candidates.items():
        started = time.process_time()
        model = sc.models.LFADS(**chosen).fit(counts[:n_train], counts[:n_train])
        seconds = round(time.process_time() - started)
        truth, predicted = rate[n_train:], model.predict(counts[n_train:])
        r2 = 1 - np.square(truth - predicted).mean(axis=(0, 1)) / truth.var(axis=(0, 1))
        row = {"setting": name, "r2_mean": r2.mean(), "r2_median": np.median(r2)}
        row |= {
            "fit_seconds": seconds,
            "values": "; ".join(map("{0[0]} {0[1]:.3g}".format, chosen.items())),
        }
        table = pd.DataFrame([about | row]).round(4)
        print(table.to_string(index=False, header=False), flush=True)
        table.to_csv(TABLE, mode="a", header=not TABLE.exists(), index=False)


def search_settings(counts: np.ndarray, minutes: float) -> tuple[dict, int, int]:
    """Return the best settings on held-out neurons and trials, and how many were tried."""
    rng = np.random.default_rng(0)
    trials, neurons = rng.permutation(len(counts)), rng.permutation(counts.shape[2])
    test, train = np.split(trials, [len(trials) // 5])
    hidden, seen = np.split(neurons, [len(neurons) // 4])
    space = {name: make_distribution(one) for name, one in sc.models.LFADS.search_space.items()}
    own = sc.models.LFADS().get_params()
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2),
    )
    study.enqueue_trial({name: own[name] for name in space})
    null = sc.metrics.null_rate(counts[train][:, :, hidden], counts[test][:, :, hidden])
    end = time.process_time() + 60 * minutes
    while time.process_time() < end:
        trial = study.ask(space)
        score = np.nan
        for rung, steps in enumerate(STEPS, start=1):
            model = sc.models.LFADS(**trial.params, n_members=1, epochs=1, min_steps=steps)
            model.fit(counts[train][:, :, seen], counts[train])
            predicted = model.predict(counts[test][:, :, seen])
            score = sc.metrics.bits_per_spike(
                counts[test][:, :, hidden], predicted[:, :, hidden], null
            )
            trial.report(score, rung)
            if not np.isfinite(score) or trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, score)
    whole = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    print(pd.Series([trial.value for trial in whole]).describe().round(4).to_string(), flush=True)
    return study.best_params, len(study.trials), len(whole)


def make_distribution(values: Any) -> IntDistribution | FloatDistribution:
    """Return a range of a search space as Optuna's."""
    if values.whole:
        return IntDistribution(int(values.low), int(values.high), log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def summary() -> str:
    """A line per population and setting."""
    table = pd.read_csv(TABLE)
    lines = ["| " + " | ".join(table.columns) + " |", "|---" * table.shape[1] + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in table.to_numpy()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
