"""`auto` beside the regression on every target of the seven real sessions, one fold.

    python benchmarks/auto.py                   # adds what is not there yet to results/auto.csv
    python benchmarks/auto.py --sessions 0 2 6
    python benchmarks/auto.py --summary

Every area with at least 20 neurons; the first of the five folds of seed 0, as a fit takes most of a
minute. Scores are pooled bits per spike above the training trials' mean rate, seconds are CPU
seconds of a fit with one thread. Settings were chosen on training trials of sessions 1, 3, 4 and 5.
"""

import argparse
import time

import pandas as pd
from machine import REAL, RESULTS, append_rows, describe
from stand_ins import MODELS, make_poorer
from targets import DEVELOPMENT, target_areas

import spikecast as sc

TABLE = RESULTS / "auto.csv"
COLUMNS = ["session", "target", "model", "bits_per_spike", "seconds", "n_spikes"]
COMPARED = ("poisson_glm before", "poisson_glm", "auto")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="*", default=list(range(7)))
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        with sc.limit_threads():
            measure(arguments.sessions)
    print(describe())
    print(summarize())


def measure(sessions: list[int]) -> None:
    known = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=COLUMNS)
    done = set(known[["session", "target", "model"]].itertuples(index=False, name=None))
    recordings = list(sc.load_all(REAL))
    for session in sessions:
        for target in target_areas(recordings[session]):
            missing = [name for name in COMPARED if (session, target, name) not in done]
            if missing:
                problem = sc.AreaToArea(target).problem(recordings[session])
                append(session, target, missing, *make_poorer(problem, "full", session))


def append(session: int, target: str, models: list[str], train, test) -> None:
    (x, y, _), (x_test, y_test, _) = train, test
    null = sc.metrics.null_rate(y, y_test)
    for name in models:
        started = time.process_time()
        model = MODELS[name](seed=0).fit(x, y)
        seconds = time.process_time() - started
        score = sc.metrics.bits_per_spike(y_test, model.predict(x_test), null)
        row = [session, target, name, f"{score:.4f}", f"{seconds:.2f}", int(y_test.sum())]
        append_rows(TABLE, COLUMNS, [row])


def summarize() -> str:
    """`auto` against each regression: over all targets, and over those nothing was chosen on."""
    table = pd.read_csv(TABLE)
    scores = table.pivot(index=["session", "target"], columns="model", values="bits_per_spike")
    scores = scores.dropna()
    seconds = table.pivot(index=["session", "target"], columns="model", values="seconds").sum()
    held_out = ~scores.index.get_level_values("session").isin(DEVELOPMENT)
    lines = [
        "| sessions | targets | against | pooled | mean | least | better on |",
        "|---|---|---|---|---|---|---|",
    ]
    for sessions, part in (("all", scores), ("held out", scores[held_out])):
        for other in COMPARED[:2]:
            gain = part["auto"] / part[other] - 1
            lines.append(
                f"| {sessions} | {len(part)} | {other} "
                f"| {part['auto'].mean() / part[other].mean() - 1:+.1%} | {gain.mean():+.1%} "
                f"| {gain.min():+.1%} | {(gain > 0).mean():.0%} |"
            )
    lines.append(f"\nTime: {seconds['auto'] / seconds['poisson_glm']:.1f} times the regression's")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
