"""Many sessions: does a core learnt from other sessions help one that has few trials?

    python benchmarks/sessions.py --trials 20 40 80          # adds what is not there yet
    python benchmarks/sessions.py --summary

The seven real sessions, of each the largest area as target, all other areas (but ``root``) as
source. Of every fold's training trials, so many are learnt from; 0 takes all. ``adapted`` learns
its core from all trials of the other six sessions. One row per session, number of trials and model
goes to ``results/sessions.csv``.
"""

import argparse

import pandas as pd
from machine import REAL, RESULTS, UNLABELED, describe

import spikecast as sc

TABLE = RESULTS / "sessions.csv"
FOLDS = 3
BASELINES = ("mean_rate", "poisson_glm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=["timescales"])
    parser.add_argument("--trials", type=int, nargs="*", default=[20, 40, 80])
    parser.add_argument("--shared", type=int, default=0, help="components that read-ins start with")
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        recordings = list(sc.load_all(REAL))
        for n_trials in arguments.trials:
            measure(recordings, n_trials, arguments.models, arguments.shared)
    print(describe())
    print(summary())


def largest(recording: sc.Recording) -> str:
    areas = {area: n for area, n in recording.areas.items() if area.lower() not in UNLABELED}
    return max(areas, key=lambda area: areas[area])


def measure(
    recordings: list[sc.Recording], n_trials: int, models: list[str], n_shared: int
) -> None:
    done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=["trials", "model"])
    known = set(done.loc[done["trials"] == n_trials, "model"])
    missing = [name for name in (*BASELINES, *models) if name not in known]
    shared = {
        name: sc.models.ManySessions(name, n_shared=n_shared)
        for name in models
        if f"joint {name}" not in known
    }
    if not missing and not shared:
        return
    scores = sc.cross_validate_sessions(
        missing,
        shared,
        [sc.AreaToArea(largest(recording)) for recording in recordings],
        recordings,
        FOLDS,
        condition="contrast_right",
        n_train=n_trials or None,
    )
    rows = []
    for session, result in enumerate(scores):
        whole = result.table.query("fold == 'all' and metric == 'bits_per_spike'")
        for model in result.models:
            row = whole.query("model == @model").iloc[0]
            estimate = result.interval(model)
            rows.append(
                {
                    "session": session,
                    "target": row["target"],
                    "trials": n_trials,
                    "model": model,
                    "bits_per_spike": round(estimate.value, 4),
                    "low": round(estimate.low, 4),
                    "high": round(estimate.high, 4),
                    "seconds_per_fit": round(row["fit_seconds"] / FOLDS, 2),
                }
            )
    RESULTS.mkdir(exist_ok=True)
    pd.concat([done, pd.DataFrame(rows)] if len(done) else [pd.DataFrame(rows)]).to_csv(
        TABLE, index=False, lineterminator="\n"
    )


def summary() -> str:
    """Mean over sessions per number of trials, and on how many sessions others beat single fits."""
    table = pd.read_csv(TABLE)
    lines = [
        "| training trials | model | bits/spike, mean of sessions | against its single fit | "
        "better on | s per fit |",
        "|---|---|---|---|---|---|",
    ]
    for n_trials, part in table.groupby("trials"):
        scores = part.pivot(index="session", columns="model", values="bits_per_spike")
        seconds = part.groupby("model")["seconds_per_fit"].mean()
        for model in scores.mean().sort_values(ascending=False).index:
            single = model.removeprefix("joint ").removeprefix("adapted ")
            against, better = "", ""
            if single != model:
                gain = scores[model] - scores[single]
                against, better = f"{gain.mean():+.4f}", f"{(gain > 0).sum()} of {len(gain)}"
            lines.append(
                f"| {n_trials or 'all'} | {model} | {scores[model].mean():.4f} | {against} "
                f"| {better} | {seconds[model]:.2f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
