"""Which process may write into a run directory, and the log that it leaves there."""

import logging
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spikecast.core.checks import shorten_line
from spikecast.core.checksums import name_checksum
from spikecast.core.errors import MissingFileError, RunError
from spikecast.core.files import (
    LOCK,
    NO_ROOM,
    check_path,
    explain_write_errors,
    is_special,
    is_temporary,
    lock_folder,
    refuse_links,
)
from spikecast.core.stored import read_json, read_text
from spikecast.runs.layout import (
    AtlasLayout,
    Layout,
    RunLayout,
    StudyLayout,
    SweepLayout,
    find_kind,
    list_foreign,
)
from spikecast.runs.manifest import check_data_unchanged, check_same_version, read_manifest
from spikecast.runs.settings import check_settings_unchanged, read_settings

log = logging.getLogger("spikecast")

_RUN, _ATLAS, _SWEEP = RunLayout(Path()), AtlasLayout(Path()), SweepLayout(Path())
_FIRST = (
    *(_RUN.log, _RUN.config, _ATLAS.settings, _RUN.excerpt, name_checksum(_RUN.excerpt)),
    *(_RUN.targets, _RUN.trial_table),
    *(_SWEEP.journal, _SWEEP.journal_lock, _SWEEP.claim_lock),
)
BEFORE_MANIFEST = {path.name for path in _FIRST}
"""What a run may have written before its manifest says that it is one."""


@contextmanager
def open_run_directory(
    config: Path, text: str, identity: dict[str, Any], *, resume: bool, overwrite: bool
) -> Iterator[None]:
    """Prepare a run directory, hold its lock during a block, and write its log there.

    Arguments and errors are those of :func:`prepare_run_directory`; a RunError is also raised when
    another process writes there.
    """
    # before a folder is made for the lock, and again when no other process can change it
    _check_writable(config, text, identity, resume, overwrite)
    with lock_folder(config.parent):
        prepare_run_directory(config, text, identity, resume=resume, overwrite=overwrite)
        with log_to_file(Layout(config.parent).log):
            yield


def prepare_run_directory(
    config: Path, text: str, identity: dict[str, Any], *, resume: bool, overwrite: bool
) -> None:
    """Check that a run may be written into a directory; empty it where it is replaced.

    `config` is the file in the directory that is to hold the settings, `text`; `identity` is that
    of the data, or of each session's. Raises a RunError when the directory holds something else,
    a run that is neither resumed nor overwritten, or nothing that could be resumed.
    """
    _check_writable(config, text, identity, resume, overwrite)
    if overwrite or is_being_emptied(config.parent):
        empty_folder(config.parent)
    elif _is_unbegun(config.parent):
        empty_folder(config.parent, keep=(LOCK, _RUN.log.name))


def _check_writable(
    config: Path, text: str, identity: dict[str, Any], resume: bool, overwrite: bool
) -> None:
    """Raise a RunError where a run may not be written."""
    folder = config.parent
    check_path(folder)
    if resume and overwrite:
        raise RunError(f"the run in '{folder}' is either resumed or overwritten, not both")
    if is_being_emptied(folder):
        check_replaceable(folder)
        return
    if _is_unbegun(folder):
        if resume and not _list_names(folder):  # what was killed as it was set up begins anew
            raise RunError(f"there is no run in '{folder}' to resume")
        return
    if overwrite and _holds_run(folder):  # whatever its version
        check_replaceable(folder)
        return
    refuse_links(folder)
    manifest = read_manifest(folder)  # refuses a folder that is not a run
    if not resume:
        state = "a finished" if manifest.get("finished") else "an unfinished"
        raise RunError(
            f"'{folder}' holds {state} run; resume it, overwrite it, or name another folder"
        )
    if not config.exists() or read_settings(read_text(config)) != read_settings(text):
        raise RunError(f"'{folder}' was made with another config; see {config}")
    if not manifest.get("finished"):
        check_same_version(folder, manifest["versions"].get("spikecast"))
    check_settings_unchanged(config, manifest)
    check_data_unchanged(folder, manifest["data"]["hash"], identity)


