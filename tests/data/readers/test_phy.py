"""Folders of Kilosort and Phy: planted counts, labels, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fuzz.format_fuzz import check_mutations

from spikecast.core.errors import FormatError
from spikecast.data.readers import phy

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "kilosort"
RATE = 30_000
EVENTS = np.array([1.0, 2.5, 4.0])
WINDOW, BIN_SIZE = (-0.1, 0.2), 0.1
IDS = np.array([2, 5, 9])


def plant_spikes():
    """Return samples and units of spikes, and the counts that they give around the events."""
    counts = np.random.default_rng(0).integers(0, 4, (len(EVENTS), 3, len(IDS)))
    times, units = [], []
    for (trial, time, unit), count in np.ndenumerate(counts):
        start = EVENTS[trial] + WINDOW[0] + time * BIN_SIZE
        times += list(start + 0.01 + 0.02 * np.arange(count))
        units += [IDS[unit]] * count
    order = np.argsort(times, kind="stable")
    samples = np.round(np.array(times)[order] * RATE).astype(np.uint64)
    return samples, np.array(units, dtype=np.int32)[order], counts


def write_folder(folder):
    """Write a folder as Phy leaves it, and return the counts that it holds."""
    samples, units, counts = plant_spikes()
    folder.mkdir(exist_ok=True)
    np.save(folder / "spike_times.npy", samples[:, np.newaxis])
    np.save(folder / "spike_clusters.npy", units)
    np.save(folder / "spike_templates.npy", np.searchsorted(IDS, units).astype(np.uint32))
    np.save(folder / "amplitudes.npy", np.where(units == 5, 3.0, 7.0)[:, np.newaxis])
    templates = np.zeros((3, 10, 4), dtype=np.float32)
    for template, channel in enumerate((3, 0, 2)):
        templates[template, 4, channel] = -5
    np.save(folder / "templates.npy", templates)
    np.save(folder / "channel_positions.npy", [[0.0, 20.0 * i] for i in range(4)])
    (folder / "params.py").write_text("dat_path = r'C:\\a.dat'\nsample_rate = 30000.\n")
    (folder / "cluster_KSLabel.tsv").write_text(
        "cluster_id\tKSLabel\n2\tgood\n5\tmua\n9\tgood\n11\tmua\n"
    )
    (folder / "cluster_group.tsv").write_text("cluster_id\tgroup\n2\tunsorted\n5\tgood\n")
    (folder / "cluster_area.tsv").write_text("cluster_id\tarea\n2\tCA1\n5\tCA1\n9\tVISp\n")
    return counts


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path / "mine")
    return tmp_path / "mine"


def test_counts_are_those_planted(tmp_path):
    counts = write_folder(tmp_path / "mine")
    session = phy.read_folder(tmp_path / "mine")
    assert list(session.units.index) == list(IDS)
    found = session.spikes.count(np.arange(3), EVENTS, WINDOW, BIN_SIZE)
    np.testing.assert_array_equal(found, counts)
    assert session.duration[1] == pytest.approx(session.spikes.times[-1] / RATE)
    assert isinstance(session.spikes.times.base, np.memmap | np.ndarray)
    assert session.session == "mine"


@pytest.mark.parametrize(("values", "found"), [((3.2, 6.4), []), ((385, 382), ["area"])])
def test_sizes_of_units_are_no_areas(folder, values, found):
    (folder / "cluster_area.tsv").unlink()
    (folder / "cluster_metrics.csv").write_text(f"cluster_id,area\n2,{values[0]}\n5,{values[1]}\n")
    assert phy.read_folder(folder).area_columns == found


def test_a_persons_label_goes_before_kilosorts_and_it_is_said(folder):
    session = phy.read_folder(folder)
    assert list(session.units["quality"]) == ["good", "good", "good"]
    assert list(session.quality_columns) == ["quality"]
    notices = {notice.code: notice for notice in session.notices}
    assert notices["quality_joined"].values == {"n_group": 1, "n_sorter": 2, "n_differ": 1}
    assert notices["rows_without_spikes"].values == {"n": 1}


def test_columns_of_units(folder):
    units = phy.read_folder(folder).units
    assert list(units["area"]) == ["CA1", "CA1", "VISp"]
    assert list(phy.read_folder(folder).area_columns) == ["area"]
    np.testing.assert_allclose(units["amplitude"], [7, 3, 7])
    np.testing.assert_allclose(units["depth"], [60, 0, 40])


def test_an_old_cluster_info_does_not_win(folder):
    info = pd.DataFrame({"cluster_id": IDS, "group": ["mua"] * 3, "depth": [1.0, 2.0, 3.0]})
    info.to_csv(folder / "cluster_info.tsv", sep="\t", index=False)
    session = phy.read_folder(folder)
    assert session.units["group"][5] == "good"
    assert list(session.units["depth"]) == [1, 2, 3]
    differ = next(n for n in session.notices if n.code == "columns_differ")
    assert differ.values["n"] == 2


def test_without_phy_the_templates_are_units_and_without_labels_nothing_is_said(tmp_path):
    write_folder(tmp_path / "raw")
    for name in ("spike_clusters.npy", "cluster_KSLabel.tsv", "cluster_group.tsv"):
        (tmp_path / "raw" / name).unlink()
    (tmp_path / "raw" / "cluster_area.tsv").unlink()
    session = phy.read_folder(tmp_path / "raw")
    assert list(session.units.index) == [0, 1, 2]
    assert [notice.code for notice in session.notices] == ["templates_used"]
    assert not session.quality_columns
    assert not session.area_columns


@pytest.mark.parametrize("sign", [",", "\t"])
@pytest.mark.parametrize("name", ["cluster_group.csv", "cluster_group.tsv"])
def test_tabs_or_commas_are_between_columns(folder, name, sign):
    (folder / "cluster_group.tsv").unlink()
    (folder / name).write_text("cluster_id,group\n2,mua\n5,good\n".replace(",", sign))
    assert list(phy.read_folder(folder).units["quality"]) == ["mua", "good", "good"]


def test_an_old_csv_does_not_win(folder):
    (folder / "cluster_group.csv").write_text("cluster_id,group\n5,mua\n")
    session = phy.read_folder(folder)
    assert session.units["group"][5] == "good"
    assert [str(one) for one in session.notices if one.code == "columns_differ"] == [
        "'group' differs between cluster_group.tsv (taken) and cluster_group.csv for 1 units"
    ]


def test_a_table_of_another_tool_does_not_refuse_the_folder(folder):
    metrics = pd.DataFrame({"cluster_id": IDS, "isi": [0.1, 0.2, 0.3], "note": ["a, b", "", "c"]})
    metrics.to_csv(folder / "cluster_metrics.csv")
    known = phy.read_folder(folder)
    assert list(known.units["isi"]) == [0.1, 0.2, 0.3]
    assert "Unnamed: 0" not in known.units
    metrics.drop(columns="cluster_id").to_csv(folder / "cluster_metrics.csv")
    session = phy.read_folder(folder)
    assert list(session.units["quality"]) == list(known.units["quality"])
    assert "isi" not in session.units
    assert re.fullmatch(
        "a table of units is left out: '.*cluster_metrics.csv' needs a column 'cluster_id' of "
        "whole numbers",
        str(next(one for one in session.notices if one.code == "table_left_out")),
    )


def test_params_is_never_run(folder, tmp_path):
    mark = tmp_path / "ran"
    (folder / "params.py").write_text(f"open({str(mark)!r}, 'w')\nsample_rate = 25000\n")
    assert phy.read_sample_rate(folder / "params.py") == 25000
    assert not mark.exists()


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("params.py", "rate = 3", "lacks the line 'sample_rate"),
        ("params.py", "sample_rate = open('x')", "must be a number of samples"),
        ("params.py", "sample_rate = 'a'", "must be a number of samples"),
        ("params.py", "sample_rate = (", "not what Phy writes"),
        ("params.py", "sample_rate = 3e4\nsample_rate = 25000.", "more than once"),
        ("params.py", "sample_rate = 3e4\nif True:\n    sample_rate = 2e4", "more than once"),
        ("params.py", "sample_rate = 3e4\nsample_rate += 1", "more than once"),
        ("params.py", f"sample_rate = x{'.b' * 900}", "must be a number of samples"),
        ("cluster_group.tsv", "cluster_id\tgroup\n2\tgood\n2\tmua\n", "has unit 2 twice"),
        ("cluster_group.tsv", "cluster_id\tgroup\na\tgood\n", "column 'cluster_id' of whole"),
        ("cluster_group.tsv", "group\ngood\n", "needs a column 'cluster_id'"),
    ],
)
def test_bad_text_is_explained(folder, file, content, reason):
    (folder / file).write_text(content)
    with pytest.raises(FormatError, match=reason):
        phy.read_folder(folder)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.array([5, 4, 6]), "not in order of time: spike 1"),
        (np.array([-3, 4, 6]), "negative times"),
        (np.array([0.1, 0.25, 0.5]), "holds fractions"),
        (np.array([0.1, np.nan, 0.5]), "NaN"),
        (np.array([], dtype=int), "no spikes"),
        (np.array(["a", "b", "c"]), "must hold numbers"),
        (np.array([1, {}, 2], dtype=object), "Python objects"),
        (np.zeros((3, 2), dtype=int), "must be one column"),
    ],
)
def test_bad_times_are_explained(folder, values, reason):
    np.save(folder / "spike_times.npy", values, allow_pickle=True)
    np.save(folder / "spike_clusters.npy", np.zeros(len(values), dtype=int))
    with pytest.raises(FormatError, match=reason):
        phy.read_folder(folder)


def test_an_array_that_was_appended_is_not_left_out_without_a_word(folder):
    path = folder / "spike_times.npy"
    path.write_bytes(2 * path.read_bytes())
    with pytest.raises(FormatError, match=r"goes on for \d+ bytes after its array of shape"):
        phy.read_folder(folder)


def test_missing_and_unequal_files_are_named(folder):
    np.save(folder / "spike_clusters.npy", np.zeros(2, dtype=int))
    with pytest.raises(FormatError, match=r"spike_clusters.npy' has 2 values; \d+ are needed"):
        phy.read_folder(folder)
    (folder / "spike_clusters.npy").unlink()
    (folder / "spike_templates.npy").unlink()
    with pytest.raises(FormatError, match=r"neither spike_clusters.npy nor"):
        phy.read_folder(folder)
    (folder / "spike_times.npy").unlink()
    assert not phy.sniff(folder)
    (folder / "params.py").unlink()
    with pytest.raises(FormatError, match="sample_rate = 30000"):
        phy.read_folder(folder)


def read_all(path):
    session = phy.read_folder(path)
    units = np.arange(len(session.units))
    return session.spikes.count(units, EVENTS, WINDOW, BIN_SIZE)


def test_damaged_folders_give_errors_of_one_line(folder, tmp_path):
    assert check_mutations(folder, read_all, tmp_path, 30) > 5


@pytest.mark.slow
def test_ten_thousand_damaged_folders(folder, tmp_path):
    assert check_mutations(folder, read_all, tmp_path, 10_000) > 2000


def test_the_real_sample():
    if not SAMPLE.exists():
        pytest.skip("the real recordings (../shared/data) are not here")
    session = phy.read_folder(SAMPLE)
    assert len(session.units) == 295
    assert session.units["n_spikes"].sum() == 58_544
    assert session.duration[1] == pytest.approx(60, abs=0.01)


def test_params_that_windows_wrote_are_read(folder):
    (folder / "params.py").write_bytes(b"\xef\xbb\xbfsample_rate = 25000.\r\n")
    assert phy.read_sample_rate(folder / "params.py") == 25000


@pytest.mark.filterwarnings("error")
def test_what_python_thinks_of_params_is_not_printed(folder):
    (folder / "params.py").write_text("dat_path = 'C:\\data'\n0x1for x in y\nsample_rate = 25000\n")
    assert phy.read_sample_rate(folder / "params.py") == 25000
