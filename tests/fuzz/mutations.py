"""Damage one file of a directory: its bytes, or the structure of what is written in it."""

import contextlib
import copy
import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from fuzz.array_mutations import damage_hdf5, damage_npy, damage_npz, damage_tensors, pick

from spikecast.runs.sweep.journal_file import KEY, compute_sum

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
TOKENS = (
    *(b"[" * 3000, b'{"a":' * 3000, b"9" * 5000, b"1e999", b"-0", b"NaN", b"Infinity", b"0x1f"),
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\x1b[31m", b"\r\n"),
    *(b"&a [*a]", b"*a", b"!!python/object:os.system x", b"!!binary a", b"<<: 1", b"? ", b"--- "),
    *(b"null", b"~", b"yes", b"2001-01-01", b"12:30:45", b'"', b"'", b",,", b"\t", b": ", b"- "),
    *(b'!!int ""', b"!!float -", b"!!timestamp 0", b"1" + b":0" * 900, b"1" + b":0" * 300 + b".5"),
    *(b"<<: [*a, *a]", b"&a", b"1is 2", b"3L", b"M8[s/0]", b"0001-01-01T00:00:00+23:59"),
    b"%(a)s{b}{0!r}$c",
)
"""What is put into a text, whatever it means there."""
MOST_CHANGES = 3
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def damage_file(path: Path, rng: np.random.Generator) -> str:
    """Damage a file in one way and return what was done."""
    kinds: list[Callable[[Path, np.random.Generator], str]] = [_damage_bytes]
    special = BY_SUFFIX.get(path.suffix)
    if special is not None and path.stat().st_size:
        kinds += [special] * 5
    if rng.random() < 0.06:
        kinds = [_remove, _replace_by_folder]
    return f"{path.name}: {kinds[rng.integers(len(kinds))](path, rng)}"


def damage_often(path: Path, rng: np.random.Generator) -> str:
    """Damage a file in one to three ways, one after the other, and return what was done."""
    done = [damage_file(path, rng)]
    for _ in range(int(rng.integers(MOST_CHANGES)) if rng.random() < 0.3 else 0):
        if path.is_file():
            with contextlib.suppress(Exception):  # its structure is gone
                done.append(damage_file(path, rng))
    return "; ".join(done)


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
    kind = pick(rng, ("cut", "flip", "noise", "empty", "repeat", "token", "token"))
    start, stop = sorted(rng.integers(size, size=2).tolist())
    if kind == "cut":
        data = data[:start]
    elif kind == "empty":
        data = bytearray()
    elif kind == "repeat":
        data = bytearray(content[:stop] + content[start:])
    elif kind == "token":  # before what stands there, or in its place
        token = pick(rng, TOKENS)
        data[start : start + pick(rng, (0, 1, len(token)))] = token
        kind = f"token {token[:12]!r}"
    else:
        data[start : start + (1 if kind == "flip" else 40)] = rng.bytes(1 if kind == "flip" else 40)
    path.write_bytes(data)
    return f"bytes {kind} at {start}"


# ------------------------------------------------------------------------------------ JSON, YAML


def _damage_json(path: Path, rng: np.random.Generator) -> str:
    content = json.loads(path.read_text(encoding="utf-8"))
    content, done = damage_content(content, rng)
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")
    return done


def _damage_yaml(path: Path, rng: np.random.Generator) -> str:
    content, done = damage_content(yaml.load(path.read_bytes(), LOADER), rng)
    text = yaml.dump(content, Dumper=DUMPER, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return done


def _damage_jsonl(path: Path, rng: np.random.Generator) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    at = int(rng.integers(len(lines)))
    content, done = damage_content(json.loads(lines[at]), rng)
    lines[at] = json.dumps(content)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"line {at + 1} {done}"


def _damage_journal(path: Path, rng: np.random.Generator) -> str:
    """Change, repeat, move or remove lines of a sweep's journal, with checksums that fit again."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    at, other = rng.integers(len(lines), size=2).tolist()
    kind = pick(rng, ("change", "change", "change", "remove", "repeat", "swap", "again", "sums"))
    if kind == "remove":
        del lines[at]
    elif kind == "repeat":
        lines.insert(other, dict(lines[at]) if isinstance(lines[at], dict) else lines[at])
    elif kind == "swap":
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "again":  # what another line of the same operation holds
        same = [one for one in lines if one.get("op_code") == lines[at].get("op_code")]
        key = pick(rng, sorted(lines[at]))
        lines[at][key] = pick(rng, same).get(key)
    else:
        lines[at], done = damage_content(lines[at], rng)
        kind += f" {done}"
    if not kind.startswith("sums"):
        before = ""
        for line in lines:
            if isinstance(line, dict):
                line.pop(KEY, None)
                before = line[KEY] = compute_sum(before, line)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return f"line {at + 1} {kind}, line {other + 1}"


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
    kind = pick(rng, kinds)
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
    return copy.deepcopy(pick(rng, (*ODD, HUGE)))


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
    separator = "\t" if path.suffix == ".tsv" else ","
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter=separator))
    column = int(rng.integers(len(rows[0])))
    row = int(rng.integers(1, len(rows))) if len(rows) > 1 else 0
    name = rows[0][column]
    kinds = ["column", "row", "twice", "cell", "cell", "cell", "rename", "rows", "short", "order"]
    kind = pick(rng, kinds)
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
        rows[row][column] = pick(rng, odd)
        kind = f"cell {rows[row][column][:20]!r}"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", delimiter=separator).writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return f"{kind} of column {name}, row {row}"


BY_SUFFIX: dict[str, Callable[[Path, np.random.Generator], str]] = {
    ".json": _damage_json,
    ".yaml": _damage_yaml,
    ".jsonl": _damage_jsonl,
    ".log": _damage_journal,
    ".csv": _damage_csv,
    ".tsv": _damage_csv,
    ".npz": damage_npz,
    ".npy": damage_npy,
    ".safetensors": damage_tensors,
    ".nc": damage_hdf5,
    ".nwb": damage_hdf5,
}


def copy_damaged(sample: Path, copy: Path, choose: Callable[[Path], bool], seed: int) -> str:
    """Copy a directory, damage one of the files that `choose` names, return what was done."""
    rng = np.random.default_rng(seed)
    shutil.copytree(sample, copy)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    files = [path for path in files if choose(path.relative_to(copy))]
    path = files[rng.integers(len(files))]
    return f"{path.parent.relative_to(copy)}/{damage_file(path, rng)}"
