"""A YAML file becomes a block of settings, or is refused in one line."""

import os
import re
from functools import reduce
from typing import Annotated, Literal

import pytest
from pydantic import Field

from spikecast.core.errors import ConfigError
from spikecast.core.schema import Block, parse_block, read_block, to_yaml

GROWING = reduce(lambda inner, n: f"[&a{n} {inner}, *a{n}]", range(40), "x")  # 2**40 times x
DOUBLING = "\n".join(  # each takes in the one before it twice
    ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40))]
)


class Inner(Block):
    size: int = Field(1, ge=1)


class Outer(Block):
    name: str
    one: Inner = Inner()
    many: list[Inner] = Field([])
    named: dict[Annotated[str, Field(pattern="^b$")], Inner] = Field({})
    by_name: dict[str, Inner | None] = Field({})
    areas: str | list[str] = "all"
    models: list[str | dict[str, int]] = Field([])
    lag: int | None = None
    about: float | str = 1.0
    sessions: Literal["all"] | list[int] = "all"
    window: tuple[float, float] | None = None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: NO", "'name': a name is wanted, not false (also written no or off); if it is one"),
        ("areas: yes", "'areas': a name is wanted, not true (also written yes or on)"),
        ("areas: [MOs, 1]", "'areas.1': a name is wanted, not the number 1; if it is one, put it"),
        ("models: [psth, 1.5]", "'models.1': a name is wanted, not the number 1.5"),
        ("name: 2016-12-14", "'name': a name is wanted, not the date 2016-12-14"),
        ("lag: no", "'lag': a number is wanted, not false"),
        ("one: {size: yes}", "'one.size': a number is wanted, not true"),
        ("sessions: [2, yes]", "'sessions': a number is wanted, not true"),
        ("window: [no, 1.5]", "'window': a number is wanted, not false"),
    ],
)
def test_a_name_that_yaml_reads_as_something_else_is_to_be_put_in_quotes(tmp_path, text, message):
    path = tmp_path / "block.yaml"
    path.write_text(text if "name" in text else f"name: a\n{text}")
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_block(path, Outer)
    quoted = re.sub("(NO|yes|1|2016-12-14)", '"\\1"', text)
    if message.endswith(("if it is one", "put it")):
        path.write_text(quoted if "name" in text else f"name: a\n{quoted}")
        read_block(path, Outer)


def test_what_is_written_is_read_back(tmp_path):
    block = Outer(name="é", many=[Inner(size=3)], by_name={"a": None})
    (tmp_path / "block.yaml").write_text(to_yaml(block), encoding="utf-8")
    assert read_block(tmp_path / "block.yaml", Outer) == block


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "lacks the key 'name'"),
        ({"nam": "a"}, "unknown config key 'nam'. Did you mean 'name'"),
        ({"name": "a", "one": {"siz": 1}}, "'one.siz'. Did you mean 'size'"),
        ({"name": "a", "many": [{"siz": 1}]}, "'many.0.siz'. Did you mean 'size'"),
        ({"name": "a", "by_name": {"b": {"siz": 1}}}, "'by_name.b.siz'. Did you mean 'size'"),
        ({"name": "a", "named": {"b": {"siz": 1}}}, "'named.b.siz'. Did you mean 'size'"),
        ({"name": "a", "one": [{"size": 1}]}, "'one': give one block of settings .*not a list"),
        ({"name": "a", "one": {"size": 0}}, "config key 'one.size': .*greater than or equal to 1"),
    ],
)
def test_mistakes_are_explained_in_one_line(content, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_block(content, Outer)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "there is no file"), ("a: [1", "is not YAML"), ("- a", "must hold keys and values")],
)
def test_files_that_hold_no_block_are_refused(tmp_path, text, message):
    path = tmp_path / "block.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_block(path, Outer)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\none: {size: 2}\none: {size: 3}", "'one' is there twice, in line 3"),
        ("name: a\none: {size: 2, size: 3}", "'size' is there twice, in line 2"),
        ("name: !!bool x", "a value does not go with its tag"),
        ("name: !!timestamp x", "a value does not go with its tag"),
        (f"name: a\none: {{size: 0x{'f' * 5000}}}", "too large a number"),
        ("name: &a [*a]", "stands within what it names"),
        (f"name: {GROWING}", "aliases repeat more than a config can hold"),
        (DOUBLING, "take in more than a config can hold"),
        (f"size: 1:{'0:' * 200}0.5", "no number that can be read"),
        (f"size: 1{':0' * 1000}", "too large a number"),
        (f"size: 1.{'0' * 1000}", "too many digits"),
        ('size: !!int ""', "no number that can be read"),
    ],
)
def test_yaml_that_loses_a_key_or_has_a_wrong_tag_is_a_line(tmp_path, text, message):
    (tmp_path / "block.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_block(tmp_path / "block.yaml", Outer)


def test_a_key_may_replace_one_that_is_merged(tmp_path):
    (tmp_path / "block.yaml").write_text("name: a\none: {<<: {size: 2}, size: 3}", encoding="utf-8")
    assert read_block(tmp_path / "block.yaml", Outer).one.size == 3


def test_a_pipe_a_device_and_what_is_far_too_large_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(1 << 40)
    for name, what in {"pipe": "a pipe", "zero": "a pipe", "large": "it is no config"}.items():
        with pytest.raises(ConfigError, match=what):
            read_block(tmp_path / f"{name}.yaml", Outer)
