"""The default model on sessions that stand in for poorer ones: few spikes, trials or targets.

    python benchmarks/stand_ins.py             # adds what is not there yet to results/stand_ins.csv
    python benchmarks/stand_ins.py --summary
    python benchmarks/stand_ins.py --time      # CPU seconds only: three targets, one thread

Sessions 0, 2 and 6, which took no part in development; every third target; one random fold, seed 0.
`few` keeps 60 training trials of the recording at random, `thin` a third of the spikes of sources
and targets, `small` 15 target neurons, `poor` all three. Scores are pooled bits per spike above the
training trials' mean rate, on the test trials that all models share. Models with a context need the
order of trials, which session 0 has not: each is compared with the same model without.
"""

import argparse
import time
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from machine import REAL, RESULTS, UNLABELED, append_rows, describe

import spikecast as sc

TABLE = RESULTS / "stand_ins.csv"
COLUMNS = ["session", "target", "kind", "model", "bits_per_spike", "seconds", "n_spikes"]
KINDS = ("full", "few", "thin", "small", "poor")
BEFORE = {  # the regression's search until November 2026: one validation part, two edges
    "widths": ((1.0, 3.0, 8.0), (2.0, 6.0)),
    "n_components": (30, 60, 120),
    "penalties": (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2),
    "n_inner": 1,
}
MODELS = {
    "poisson_glm before": partial(sc.models.PoissonGLM, **BEFORE),
    "poisson_glm": sc.models.PoissonGLM,
    "timescales": sc.models.Timescales,
    "stack": sc.models.Stack,
    "poisson_glm in context": partial(sc.models.PoissonGLM, context="full"),
    "stack in context": partial(sc.models.Stack, context="full"),
    "auto": sc.models.Auto,
    "auto in context": partial(sc.models.Auto, context="full"),
}
FULL_ONLY = ("auto in context",)  # 25 to 100 s per fit
SESSIONS = (0, 2, 6)
TIMED = ((0, "VISp"), (2, "VISp"), (6, "SCm"))
IN_ORDER = (2, 6)  # trials of session 0 were sorted before they were shared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="*", default=list(SESSIONS))
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--time", action="store_true")
    arguments = parser.parse_args()
    if arguments.time:
        print(describe())
        print(compare_times())
        return
    if not arguments.summary:
        measure(arguments.sessions)
    print(describe())
    print(summarize())


def measure(sessions: list[int]) -> None:
    RESULTS.mkdir(exist_ok=True)
    done = set()
    if TABLE.exists():
        known = pd.read_csv(TABLE)[["session", "target", "kind", "model"]]
        done = {tuple(row) for row in known.itertuples(index=False)}
    recordings = list(sc.load_all(REAL))
    for session in sessions:
        recording = recordings[session]
        areas = sorted(
            area
            for area, size in recording.areas.items()
            if size >= 20 and area.lower() not in UNLABELED
        )
        for target in areas[::3]:
            problem = sc.AreaToArea(target).problem(recording)
            for kind in KINDS:
                missing = [
                    name
                    for name in MODELS
                    if (session, target, kind, name) not in done
                    and (session in IN_ORDER or not name.endswith("in context"))
                    and (kind == "full" or name not in FULL_ONLY)
                ]
                if missing:
                    data = make_poorer(problem, kind, session)
                    append(session, target, kind, missing, *data)


def make_poorer(problem, kind: str, seed: int) -> tuple:
    """Return x, y and facts of training and test trials, as poor as the kind says."""
    rng = np.random.default_rng(seed)
    x, y = np.asarray(problem.x), np.asarray(problem.y)
    fold = sc.splits.split_by_trial(len(x), 5, 0)[0]
    train = fold.train
    if kind in ("few", "poor") and len(train) > 60:
        train = np.sort(rng.permutation(train)[:60])
    if kind in ("thin", "poor"):
        x, y = rng.binomial(x, 1 / 3), rng.binomial(y, 1 / 3)
    if kind in ("small", "poor") and y.shape[2] > 15:
        y = y[..., np.sort(rng.permutation(y.shape[2])[:15])]
    y = y[..., y[train].any(axis=(0, 1))]
    facts = problem.trial_facts
    return (x[train], y[train], facts.take(train)), (
        x[fold.test],
        y[fold.test],
        facts.take(fold.test),
    )


