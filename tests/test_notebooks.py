"""The notebooks are committed without outputs, run offline, and give the maps that they show."""

import json
import re

import pytest

from scripts.notebook_pages import FOLDER, format_notebook, run_notebook

pytest.importorskip("ipykernel", reason="the extra 'dev' is not installed")
pytest.importorskip("geopandas", reason="the extra 'notebook' is not installed")
pytest.importorskip("xarray", reason="the extra 'notebook' is not installed")

NAMES = {"first_map", "own_arrays", "evaluate_a_model"}


@pytest.fixture(scope="module")
def run():
    """The text of a notebook that was run, and its pictures; each notebook is run once."""
    pages = {}

    def run_once(name):
        if name not in pages:
            pages[name] = format_notebook(run_notebook(FOLDER / f"{name}.ipynb"), name)
        return pages[name]

    return run_once


def test_each_notebook_is_tested():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_no_outputs_are_committed(name):
    notebook = json.loads((FOLDER / f"{name}.ipynb").read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.slow
def test_a_first_map(run):
    page = run("first_map")
    assert len(page.pictures) == 3
    assert "'crop': 3" in page.markdown
    found = re.findall(r"^(\w[\w ]*?) +IoU (\d\.\d\d)  \((\S+) to (\S+)\)$", page.markdown, re.M)
    assert {name for name, *_ in found} == {"crop", "dry field", "pasture", "water"}
    assert all(float(low) <= float(iou) <= float(high) for _, iou, low, high in found)
    areas = re.search(r"\{'crop': ([\d.]+), 'dry field': ([\d.]+), .*\}", page.markdown)
    total = 440 * 444 * 25 / 1e4
    assert 0 < float(areas[1]) < total


@pytest.mark.slow
def test_arrays(run):
    page = run("own_arrays")
    assert len(page.pictures) == 2
    right = [float(share) for share in re.findall(r"^right: ([\d.]+)%$", page.markdown, re.M)]
    assert len(right) == 2
    assert min(right) > 90


@pytest.mark.slow
def test_evaluating_a_model(run):
    page = run("evaluate_a_model")
    assert len(page.pictures) == 2
    score = re.search(r"mean IoU ([\d.]+), 95 % interval ([\d.]+) to ([\d.]+)", page.markdown)
    iou, low, high = (float(number) for number in score.groups())
    assert 0.1 < low <= iou <= high < 1
    assert "wrote 2 scenes" in page.markdown
    assert "episodes.json:" in page.markdown
