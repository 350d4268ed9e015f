"""Every study by its command, with --quick, on simulated data."""

import resource
import subprocess
import sys

import pytest

from spikecast.runs.studies.catalog import STUDIES

LONGEST = 180  # seconds of one processor: what else the machine does must not matter


@pytest.mark.slow
@pytest.mark.parametrize("name", list(STUDIES))
def test_quick_is_quick_and_ends_in_a_page(name, tmp_path):
    begun = _used()
    done = subprocess.run(
        [sys.executable, "-m", "spikecast.cli", "run", name, "--quick", "--quiet"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("A simulated recording")
    assert _used() - begun < LONGEST
    assert (tmp_path / "runs" / name / "report.html").exists()
    for cell in done.stdout.split("  as described")[1:]:
        lines = cell.split("\n  sound")[0].strip()
        assert lines.endswith("(simulated)") or lines.startswith("None: ")
    audited = subprocess.run(
        [sys.executable, "-m", "spikecast.cli", "audit", f"runs/{name}"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    described, *sound = audited.split("sound, ")
    assert "fix:" in described
    assert sound
    assert all("fix:" not in part for part in sound)


def _used():
    """Seconds of processor time that finished child processes took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
