"""Download a known data set once: with progress, resumed after an interruption, checked."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from spikecast.core.checks import check_one_of
from spikecast.core.errors import FetchError, FormatError
from spikecast.core.files import is_special, write_text
from spikecast.core.stored import read_text
from spikecast.data.catalog import DATASETS, DataSet, RemoteFile
from spikecast.data.unpack import unpack

CHUNK = 1 << 20
TIMEOUT = 30  # seconds without an answer

DownloadProgress = Callable[[str, int, int | None], None]
"""Called with (file name, bytes so far, bytes in all or None)."""


def find_data_folder() -> Path:
    """Return the folder of data sets: ``$SPIKECAST_DATA``, else the user's cache folder."""
    return Path(os.environ.get("SPIKECAST_DATA") or user_cache_path("spikecast"))


def list_local_files(name: str) -> list[Path]:
    """Return the files of data set `name` on this machine, or the folder they are unpacked in."""
    data_set = DATASETS[name]
    folder = find_data_folder() / data_set.folder
    if data_set.folder and folder.is_dir() and any(folder.iterdir()):
        return [folder]
    paths = [find_data_folder() / file.name for file in data_set.files]
    return [path for path in paths if path.exists() and not data_set.folder]


def find_data_set(name: str) -> Path:
    """Return the path of data set `name` (its folder if it has several files), or raise."""
    data_set = DATASETS[name]
    found = list_local_files(name)
    if len(found) < len(data_set.files):
        raise FetchError(
            f"data set '{name}' is not on this machine; run 'spikecast data fetch {name}'. "
            + _explain_manual_download(data_set, data_set.files)
        )
    return find_data_folder() if len(found) > 1 else found[0]


def fetch_data_set(name: str, progress: DownloadProgress | None = None) -> list[Path]:
    """Download the files of a data set that are not on this machine, and return all its files.

    What was downloaded before an error stays in a ``.part`` file, and the next call goes on there.
    Archives are unpacked into the data set's folder, and then removed.
    """
    check_one_of("data set", name, list(DATASETS))
    data_set = DATASETS[name]
    if data_set.folder and (found := list_local_files(name)):
        return found
    paths = [_fetch_file(data_set, file, progress) for file in data_set.files]
    if not data_set.folder:
        return paths
    folder = find_data_folder() / data_set.folder
    for path in paths:
        unpack(path, folder)
    return [folder]


def _fetch_file(data_set: DataSet, file: RemoteFile, progress: DownloadProgress | None) -> Path:
    path = find_data_folder() / file.name
    if not path.exists():
        part = path.with_name(path.name + ".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            _download(file, part, progress)
        except OSError as error:  # those of requests among them
            raise FetchError(
                f"'{file.name}' could not be downloaded ({type(error).__name__}). "
                + _explain_manual_download(data_set, (file,))
            ) from None
        os.replace(part, path)
    _check_hash(path, file.sha256)
    return path


def _download(file: RemoteFile, part: Path, progress: DownloadProgress | None) -> None:
    """Append to `part` what is missing of a file."""
    import requests  # takes a while to import, and every command imports this module

    done = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={done}-"} if done else {}
    with requests.get(file.url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # the part file is already whole
        response.raise_for_status()
        if done and response.status_code != requests.codes.partial_content:
            done = 0  # this server does not resume
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        with open(part, "ab" if done else "wb") as stream:
            for chunk in response.iter_content(CHUNK):
                stream.write(chunk)
                done += len(chunk)
                if progress:
                    progress(file.name, done, total)
    if total is not None and done < total:
        raise requests.ConnectionError(f"{total - done} bytes are missing")


def _check_hash(path: Path, known: str | None) -> None:
    """Raise unless a file has its known checksum, else the one stored at its first download."""
    note = path.with_name(path.name + ".sha256")
    if is_special(path):
        raise FormatError(f"'{path}' is a pipe or a device; delete it and fetch it again")
    with open(path, "rb") as stream:
        current = hashlib.file_digest(stream, "sha256").hexdigest()
    if known is None and note.exists():
        known = _read_note(note)
    if known is not None and current != known:
        raise FormatError(
            f"'{path}' has sha256 {current}, not {known}: it is damaged or another version. "
            "Delete it and fetch it again"
        )
    if not note.exists():
        write_text(note, current + "\n")


def _read_note(note: Path) -> str:
    """Return the checksum in a file, or raise where it holds something else."""
    content = read_text(note).strip()
    if len(content) != hashlib.sha256().digest_size * 2:
        raise FormatError(f"'{note}' holds no checksum; delete it")
    return content


def _explain_manual_download(data_set: DataSet, files: tuple[RemoteFile, ...]) -> str:
    """Return a sentence with the address of each file and where to put it."""
    if data_set.folder:
        folder = find_data_folder() / data_set.folder
        return f"By hand: download it from {data_set.page} and unpack it into {folder}"
    steps = "; ".join(f"{file.url} as {find_data_folder() / file.name}" for file in files)
    return f"By hand: download {steps}"
