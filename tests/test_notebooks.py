"""The notebooks are committed without outputs, run offline, and give the maps that they show."""

import json
import re

import pytest

from scripts.notebook_pages import FOLDER, write_notebook

pytest.importorskip("ipykernel", reason="the extra 'dev' is not installed")
nbformat = pytest.importorskip("nbformat", reason="the extra 'dev' is not installed")
pytest.importorskip("geopandas", reason="the extra 'notebook' is not installed")
pytest.importorskip("xarray", reason="the extra 'notebook' is not installed")

NAMES = {"first_map", "own_arrays", "evaluate_a_model"}


@pytest.fixture
def run(notebook_runs):
    """The text of a notebook that was run, and its pictures."""
    return lambda name: write_notebook(FOLDER / f"{name}.ipynb")


@pytest.mark.slow
def test_a_notebook_is_run_again_only_if_it_changed(tmp_path, notebook_runs):
    path = tmp_path / "clock.ipynb"
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import time; time.time_ns()")]
    )
    nbformat.write(notebook, path)
    first = write_notebook(path)
    assert write_notebook(path) == first
    notebook["cells"].append(nbformat.v4.new_markdown_cell("Changed."))
    nbformat.write(notebook, path)
    assert write_notebook(path) != first


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
