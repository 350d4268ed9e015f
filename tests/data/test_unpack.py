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


def write_links_out(path):
    """Write a tar whose links, too long to be resolved, lead to a file beside the folder."""
    long, short = "d" * 247, "abcdefghijklmnop"
    members = []
    for depth, letter in enumerate(short):
        inside = "/".join([long] * depth)
        members.append((f"{inside}/{long}".strip("/"), tarfile.DIRTYPE, ""))
        members.append((f"{inside}/{letter}".strip("/"), tarfile.SYMTYPE, long))
    end = "/".join(short) + "/" + "l" * 254
    members += [
        (end, tarfile.SYMTYPE, "../" * len(short)),
        ("out", tarfile.SYMTYPE, f"{end}/../secret"),
        ("file", tarfile.LNKTYPE, "out/file"),
    ]
    with tarfile.open(path, "w") as archive:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
        info = tarfile.TarInfo("file")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"new"))


def test_links_do_not_lead_out_of_the_folder(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("old")
    write_links_out(tmp_path / "a.tar")
    with pytest.raises(FormatError, match="a link or a device"):
        unpack(tmp_path / "a.tar", tmp_path / "mine")
    assert (tmp_path / "secret" / "file").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar", "secret"}  # nothing is left


def test_a_long_note_of_a_member_is_not_searched_for_minutes(tmp_path):
    info, note = tarfile.TarInfo("x"), b"1" * 300_000
    info.type, info.size = tarfile.XHDTYPE, len(note)
    end = tarfile.TarInfo("a").tobuf() + bytes(10240)
    (tmp_path / "a.tar").write_bytes(info.tobuf() + note + bytes(-len(note) % 512) + end)
    with pytest.raises(FormatError, match="is damaged or no archive"):
        unpack(tmp_path / "a.tar", tmp_path / "mine")


def test_notes_of_members_are_read(tmp_path):
    name = "é" * 120 + ".txt"
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo(name))
    unpack(tmp_path / "a.tar", tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [name]


def test_what_is_larger_than_the_disk_is_not_begun(tmp_path):
    info = tarfile.TarInfo("a")
    info.size = 10**15
    (tmp_path / "a.tar").write_bytes(info.tobuf() + bytes(10240))
    with pytest.raises(FormatError):
        unpack(tmp_path / "a.tar", tmp_path / "mine")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", b"1")
        archive.filelist[0].file_size = 10**15
    with pytest.raises(FormatError, match=r"1000000.0 GB, and .* of the disk are free"):
        unpack(tmp_path / "a.zip", tmp_path / "mine")


def test_a_folder_and_a_file_of_one_name_are_one_line(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("q", "1")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x", "a")
        archive.writestr("x.zip", inner.getvalue())
    with pytest.raises(FormatError, match="is damaged or no archive"):
        unpack(tmp_path / "a.zip", tmp_path / "mine")
