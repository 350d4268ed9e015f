"""Damage one file of a directory: its bytes, or the structure of what is written in it."""

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ODD = (
    None,
    True,
    "",
    "a",
    -1,
    0,
    3,
    2**70,
    1.5,
    float("nan"),
    float("inf"),
    [],
    [[1]],
    {},
    {"a": 1},
)
"""What is put in the place of a value, beside a huge text."""
HUGE = "x" * 5000


def damage_file(path: Path, rng: np.random.Generator) -> str:
    """Damage a file in one way and return what was done."""
    kinds: list[Callable[[Path, np.random.Generator], str]] = [_damage_bytes]
    special = BY_SUFFIX.get(path.suffix)
    if special is not None and path.stat().st_size:
        kinds += [special] * 5
    if rng.random() < 0.06:
        kinds = [_remove, _replace_by_folder]
    return f"{path.name}: {kinds[rng.integers(len(kinds))](path, rng)}"


def _remove(path: Path, rng: np.random.Generator) -> str:
    path.unlink()
    return "removed"


def _replace_by_folder(path: Path, rng: np.random.Generator) -> str:
    path.unlink()
    path.mkdir()
    return "a folder in its place"


def _damage_bytes(path: Path, rng: np.random.Generator) -> str:
    content = path.read_bytes()
    data, size = bytearray(content), max(len(content), 1)
    kind = str(rng.choice(["cut", "flip", "noise", "empty", "repeat"]))
    start, stop = np.sort(rng.integers(size, size=2))
    if kind == "cut":
        data = data[:start]
    elif kind == "empty":
        data = bytearray()
    elif kind == "repeat":
        data = bytearray(content[:stop] + content[start:])
    else:
        data[start : start + (1 if kind == "flip" else 40)] = rng.bytes(1 if kind == "flip" else 40)
    path.write_bytes(data)
    return f"bytes {kind} at {start}"


# ------------------------------------------------------------------------------------ JSON, YAML


def _damage_json(path: Path, rng: np.random.Generator) -> str:
    content = json.loads(path.read_text(encoding="utf-8"))
    content, done = damage_content(content, rng)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return done


def _damage_yaml(path: Path, rng: np.random.Generator) -> str:
    content, done = damage_content(yaml.safe_load(path.read_text(encoding="utf-8")), rng)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return done


def _damage_jsonl(path: Path, rng: np.random.Generator) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    at = int(rng.integers(len(lines)))
    content, done = damage_content(json.loads(lines[at]), rng)
    lines[at] = json.dumps(content)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"line {at + 1} {done}"


def damage_content(content: Any, rng: np.random.Generator) -> tuple[Any, str]:
    """Return nested lists and dicts with one change, and what was changed."""
    places = list(_list_places(content))
    place = places[rng.integers(len(places))]
    if not place:
        value = _pick_odd(rng)
        return value, f"all is {str(value)[:20]!r}"
    holder = content
    for key in place[:-1]:
        holder = holder[key]
    last, old = place[-1], holder[place[-1]]
    kinds = ["drop", "odd", "odd", "odd", "nest"]
    if isinstance(holder, dict):
        kinds.append("rename")
    if isinstance(old, list) and old:
        kinds += ["longer", "shorter", "empty"]
    kind = str(rng.choice(kinds))
    if kind == "drop":
        del holder[last]
    elif kind == "rename":
        holder[f"{last}x"] = holder.pop(last)
    elif kind == "nest":
        holder[last] = [old]
    elif kind == "longer":
        holder[last] = [*old, old[0]]
    elif kind == "shorter":
        holder[last] = old[:-1]
    elif kind == "empty":
        holder[last] = []
    else:
        holder[last] = _pick_odd(rng)
        kind = repr(holder[last])[:20]
    return content, f"at {'.'.join(map(str, place))} {kind}"


def _pick_odd(rng: np.random.Generator) -> Any:
    place = int(rng.integers(len(ODD) + 1))
    return HUGE if place == len(ODD) else ODD[place]


def _list_places(content: Any, place: tuple = ()) -> Any:
    yield place
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _list_places(value, (*place, key))
    elif isinstance(content, list):
        for index, value in enumerate(content[:6]):
            yield from _list_places(value, (*place, index))


