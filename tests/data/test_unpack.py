"""Archives within archives, and what must not be written."""

import io
import tarfile
import zipfile

import pytest

from spikecast.core.errors import FetchError, FormatError
from spikecast.data.catalog import DATASETS
from spikecast.data.download import fetch_data_set, find_data_set, list_local_files
from spikecast.data.unpack import unpack


def make_tar(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def write_release(path):
    """Write a zip of a tar of tars, one a session, as the authors of Steinmetz 2019 give them."""
    flat = make_tar({"spikes.times.npy": b"1"})
    foldered = make_tar({"Muller_2017-01-07/spikes.times.npy": b"2"})
    sessions = {"Cori_2016-12-14.tar": flat, "Muller_2017-01-07.tar": foldered}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("allData.tar", make_tar(sessions))
        archive.writestr("readme.txt", "text")


def test_sessions_end_in_folders_of_their_names(tmp_path):
    write_release(tmp_path / "a.zip")
    unpack(tmp_path / "a.zip", tmp_path / "mine")
    files = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {
        "mine/readme.txt",
        "mine/allData/Cori_2016-12-14/spikes.times.npy",
        "mine/allData/Muller_2017-01-07/spikes.times.npy",
    }


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/spikecast_out.txt"])
def test_nothing_is_written_outside(tmp_path, name):
    (tmp_path / "a.tar").write_bytes(make_tar({name: b"x"}))
    try:
        unpack(tmp_path / "a.tar", tmp_path / "inside" / "mine")
    except FormatError:
        assert not (tmp_path / "inside" / "mine").exists()
    outside = [p for p in tmp_path.rglob("*out.txt") if "mine" not in str(p)]
    assert not outside


def test_a_damaged_archive_leaves_no_folder(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"not an archive")
    with pytest.raises(FormatError, match="damaged or no archive"):
        unpack(tmp_path / "a.zip", tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
    assert (tmp_path / "a.zip").exists()


def test_a_time_beyond_all_clocks_is_one_line(tmp_path):
    whole = bytearray(make_tar({"a.txt": b"abc"}))
    whole[136:148] = b"\x80" + b"\xff" * 11  # the time, and the checksum that goes with it
    whole[148:156] = b" " * 8
    whole[148:156] = b"%06o\0 " % sum(whole[:512])
    (tmp_path / "a.tar").write_bytes(whole)
    with pytest.raises(FormatError, match="damaged or no archive"):
        unpack(tmp_path / "a.tar", tmp_path / "mine")


@pytest.mark.parametrize("flag", [b"\x01\x00", b"\x40\x00"])
def test_an_encrypted_archive_is_refused(tmp_path, flag):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    whole = (tmp_path / "a.zip").read_bytes()
    local, central = whole.split(b"PK\x01\x02")
    whole = local[:6] + flag + local[8:] + b"PK\x01\x02" + central[:4] + flag + central[6:]
    (tmp_path / "a.zip").write_bytes(whole)
    with pytest.raises(FormatError, match="encrypt"):
        unpack(tmp_path / "a.zip", tmp_path / "mine")


@pytest.mark.parametrize("name", ["steinmetz-alf", "stringer-original"])
def test_offline_says_where_the_files_go(tmp_path, monkeypatch, name):
    monkeypatch.setenv("SPIKECAST_DATA", str(tmp_path))
    data_set = DATASETS[name]
    with pytest.raises(FetchError, match=f"{data_set.page} and unpack it into .*{name}"):
        find_data_set(name)
    assert list_local_files(name) == []
    (tmp_path / name / "Cori_2016-12-14").mkdir(parents=True)
    assert find_data_set(name) == tmp_path / name
    assert fetch_data_set(name) == [tmp_path / name]  # what was put there by hand is not fetched


def test_a_member_without_a_name_is_refused(tmp_path):
    nameless = zipfile.ZipInfo("a")
    nameless.filename = ""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(nameless, b"1")
    with pytest.raises(FormatError, match="is damaged or no archive"):
        unpack(tmp_path / "a.zip", tmp_path / "mine")
