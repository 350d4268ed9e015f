"""The page of the doctor: every part, for a session and for a recording; in a real browser."""

import html
import re
from dataclasses import replace

import numpy as np
import pytest

from spikecast.core.errors import InputError
from spikecast.data import simulate
from spikecast.data.cut import cut_session
from spikecast.data.recording import Recording
from spikecast.data.selection import Selection
from spikecast.data.simulate import faults
from spikecast.report.doctor import page
from spikecast.report.doctor.correlograms import LAGS, correlate


def make_ill_session():
    """Plant most of the faults in one session."""
    raw = simulate.raw_session({"VISp": 8, "MOs": 8}, 120, median_rate=8.0, seed=2)
    rates = [len(raw.spikes.read_unit(row)) for row in range(16)]
    busy = np.argsort(rates)[::-1]
    raw = faults.add_foreign_spikes(raw, busy[:2], 0.4)
    raw = faults.lose_units(raw, busy[2:4], 0.3)
    raw = faults.share_spikes(raw, int(busy[4]), int(busy[5]), 0.7)
    raw = faults.drift_clock(raw, 0.1)
    licks = np.sort(np.random.default_rng(0).uniform(*raw.duration, 50))
    return replace(raw, events={"licks": np.round(1000 * licks)})


@pytest.fixture(scope="module")
def subjects(recording):
    counts = np.random.default_rng(0).poisson(0.2, (400, 40, 25))
    counts[:, :, 20] = counts[:, :, 2]
    return {
        "ill": make_ill_session(),
        "in_order": simulate.raw_session({"A <1>": 6}, 80, seed=1),
        "without_a_table": replace(simulate.raw_session({"A": 3}, 60), tables={}),
        "recording": recording,
        "twins": Recording.from_arrays(counts, 0.01 * np.arange(40), ["A"] * 12 + ["B"] * 13),
        "imaging": simulate.spontaneous(n_neurons=30, n_bins=600, planes=2).recording,
    }


@pytest.fixture(scope="module")
def pages(subjects, tmp_path_factory):
    """The page of each subject, in a folder of its own, written when it is first asked for."""

    class Pages(dict):
        def __missing__(self, name):
            path = tmp_path_factory.mktemp("page") / "inspect.html"
            self[name] = page.build(subjects[name], path, command="spikecast inspect x")
            return self[name]

    return Pages()


NAMES = ["ill", "in_order", "without_a_table", "recording", "twins", "imaging"]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_stands_alone(pages, name):
    path = pages[name]
    text = path.read_text(encoding="utf-8")
    assert [one.name for one in path.parent.iterdir()] == ["inspect.html"]
    assert set(re.findall(r'(?:src|href)="([^#d][^"]*)"', text)) == set()
    assert "nan" not in re.sub(r"base64,[^\"]*", "", text).lower()
    assert "{" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    assert "spikecast inspect x" in text


def test_every_fault_is_on_the_page(pages):
    text = html.unescape(pages["ill"].read_text("utf-8"))
    for part in (
        "5 things may mislead", "look like milliseconds", "spikes of other neurons",
        "not there all the time", "one neuron twice", "earlier at the end", "its area",
    ):  # fmt: skip
        assert part in text or part.replace("earlier", "later") in text, part
    figures = re.findall(r'<figure id="([^"]*)"', text)
    assert figures == [
        "activity", "presence", "contamination", "autocorrelograms", "pairs", "area-pairs",
        "events", "responses",
    ]  # fmt: skip


def test_a_session_in_order_says_so(pages):
    text = pages["in_order"].read_text("utf-8")
    assert "Nothing was found that needs attention" in text
    assert "cannot be told: needs amplitudes" in text
    assert "A &lt;1&gt;" not in text or "<1>" not in text


def test_the_page_must_be_html(subjects, tmp_path):
    with pytest.raises(InputError, match=r"must end in \.html"):
        page.build(subjects["recording"], tmp_path / "page.pdf")
    assert list(tmp_path.iterdir()) == []


def test_the_correlogram_is_that_of_all_pairs():
    rng = np.random.default_rng(0)
    one, other = np.sort(rng.uniform(0, 2, (2, 300)), axis=1)
    pairs = other - one[:, np.newaxis]
    expected, _ = np.histogram(pairs, LAGS)
    np.testing.assert_array_equal(correlate(one, other, same=False), expected)
    own = (one - one[:, np.newaxis])[~np.eye(300, dtype=bool)]
    np.testing.assert_array_equal(correlate(one, one), np.histogram(own, LAGS)[0])


@pytest.mark.parametrize("width", [390, 1100])
@pytest.mark.parametrize("name", ["ill", "twins"])
def test_in_a_browser(pages, name, width, browser):
    browser.set_window_size(width, 900)
    browser.get(pages[name].as_uri())
    assert browser.get_log("browser") == []
    script = "return [document.documentElement.scrollWidth, window.innerWidth]"
    content, window = browser.execute_script(script)
    assert content <= window
    broken = "return [...document.images].filter(one => !one.naturalWidth).length"
    assert browser.execute_script(broken) == 0


def test_the_command_writes_it(recording, spikecast, tmp_path):
    recording.save(tmp_path / "mine.nc")
    done = spikecast("inspect", "mine.nc", "--html", "--out", "mine.html")
    assert (done.status, done.output.strip()) == (0, "wrote mine.html")
    assert "spikecast inspect mine.nc" in (tmp_path / "mine.html").read_text("utf-8")
    done = spikecast("inspect", "mine.nc", "--html", "--out", "mine.txt")
    assert done.status == 2
    assert "must end in .html" in done.errors


def test_the_page_of_a_session_that_is_cut_says_what_was_taken(tmp_path):
    raw = simulate.raw_session({"A": 5, "B": 5}, 70, seed=1)
    long = Selection(align="stim_on", window=(-1.0, 4.0), bin_size=0.02)
    recording = cut_session(raw, long)
    path = page.build(raw, tmp_path / "a.html", recording=recording)
    text = html.unescape(path.read_text("utf-8"))
    assert "What was taken" in text
    assert "time 0 is 'stim_on'" in text
    assert text.count("windows overlap the next one") == 1
    again = html.unescape(page.build(recording, tmp_path / "b.html").read_text("utf-8"))
    assert "time 0 is 'stim_on'" in again
    assert again.count("windows overlap the next one") == 1
