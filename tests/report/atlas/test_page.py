"""The atlas page in a browser: hover, sort, click through, and what it says of noise."""

import json

import numpy as np
import pytest

from spikecast.core.errors import RunError
from spikecast.data.recording import Recording
from spikecast.report.atlas import page as pages
from spikecast.report.atlas.reading import Atlas
from spikecast.report.atlas.text import verdict
from spikecast.runs.atlas.run import run_atlas
from spikecast.runs.atlas.settings import AtlasSettings


@pytest.fixture(scope="module")
def folder(recording, tmp_path_factory):
    place = tmp_path_factory.mktemp("atlas")
    recording.save(place / "one.nc")
    recording.select(trials=range(40)).save(place / "two.nc")
    data = [str(place / "one.nc"), str(place / "two.nc")]
    settings = AtlasSettings(data=data, models=["ridge", {"mean": {"model": "mean_rate"}}], folds=3)
    run_atlas(settings, place / "run", workers=1)
    return place / "run"


@pytest.fixture(scope="module")
def page(folder):
    return pages.build(folder)


def embedded(page):
    text = page.read_text()
    start = text.index('id="data">') + len('id="data">')
    return json.loads(text[start : text.index("</script>", start)])


def test_the_page_needs_nothing_else(page):
    text = page.read_text()
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "<script src" not in text
    assert "What these data cannot show" in text
    assert "do not" in text or "does not say that they are connected" in text
    assert "0 of 9 pairs were recorded in one session" in text  # whatever the number of models


def test_its_numbers_are_those_of_the_tables(folder, page):
    import pandas as pd

    cells = pd.read_csv(folder / "cells.csv")
    session = cells["session"].iloc[0]
    view = embedded(page)["views"][f"{session}|ridge"]
    mine = cells.query("session == @session and model == 'ridge'")
    shown = {(row[0], row[1]): row[2] for row in view["cells"]}
    for row in mine.itertuples():
        assert shown[row.source, row.target] == pytest.approx(row.value, abs=1e-4)
    for order in view["orders"].values():
        assert sorted(order[0]) == sorted(set(mine["source"]))


CELL = "#matrix tbody tr:nth-child({}) td:nth-child({}) button"
TOO_WIDE = "return document.documentElement.scrollWidth - window.innerWidth"