def append(session: int, target: str, kind: str, models: list[str], train, test) -> None:
    (x, y, facts), (x_test, y_test, facts_test) = train, test
    null = sc.metrics.null_rate(y, y_test)
    for name in models:
        started = time.process_time()
        model = MODELS[name](seed=0)
        in_context = "trials" in model.needs
        model.fit(x, y, **({"trials": facts} if in_context else {}))
        seconds = time.process_time() - started
        predicted = model.predict(x_test, **({"trials": facts_test} if in_context else {}))
        score = sc.metrics.bits_per_spike(y_test, predicted, null)
        row = [session, target, kind, name, f"{score:.4f}", f"{seconds:.2f}", int(y_test.sum())]
        append_rows(TABLE, COLUMNS, [row])


def compare_times() -> str:
    """Each target: CPU seconds of the regression and of the stack, without and with a context."""
    lines = [
        "| session, target | kind | trials x neurons | poisson_glm | stack | times | "
        "poisson_glm in context | stack in context | times |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    names = ("poisson_glm", "stack", "poisson_glm in context", "stack in context")
    recordings = list(sc.load_all(REAL))
    with sc.limit_threads():
        for (session, target), kind in product(TIMED, ("full", "thin")):
            problem = sc.AreaToArea(target).problem(recordings[session])
            (x, y, facts), _ = make_poorer(problem, kind, session)
            if len(lines) == 2:  # the first fits of a process pay for imports
                for name in names[:2]:
                    MODELS[name](seed=0).fit(x[:20], y[:20])
            glm, stack, glm_in_context, stack_in_context = (
                measure_fit(name, x, y, facts) for name in names
            )
            lines.append(
                f"| {session}, {target} | {kind} | {len(x)} x {x.shape[2]} | {glm:.1f} "
                f"| {stack:.1f} | {stack / glm:.1f} | {glm_in_context:.1f} "
                f"| {stack_in_context:.1f} | {stack_in_context / glm_in_context:.1f} |"
            )
            print(lines[-1], flush=True)
    return "\n".join(lines)


def measure_fit(name: str, x: np.ndarray, y: np.ndarray, facts) -> float:
    """Return the CPU seconds of a fit."""
    model = MODELS[name](seed=0)
    trials = {"trials": facts} if "trials" in model.needs else {}
    started = time.process_time()
    model.fit(x, y, **trials)
    return time.process_time() - started


def summarize() -> str:
    """Each kind: mean gain over the regression, least, share of targets above it, seconds."""
    table = pd.read_csv(TABLE)
    lines = [
        "| kind | targets | against | its score | model | gain, pooled | least | above it on | "
        "never more than 2 % below | CPU s, times the regression's |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        part = table[table["kind"] == kind]
        scores = part.pivot(index=["session", "target"], columns="model", values="bits_per_spike")
        seconds = part.groupby("model")["seconds"].mean()
        for model, beside in product(MODELS, ("poisson_glm", "poisson_glm in context")):
            # like with like: what is given the context is also held against such a regression
            if (
                model == beside
                or model not in scores
                or ("context" in beside and "context" not in model)
            ):
                continue
            own = scores[model].dropna()
            glm = scores[beside][own.index]
            gain = (own - glm) / glm.abs()
            lines.append(
                f"| {kind} | {len(glm)} | {beside} | {glm.mean():.4f} | {model} "
                f"| {own.mean() / glm.mean() - 1:+.1%} | {gain.min():+.1%} "
                f"| {(gain > 0).mean():.0%} | {(gain > -0.02).mean():.0%} "
                f"| {seconds[model] / seconds['poisson_glm']:.1f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