def check_replaceable(folder: Path) -> None:
    """Raise where a run that is to be replaced shares its folder: the rest would be lost."""
    foreign = [name for name in list_foreign(folder) if not is_temporary(Path(name))]
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise RunError(
            f"'{folder}' also holds {shorten_line(', '.join(foreign[:3]))}{more}, no part of a "
            "run: move that away before the run is overwritten, or name another folder"
        )


def _is_unbegun(folder: Path) -> bool:
    """Return whether nothing is in a folder, or only what an interrupted run began to set up.

    A run begins its log before anything else: without one, what is there is somebody's own.
    """
    names = _list_names(folder)
    return names <= BEFORE_MANIFEST and (not names or _RUN.log.name in names)


def _holds_run(folder: Path) -> bool:
    """Return whether a folder is one of ours, though damaged: other programs have manifests too."""
    try:
        manifest = read_json(Layout(folder).manifest, dict[str, Any])
    except MissingFileError:
        return False
    except RunError:
        return any(
            path.exists() for path in (RunLayout(folder).config, AtlasLayout(folder).settings)
        )
    return "spikecast" in (manifest.get("versions") or ())


def _list_names(folder: Path) -> set[str]:
    with explain_write_errors(folder):
        if not folder.exists():
            return set()
        if not folder.is_dir():
            raise RunError(f"'{folder}' is a file; a run needs a folder")
        return {path.name for path in folder.iterdir() if not is_temporary(path)} - {LOCK}


def is_finished(folder: Path) -> bool:
    """Return whether nothing is left to do in a folder: no fit that is missing, or failed.

    A folder that holds nothing of ours, or damaged files, counts as finished: it is not resumed.
    """
    if is_being_emptied(folder):
        return False
    if find_kind(folder) in ("study", "sweep"):
        return StudyLayout(folder).result.exists() or SweepLayout(folder).result.exists()
    if not Layout(folder).manifest.exists():
        return not _list_names(folder) or not _is_unbegun(folder)
    try:
        manifest = read_manifest(folder)
    except RunError:
        return True
    return bool(manifest.get("finished")) and not manifest.get("failed")


def empty_folder(folder: Path, keep: Sequence[str] = (LOCK,)) -> None:
    """Remove all but some files: by default the lock, which may be held.

    Where this is interrupted, a mark says so, and the next run empties the rest.
    """
    if not folder.exists():
        return
    mark = Layout(folder).emptying
    if mark.exists() or mark.is_symlink():
        _remove(mark)
    mark.touch(exist_ok=False)
    for path in folder.iterdir():
        if path != mark and (path.name not in keep or path.is_dir()):
            _remove(path)
    mark.unlink()


def is_being_emptied(folder: Path) -> bool:
    """Return whether a run in a folder was being replaced when that was interrupted."""
    return Layout(folder).emptying.is_file()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():  # what a link names is not ours
        shutil.rmtree(path)
    else:
        path.unlink()


class LogFile(logging.FileHandler):
    """A log that goes without its last lines where the disk is full: the run says so itself."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Show what went wrong, but for a full disk."""
        error = sys.exception()
        if not (isinstance(error, OSError) and error.errno in NO_ROOM):
            super().handleError(record)

    def close(self) -> None:
        """Close the file; what does not fit on a full disk is lost."""
        stream = self.stream
        try:
            super().close()
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            if stream is not None:
                stream.close()  # now that what it held is gone


@contextmanager
def log_to_file(path: Path) -> Iterator[None]:
    """Write the log of a block to a file, and how the block ended where it failed."""
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_special(path):
            raise RunError(f"'{path}' is a pipe or a device; move it away")
        handler = LogFile(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    except KeyboardInterrupt:
        log.info("interrupted")
        raise
    except Exception:
        log.exception("failed")
        raise
    finally:
        log.removeHandler(handler)
        handler.close()
