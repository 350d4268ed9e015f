"""Recordings and the browser that many tests share, and the reasons why some tests skip."""

import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from undrawn_pages import leave_undrawn

from spikecast import cli
from spikecast.data import simulate
from spikecast.data.recording import Recording
from spikecast.data.simulate import Simulated

# tests run beside each other: one that wants processes names their number
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")

REAL = Path(__file__).parents[2] / "shared" / "data" / "steinmetz_subset.npz"


def pytest_collection_finish() -> None:
    """Keep what is imported by now out of garbage collections, and collect less often.

    Where many objects are made, as in drawing, collections take an eighth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def simulated() -> Simulated:
    """A small decision task with its truth."""
    return simulate.decision_task(
        n_trials=60, areas={"VISp": 25, "MOs": 20, "CA1": 15}, n_bins=80, stim_onset=0.2, seed=5
    )


@pytest.fixture(scope="session")
def recording(simulated: Simulated) -> Recording:
    return simulated.recording


@pytest.fixture(scope="session")
def real_file() -> Path:
    if not REAL.exists():
        pytest.skip("the real recordings (../shared/data) are not here")
    return REAL


@pytest.fixture(scope="module")
def few_steps() -> Iterator[None]:
    """Train networks for the epochs asked for, not for as many steps as they need.

    For tests of what surrounds a network, not of what it learns.
    """
    from spikecast.models.networks import training  # imports torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "count_epochs", lambda plan, steps: plan.epochs)
        yield


@pytest.fixture(scope="module")
def one_width() -> Iterator[None]:
    """Draw the figures of a page for a laptop only, not for a phone too."""
    from spikecast.report.shared import pages

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "_draw_narrow", lambda drawing: "")
        yield


@pytest.fixture(scope="module")
def quick_pages() -> Iterator[None]:
    with leave_undrawn():
        yield


class Outcome(NamedTuple):
    """Exit status and output of a command."""

    status: int
    output: str
    errors: str


@pytest.fixture
def spikecast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Callable[..., Outcome]:
    """Call the command line in an empty folder, in this process."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["spikecast", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Outcome(int(ended.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator:
    pytest.importorskip("distributed", reason="dask is not installed")
    from dask_processes import Cluster

    made = Cluster(tmp_path / "dask")
    yield made
    made.end()


@pytest.fixture
def browser(opened_browser):
    yield opened_browser
    opened_browser.get("about:blank")  # a figure that can be turned goes on drawing


@pytest.fixture(scope="session")
def opened_browser(tmp_path_factory):
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("Chromium and its driver are not installed")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for argument in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--enable-unsafe-swiftshader",  # figures that can be turned need WebGL, here without a GPU
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options, service)
    yield driver
    driver.quit()
