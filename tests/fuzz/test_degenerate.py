"""Every command ends with an answer or one line, whatever the data are; numpy warns of nothing."""

import pytest
from fuzz.degenerate import make_recordings

from spikecast.core.errors import SpikecastError

RECORDINGS = make_recordings()
SWEEP = """
data: {path: odd.nc}
task: {target: B}
models: [pca_ridge]
evaluation: {folds: 2, bootstrap: 100}
search: {trials: 2, inner_folds: 2}
"""
OUT = ("--workers", 1, "--quiet", "--out", "out")
COMMANDS = {
    "inspect": ("odd.nc",),
    "predict": ("odd.nc", "--target", "B", "--folds", 2, "--models",
                "mean_rate,pca_ridge,poisson_glm", *OUT),
    "decode": ("odd.nc", "--label", "choice", "--folds", 3, "--permutations", 20, "--over-time",
               *OUT[2:]),
    "atlas": ("odd.nc", "--min-neurons", 3, *OUT),
    "sweep": ("sweep.yaml", *OUT),
}  # fmt: skip
"""Command -> its options."""
FAST = [
    (what, command)
    for number, what in enumerate(RECORDINGS)
    for command in ("inspect", list(COMMANDS)[1 + number // 3 % 4])
    if command == "inspect" or number % 3 == 0
]
"""Each recording is inspected, a third goes through one more command; the slow lane has all."""


@pytest.mark.parametrize(("what", "command"), FAST)
def test_odd_data_end_in_an_answer_or_a_line(spikecast, tmp_path, what, command):
    check(spikecast, tmp_path, what, command)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("what", RECORDINGS)
def test_so_they_do_by_every_command(spikecast, tmp_path, what, command):
    check(spikecast, tmp_path, what, command)


def check(spikecast, folder, what, command):
    """Call a command on a recording and check how it ends."""
    if (made := make(what)) is None:
        return
    made.save(folder / "odd.nc")
    (folder / "sweep.yaml").write_text(SWEEP)
    status, output, errors = spikecast(command, *COMMANDS[command])
    assert status in (0, 2), (output, errors)
    assert "Warning" not in errors
    assert "--help" not in errors  # the command itself is right
    if status == 2:
        (line,) = errors.splitlines()
        assert line.startswith("error: ")
        assert "damaged" not in line  # what was written a moment ago is not
    else:
        assert output
    # nothing was written but the data and the run
    assert {path.name for path in folder.iterdir()} <= {"odd.nc", "sweep.yaml", "out"}


def make(what):
    """Return a recording, or None where it is refused."""
    try:
        return RECORDINGS[what]()
    except SpikecastError:
        return None


def test_what_cannot_be_made_is_refused_in_a_line():
    refused = {}
    for what, recording in RECORDINGS.items():
        try:
            recording()
        except SpikecastError as error:
            refused[what] = str(error)
    assert refused.keys() <= {"huge", "tiny", "counts beyond float32", "one bin"}, refused
    assert all(message.isprintable() for message in refused.values())
