"""A file that is not what its checksum says is refused."""

import shutil
import subprocess

import pytest

from spikecast.core.checksums import check_checksum, has_checksum, name_checksum, write_checksum
from spikecast.core.errors import DamagedFileError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "numbers.nc"
    path.write_bytes(bytes(1000))
    assert not has_checksum(path)
    write_checksum(path)
    return path


def test_a_whole_file_passes_also_by_the_common_tool(file):
    assert has_checksum(file)
    check_checksum(file)
    if tool := shutil.which("b2sum"):
        command = [tool, "--check", name_checksum(file).name]
        subprocess.run(command, cwd=file.parent, capture_output=True, check=True)


@pytest.mark.parametrize("content", [b"", bytes(999), bytes(500) + b"1" + bytes(499), bytes(1001)])
def test_a_damaged_one_is_a_line(file, content):
    file.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"numbers\.nc' is damaged: .*b2sum says$"):
        check_checksum(file)


def test_a_damaged_checksum_is_a_line(file):
    for content in (b"", b"\xff\xfe", b"0" * 100):
        name_checksum(file).write_bytes(content)
        with pytest.raises(DamagedFileError):
            check_checksum(file)
