"""What was recorded: one trial of all neurons, and how active they are."""

from matplotlib.figure import Figure

from spikecast.report.shared.populations import (
    choose_area_colors,
    draw_activity,
    draw_mean_activity,
    draw_rates,
)
from spikecast.report.shared.section import Drawing
from spikecast.report.shared.style import mark_event, new_figure, report_style
from spikecast.runs.reader import Run


def make_recording_figure(run: Run) -> Drawing:
    """Return the figure of what was recorded."""
    return Drawing(
        "recording",
        draw_recording,
        run,
        "Left: one trial, every neuron a row, coloured by area (imaging: the darker the more "
        "active). Right: how active the neurons of the largest areas are.",
        alt="Raster (or heat map) of one trial, neurons by area, and the distribution of rates.",
    )


@report_style
def draw_recording(run: Run) -> Figure:
    """Draw a raster (or heat map) of one trial by area, and the distribution of rates."""
    data, excerpt = run.manifest["data"], run.excerpt
    counts = data["kind"] == "counts"
    colors = choose_area_colors(excerpt["mean_activity_area"].values)
    figure = new_figure(4.2)
    raster, rates = figure.subplots(1, 2, width_ratios=[2.4, 1])
    trial = len(excerpt["trial_number"]) // 2
    time = excerpt["time"].values
    area = excerpt["area"].values
    draw_activity(raster, excerpt["activity"].values[trial], time, area, colors, counts)
    if counts:
        mark_event(raster, time)
    raster.set(
        xlabel=f"seconds from {data['attributes']['align_to']}",
        title=f"Trial {int(excerpt['trial_number'][trial])}",
    )
    mean = excerpt["mean_activity"].values
    if counts:
        area = excerpt["mean_activity_area"].values
        draw_rates(rates, mean / data["bin_size"], area, colors)
    else:
        draw_mean_activity(rates, mean)
    return figure
