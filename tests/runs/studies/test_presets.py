"""What is written about the studies is whole, and what is listed can be run."""

import copy

import pytest

from spikecast.core.errors import ConfigError
from spikecast.core.schema import parse_block
from spikecast.report.study.figures import DRAW
from spikecast.runs import config as configs
from spikecast.runs.studies import preset as presets
from spikecast.runs.studies.catalog import STUDIES, find_study
from spikecast.runs.studies.study_data import StudyData, find_origin, find_recording

NAMES = list(STUDIES)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_whole(name):
    written = presets.read_preset(name)
    assert written.name == name
    assert {drawn.draw for drawn in written.figures} <= set(DRAW)
    assert len({row.key for row in written.rows}) == len(written.rows)
    assert len({flaw.rule for flaw in written.flaws}) == len(written.flaws)
    assert {stairs.row for stairs in written.staircases} <= {row.key for row in written.rows}
    for version in (written, presets.make_quick(written)):
        assert version.data.simulation
        assert set(version.sound) == set(written.sound)


@pytest.mark.parametrize("name", NAMES)
def test_the_sound_configs_are_configs(name):
    quick = presets.make_quick(presets.read_preset(name))
    study = find_study(name)
    simulated = find_recording(quick, StudyData(), seed=0)
    assert find_origin(simulated, quick) == "simulated"
    prepared = study.prepare(simulated, quick.settings)
    for content in quick.sound.values():
        filled = presets.fill_names(content, prepared.names)
        configs.parse_config(presets.merge({"data": {"path": "somewhere.nc"}}, filled))


def test_a_number_without_its_provenance_is_refused():
    content = presets.read_preset("livewired").model_dump()
    for part in ("flaws", "rows"):
        changed = copy.deepcopy(content)
        entry = changed[part][0]
        del (entry if part == "flaws" else entry["reported"][0])["stands"]
        with pytest.raises(ConfigError, match="stands"):
            parse_block(changed, presets.Preset)
    content["tables"]["per_class"]["stands"] = "hearsay"
    with pytest.raises(ConfigError, match="stands"):
        parse_block(content, presets.Preset)


@pytest.mark.parametrize(
    ("name", "key", "text"),
    [
        ("stringer-running", "baseline", "R² 0.798"),
        ("ninja", "halves", "0.1611"),
        ("ninja", "trials", "0.1932"),
        ("ninja", "correct", "[[28, 3], [14, 17]]"),
        ("nma-layers", "shared", "1.5455"),
    ],
)
def test_what_is_on_no_slide_is_not_said_to_be(name, key, text):
    (row,) = [row for row in presets.read_preset(name).rows if row.key == key]
    (line,) = [line for line in row.reported if text in line.text]
    assert line.stands == "notebook"


def test_a_staircase_begins_once():
    step = {"key": "a", "kind": "protocol", "change": "x"}
    stairs = {"key": "k", "row": "r", "title": "t", "caption": "c"}
    for steps in ([step, step], [step | {"kind": "start"}, step | {"kind": "start", "key": "b"}]):
        with pytest.raises(ConfigError, match="start"):
            parse_block(stairs | {"steps": steps}, presets.Staircase)
