"""Unique parts of three sources: how much of what is planted is found, and do intervals hold.

    python benchmarks/parts.py --populations 10 --repeats 12 --neurons 60

Areas A, C and D each add .02 bits per spike to B, 20 ms later. Of each population of neurons
several sessions are simulated (the same drift and weights, new fast factors and spikes). What a
source's neurons can show of its part is the mean found in all sessions of a population; the
interval of each session should hold the mean of the others.
"""

import argparse

import numpy as np
import pandas as pd
from machine import describe

import spikecast as sc

SOURCES, WORTH = ("A", "C", "D"), 0.02
PARTS = (*SOURCES, "drift", "shared", "own neurons", "total")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--populations", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--neurons", type=int, default=60, help="in each area")
    parser.add_argument("--trials", type=int, default=200)
    arguments = parser.parse_args()
    found = pd.concat(
        explain_session(population, repeat, arguments)
        for population in range(arguments.populations)
        for repeat in range(1, arguments.repeats + 1)
    )
    print(describe())
    print(summarize(found))


def explain_session(population: int, repeat: int, arguments: argparse.Namespace) -> pd.DataFrame:
    """Return the parts found in one session, a row per part."""
    recording = sc.simulate.unrelated_areas(
        arguments.trials,
        (arguments.neurons,) * 4,
        n_bins=50,
        coupling=dict.fromkeys(SOURCES, WORTH),
        seed=(3000 + population, repeat),
    ).recording
    with sc.limit_threads():
        table = sc.explain(recording, "B", lag=2, n_shifts=0).table
    print(population, repeat, flush=True)
    return table.assign(population=population, repeat=repeat)


def summarize(found: pd.DataFrame) -> str:
    """Return, per part, its mean, the share of what is planted, and how often intervals hold."""
    lines = ["| part | found, mean | of what is planted | interval holds the mean | of sessions |"]
    lines.append("|---|---|---|---|---|")
    sets = {"the three sources": SOURCES, **{name: (name,) for name in PARTS[len(SOURCES) :]}}
    for name, parts in sets.items():
        rows = found[found["part"].isin(parts)]
        groups = rows.groupby(["population", "part"])["value"]
        n = groups.transform("size")
        others = (groups.transform("sum") - rows["value"]) / (n - 1)
        # the mean of the others has an error of its own
        error = 1.96 * groups.transform("std") / np.sqrt(n - 1)
        half = (rows["high"] - rows["low"]) / 2
        wider = np.sqrt(half**2 + error**2) / half
        middle = (rows["high"] + rows["low"]) / 2
        holds = (abs(others - middle) <= wider * half).mean()
        share = f"{rows['value'].mean() / WORTH:.2f}" if parts == SOURCES else ""
        lines.append(
            f"| {name} | {rows['value'].mean():.4f} | {share} | {holds:.2f} | {len(rows)} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