@pytest.mark.parametrize("width", [1200, 390])
def test_hover_sort_and_click(page, browser, width):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select, WebDriverWait

    browser.set_window_size(width, 900)
    browser.get(page.as_uri())

    def rows():
        return [head.text for head in browser.find_elements(By.CSS_SELECTOR, "#matrix tbody th")]

    Select(browser.find_element(By.ID, "session")).select_by_index(1)
    assert rows() == ["VISp", "MOs", "CA1"]
    Select(browser.find_element(By.ID, "order")).select_by_value("name")
    assert rows() == ["CA1", "MOs", "VISp"]

    # by name: third row, second column; a row begins with its head
    cell = browser.find_element(By.CSS_SELECTOR, CELL.format(3, 3))
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", cell)
    ActionChains(browser).move_to_element(cell).perform()
    said = browser.find_element(By.ID, "cell-text").text
    assert said.startswith("VISp → MOs: ")
    assert "bits per spike" in said
    assert "neurons" in said

    cell.click()
    wait = WebDriverWait(browser, 30)  # a page follows its address when it comes to it
    heading = wait.until(lambda found: found.find_element(By.CSS_SELECTOR, "#pair h1"))
    assert heading.text == "MOs from VISp"
    assert len(browser.find_elements(By.CSS_SELECTOR, "#pair svg")) >= 4
    assert "#pair=" in browser.current_url
    assert browser.execute_script(TOO_WIDE) <= 0
    browser.back()
    assert browser.find_element(By.ID, "matrix").is_displayed()
    assert not browser.find_elements(By.CSS_SELECTOR, "#pair h1")[0].is_displayed()
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def test_the_control_can_be_shown(page, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    browser.get(page.as_uri())
    Select(browser.find_element(By.ID, "session")).select_by_index(1)
    before = browser.find_element(By.CSS_SELECTOR, CELL.format(1, 2)).text
    Select(browser.find_element(By.ID, "quantity")).select_by_value("shuffled")
    assert browser.find_element(By.CSS_SELECTOR, CELL.format(1, 2)).text != before


def test_the_null_model_claims_nothing(folder):
    said = " ".join(verdict(Atlas(folder)))
    assert "mean: 0 of " in said


def test_what_stands_out_is_said_first_with_what_was_subtracted(folder):
    atlas = Atlas(folder)
    cells = atlas.cells[(atlas.cells["model"] == "ridge") & atlas.cells["passes"]]
    best = cells[cells["source"] != cells["target"]].sort_values("value").iloc[-1]
    first = verdict(atlas)[0]
    assert first.startswith(f"Most is told about {best['target']} by {best['source']}: ")
    assert f"{best['value']:.3f}" in first
    assert "more than the task, the session's drift" in first or "the average trial" in first


def test_models_are_not_compared_on_noise(tmp_path):
    counts = np.random.default_rng(0).poisson(0.3, (60, 20, 30)).astype(np.uint8)
    area = ["VISp"] * 15 + ["MOs"] * 15
    Recording.from_arrays(counts, np.arange(20) / 50, area, session="noise").save(tmp_path / "n.nc")
    models = ["ridge", {"mean": {"model": "mean_rate"}}]
    run_atlas(
        AtlasSettings(data=[str(tmp_path / "n.nc")], models=models), tmp_path / "run", workers=1
    )
    first, *rest = verdict(Atlas(tmp_path / "run"))
    assert first.startswith("ridge: 0 of 2 pairs of areas tell")
    # the recording has no trial columns: a shared stimulus would pass for a tie between areas
    assert "the average trial and the session's drift" in first
    assert rest[-1].startswith("No trial column names the condition")
    assert not [said for said in rest if " is above ridge" in said]


def test_a_session_without_a_test_says_why_and_fills_no_cell(recording, tmp_path):
    recording.save(tmp_path / "one.nc")
    settings = AtlasSettings(data=[str(tmp_path / "one.nc")], folds=3, ordered=False)
    run_atlas(settings, tmp_path / "run", workers=1)
    said = verdict(Atlas(tmp_path / "run"))
    assert "nothing is claimed of any" in said[0]
    assert "not in the order in which they were recorded" in said[1]
    assert "No pair passes." in pages.build(tmp_path / "run").read_text()


def test_cells_that_do_not_pass_are_empty_until_the_train_mean_is_shown(tmp_path, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    import spikecast as sc

    sc.simulate.unrelated_areas(60, (10, 10), n_bins=30).recording.save(tmp_path / "null.nc")
    settings = AtlasSettings(data=[str(tmp_path / "null.nc")], folds=3, within=False)
    run_atlas(settings, tmp_path / "run", workers=1)
    browser.get(pages.build(tmp_path / "run").as_uri())

    def shown():
        cells = browser.find_elements(By.CSS_SELECTOR, "#matrix button:not(.missing)")
        return [cell.text for cell in cells]

    assert shown() == ["·", "·"]
    Select(browser.find_element(By.ID, "quantity")).select_by_value("train_mean")
    assert "·" not in shown()
    assert "no evidence" in browser.find_element(By.ID, "matrix-note").text


def test_an_atlas_of_an_earlier_version_is_refused(folder, tmp_path):
    import shutil

    import pandas as pd

    old = tmp_path / "old"
    shutil.copytree(folder, old)
    pd.read_csv(old / "cells.csv").drop(columns="passes").to_csv(old / "cells.csv", index=False)
    with pytest.raises(RunError, match="earlier version"):
        Atlas(old)


def test_sessions_of_other_bins_are_said_to_be_none_to_average(recording, tmp_path):
    recording.save(tmp_path / "one.nc")
    wide = Recording.from_arrays(
        recording.activity[:, ::-1], 5 * recording.time, recording.area, session="wide"
    )
    wide.save(tmp_path / "wide.nc")
    data = [str(tmp_path / "one.nc"), str(tmp_path / "wide.nc")]
    run_atlas(AtlasSettings(data=data, folds=3, shifts=0), tmp_path / "both", workers=1)
    assert "average those of one width only" in verdict(Atlas(tmp_path / "both"))[-1]
    run_atlas(AtlasSettings(data=data[:1], folds=3, shifts=0), tmp_path / "run", workers=1)
    assert "one width" not in " ".join(verdict(Atlas(tmp_path / "run")))
