"""Five fold fits: one process, one process with two threads, or two processes with one thread?

    python benchmarks/workers.py [MODEL ...]

Session 6 to MOs. Processes are started before the clock runs, as a run with many fits has them; the
seconds include sending the data and the results. With as many other processes as cores or more, two
processes win by their second share of the machine: read the load beside the seconds.
"""

import os
import sys
import time
from concurrent.futures import Executor

import torch
from machine import REAL, describe
from threadpoolctl import threadpool_limits

import spikecast as sc
from spikecast.evaluation.fit import Job, run_job
from spikecast.parallel.executors import run_jobs
from spikecast.tasks.problem import Problem

NAMES = ("poisson_glm", "timescales", "gru", "transformer")


def main() -> None:
    problem = sc.AreaToArea("MOs").problem(sc.load(REAL, 6))
    print(describe())
    print(
        "| model | 1 process, 1 thread, s | 1 process, 2 threads | 2 processes, 1 thread | load |"
    )
    print("|---|---|---|---|---|")
    with sc.open_executor(10, 2) as pool:
        assert pool is not None
        for name in sys.argv[1:] or NAMES:
            in_processes(name, problem, pool)  # starts them, and torch in them
            one, two = here(name, problem, 1), here(name, problem, 2)
            beside = in_processes(name, problem, pool)
            load = os.getloadavg()[0]
            print(f"| {name} | {one:.1f} | {two:.1f} | {beside:.1f} | {load:.1f} |", flush=True)


def here(name: str, problem: Problem, threads: int) -> float:
    """Seconds for the five folds, one after the other."""
    torch.set_num_threads(threads)
    folds = sc.make_folds(problem, 5)
    started = time.perf_counter()
    with threadpool_limits(limits=threads):
        for fold in folds:
            sc.models.MODELS[name]().fit(problem.x[fold.train], problem.y[fold.train])
    return time.perf_counter() - started


def in_processes(name: str, problem: Problem, pool: Executor) -> float:
    """Seconds for the five folds, two at a time."""
    jobs = [
        Job(name, sc.models.MODELS[name](), index, fold, 0)
        for index, fold in enumerate(sc.make_folds(problem, 5))
    ]
    started = time.perf_counter()
    calls = {str(job.index): (run_job, (job, problem.x, problem.y)) for job in jobs}
    for done in run_jobs(calls, pool):
        done.result()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
