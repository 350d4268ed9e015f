"""Checkpoints of long trainings: the whole state of the loop in one file, written now and then.

Code that runs a fit opens ``keep_checkpoints(folder)`` around it. Every training inside takes the
next number and finds its own file again when the same fit is run a second time. The state holds the
generator too, so a resumed training ends with the same numbers as one that was not interrupted.

Every run opens it, also without a network; torch takes a second to import, hence only where needed.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from spikecast.core.checksums import check_checksum, has_checksum, name_checksum, write_checksum
from spikecast.core.errors import DamagedFileError
from spikecast.core.files import write_atomically

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")
Check = Callable[[dict[str, "Tensor"], str], T]

EVERY = 30.0  # seconds


class Checkpoints:
    """Numbered checkpoint files of the trainings of one fit; without a folder none is kept."""

    def __init__(self, folder: Path | None, every: float = EVERY) -> None:
        self.folder, self.every = folder, every
        self.number = 0

    def open_next(self, signature: str) -> Checkpoint:
        """Return the checkpoint of the training that begins now; `signature` says what it is."""
        self.number += 1
        path = None if self.folder is None else self.folder / f"{self.number}.safetensors"
        return Checkpoint(path, signature, self.every)


class Checkpoint:
    """The checkpoint file of one training."""

    def __init__(self, path: Path | None, signature: str, every: float) -> None:
        self.path, self.signature, self.every = path, signature, every
        self.saved = time.monotonic()

    def is_due(self) -> bool:
        """Whether it is time to save."""
        return self.path is not None and time.monotonic() - self.saved >= self.every

    def save(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Write tensors and plain values, and the state of torch's random generators."""
        import torch
        from safetensors.torch import save as serialize

        assert self.path is not None
        # copies: safetensors refuses tensors that share memory
        state = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in tensors.items()
        }
        state["generator"] = torch.get_rng_state()
        if torch.cuda.is_available():
            state["generator.cuda"] = torch.cuda.get_rng_state()
        name_checksum(self.path).unlink(missing_ok=True)
        with write_atomically(self.path) as temporary:
            about = {"signature": self.signature, "values": json.dumps(values)}
            temporary.write_bytes(serialize(state, about))
        write_checksum(self.path)
        self.saved = time.monotonic()

    def load(self, check: Check[T]) -> tuple[dict[str, Tensor], T] | None:
        """Return what this training saved before and set the random generators, or return None.

        `check` is given the tensors, and the values as JSON; it returns the values, or raises a
        ValueError. A damaged file, or one of another training, counts as none.
        """
        if self.path is None or not has_checksum(self.path):
            return None
        from safetensors import SafetensorError, safe_open

        try:
            check_checksum(self.path)
            with safe_open(self.path, "pt") as file:
                about = file.metadata() or {}
                if about.get("signature") != self.signature:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            generators = [tensors.pop(one, None) for one in ("generator", "generator.cuda")]
            values = check(tensors, about.get("values", ""))
            _set_generators(*generators)
        except (DamagedFileError, SafetensorError, ValueError):
            return None
        return tensors, values


def _set_generators(state: Tensor | None, cuda: Tensor | None) -> None:
    """Set torch's random generators, or raise a ValueError and leave them where a state is none."""
    import torch

    if state is None:
        raise ValueError("there is no state of a generator")
    before = torch.get_rng_state()
    try:
        torch.set_rng_state(state)
        if cuda is not None:
            torch.cuda.set_rng_state(cuda)
    except (TypeError, AttributeError, RuntimeError) as error:
        torch.set_rng_state(before)
        raise ValueError("this is no state of a generator") from error


_CURRENT: ContextVar[Checkpoints | None] = ContextVar("checkpoints", default=None)


def current_checkpoints() -> Checkpoints:
    """Return the checkpoints of the fit that is running; by default they keep nothing."""
    return _CURRENT.get() or Checkpoints(None)


@contextmanager
def keep_checkpoints(folder: Path, every: float = EVERY) -> Iterator[None]:
    """Keep checkpoints of trainings within the block in `folder`; remove it where none fails.

    There are `every` seconds between two checkpoints of a training.
    """
    token = _CURRENT.set(Checkpoints(folder, every))
    try:
        yield
    finally:
        _CURRENT.reset(token)
    shutil.rmtree(folder, ignore_errors=True)