# ------------------------------------------------------------------------------------ tables


def _damage_csv(path: Path, rng: np.random.Generator) -> str:
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    column = int(rng.integers(len(rows[0])))
    row = int(rng.integers(1, len(rows))) if len(rows) > 1 else 0
    name = rows[0][column]
    kinds = ["column", "row", "twice", "cell", "cell", "cell", "rename", "rows", "short", "order"]
    kind = str(rng.choice(kinds))
    if kind == "column":
        rows = [one[:column] + one[column + 1 :] for one in rows]
    elif kind == "row":
        del rows[row]
    elif kind == "twice":
        rows.insert(row, list(rows[row]))
    elif kind == "rename":
        rows[0][column] += "x"
    elif kind == "rows":
        del rows[1:]
    elif kind == "short":
        rows[row] = rows[row][:column]
    elif kind == "order":
        rows[1:] = [rows[1:][index] for index in rng.permutation(len(rows) - 1)]
    else:
        odd = ["", "a", "nan", "inf", "-1", "1e400", "True", "1.5", str(2**70), '"', HUGE, "\x00"]
        rows[row][column] = str(rng.choice(odd))
        kind = f"cell {rows[row][column][:20]!r}"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return f"{kind} of column {name}, row {row}"


# ------------------------------------------------------------------------------------ arrays


def _damage_npz(path: Path, rng: np.random.Generator) -> str:
    with np.load(path) as stored:
        arrays = dict(stored)
    name = str(rng.choice(list(arrays)))
    array = arrays.pop(name)
    kind = str(rng.choice(["missing", "rename", "dtype", "shape", "value", "order", "member"]))
    if kind == "rename":
        arrays[f"{name}x"] = array
    elif kind == "dtype":
        numbers = array.dtype.kind in "iufb"
        dtypes = ["f4", "i8", "u1", "U5", "?", "c8", "O"] if numbers else ["U5", "S5", "O"]
        arrays[name] = array.astype(rng.choice(dtypes))
        kind = str(arrays[name].dtype)
    elif kind == "shape":
        shapes = [array[:-1] if array.ndim else array, array[np.newaxis], array.reshape(-1)]
        shapes += [
            array[..., np.newaxis],
            array.reshape(-1)[:0],
            np.concatenate([array.ravel()] * 2),
        ]
        arrays[name] = shapes[rng.integers(len(shapes))]
        kind = f"shape {arrays[name].shape}"
    elif kind in ("value", "order"):
        arrays[name] = array = array.copy()
        if array.size and kind == "order":
            array.reshape(-1)[:] = array.reshape(-1)[::-1].copy()
        elif array.size:
            odd = [np.nan, np.inf, -1e30, -1] if array.dtype.kind == "f" else [-1, 0, 10**6]
            if array.dtype.kind not in "fi":
                odd = [0]
            array.reshape(-1)[rng.integers(array.size)] = rng.choice(odd)
    elif kind == "member":
        arrays[name] = array
    np.savez(path, **arrays)
    if kind == "member":
        _replace_member(path, name, rng)
    return f"member {name}: {kind}"


def _replace_member(path: Path, name: str, rng: np.random.Generator) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    members[f"{name}.npy"] = members[f"{name}.npy"][: int(rng.integers(80))]
    with zipfile.ZipFile(path, "w") as archive:
        for one, content in members.items():
            archive.writestr(one, content)


BY_SUFFIX: dict[str, Callable[[Path, np.random.Generator], str]] = {
    ".json": _damage_json,
    ".yaml": _damage_yaml,
    ".jsonl": _damage_jsonl,
    ".log": _damage_jsonl,
    ".csv": _damage_csv,
    ".npz": _damage_npz,
}


def copy_damaged(sample: Path, copy: Path, choose: Callable[[Path], bool], seed: int) -> str:
    """Copy a directory, damage one of the files that `choose` names, return what was done."""
    rng = np.random.default_rng(seed)
    shutil.copytree(sample, copy)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    files = [path for path in files if choose(path.relative_to(copy))]
    path = files[rng.integers(len(files))]
    return f"{path.parent.relative_to(copy)}/{damage_file(path, rng)}"
