"""spikecast inspect DATA."""

from typing import Annotated

import typer


def inspect(
    data: Annotated[str, typer.Argument(help="file, folder, or name of a known data set")],
    session: Annotated[int | None, typer.Option(help="only this session")] = None,
) -> None:
    """Print sessions, areas, neurons, trials, bins, behaviour and warnings."""
    from spikecast.data import load, load_all
    from spikecast.data.doctor import examine

    recordings = load_all(data) if session is None else [load(data, session)]
    for index, recording in enumerate(recordings):
        _describe(session if session is not None else index, recording)
        for notice in examine(recording):
            print(f"  warning: {notice}")


def _describe(index: int, recording) -> None:  # type: ignore[no-untyped-def]
    import numpy as np

    areas = sorted(recording.areas.items(), key=lambda pair: -pair[1])
    start, stop = recording.time[0], recording.time[-1]
    half = recording.bin_size / 2
    attributes = recording.dataset.attrs
    print(f"session {index}: {recording.session or 'unnamed'}")
    print(
        f"  {recording.n_neurons} neurons, {recording.n_trials} trials, {recording.n_bins} bins of "
        f"{1000 * recording.bin_size:g} ms ({start - half:g} to {stop + half:g} s from "
        f"{attributes['align_to']}), {recording.kind}"
    )
    if recording.kind == "counts":
        rate = recording.firing_rate
        print(
            f"  rates: median {np.median(rate):.1f} Hz, "
            f"{np.mean(rate < 0.5):.0%} of neurons below 0.5 Hz"
        )
    print("  areas: " + ", ".join(f"{name} {size}" for name, size in areas))
    if len(recording.trials.columns):
        print("  trial columns: " + ", ".join(recording.trials.columns))
    others = [name for name in recording.neurons.columns if name != "area"]
    if others:
        print("  neuron columns: " + ", ".join(others))
    print("  behaviour: " + (", ".join(recording.behavior) or "none"))
    if "event_clock" in attributes:
        print(
            f"  event times count from the {attributes['event_clock']} in the file "
            f"({attributes['event_clock_evidence']})"
        )
