import json
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import common
from benchmarks.common import FORMAT, Timing, compare, read_result, validate, write_result
from benchmarks.machine import Machine, Watch

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"

SECONDS = st.lists(st.floats(1e-6, 10), min_size=2, max_size=20)


@pytest.fixture
def result():
    return compare({"published": lambda: sum(range(2000)), "ours": lambda: None}, repeats=4)


def test_variants_take_turns_and_each_round_starts_with_another(monkeypatch):
    calls = []
    variants = {name: lambda name=name: calls.append(name) for name in "abc"}
    result = compare(variants, repeats=2, warmup=1)
    assert "".join(calls) == "abc" + "bca" + "cab"
    assert list(result.timings) == ["a", "b", "c"]
    assert {len(timing.seconds) for timing in result.timings.values()} == {2}


@pytest.mark.parametrize(("variants", "repeats"), [({}, 5), ({"a": print}, 1)])
def test_nothing_to_compare_is_refused(variants, repeats):
    with pytest.raises(ValueError, match="expected 1 and 2 or more"):
        compare(variants, repeats=repeats)


@given(seconds=SECONDS)
def test_figures_are_those_of_the_seconds(seconds):
    timing = Timing.of(seconds, [2 * each for each in seconds])
    assert timing.median == pytest.approx(statistics.median(seconds))
    assert min(seconds) <= timing.low_quartile <= timing.median + 1e-12
    assert timing.median - 1e-12 <= timing.high_quartile <= max(seconds)
    assert timing.speedup == pytest.approx(2)


def test_a_result_says_where_it_was_measured(result):
    machine = result.machine
    assert machine.versions.keys() >= {"python", "torch", "fewscape"}
    assert machine.num_processors >= 1
    assert machine.num_threads >= 1
    assert machine.commit
    assert min(result.others_cores, result.load_before, result.load_after) >= 0
    assert str(Path(__file__).parents[2]) not in json.dumps(result.to_json())


def test_a_result_is_the_same_after_writing_and_reading(result, tmp_path, capsys):
    path = tmp_path / "made" / "episode.json"
    notes = {"largest difference": {"published": 0.0, "ours": 1e-6}}
    write_result(result, path, notes)
    read = read_result(path)
    assert read.timings == result.timings
    assert read.machine == result.machine
    assert read.notes == notes
    told = capsys.readouterr().out
    assert "published" in told
    assert "1e-06" in told


@pytest.mark.parametrize(("cores", "is_busy"), [(0.0, False), (0.3, False), (0.5, True)])
def test_a_busy_machine_is_told(result, tmp_path, capsys, monkeypatch, cores, is_busy):
    monkeypatch.setattr(common.Watch, "read", lambda watch: cores)
    result = compare({"a": lambda: None}, repeats=2)
    path = tmp_path / "episode.json"
    write_result(result, path)
    assert json.loads(path.read_text())["busy"] is is_busy
    assert ("repeat this on an idle machine" in " ".join(capsys.readouterr().out.split())) is (
        is_busy
    )


def test_notes_may_be_about_anything(result, tmp_path, capsys):
    notes = {"image size": [256, 256], "dtype": {"published": "float32", "ours": "bfloat16"}}
    write_result(result, tmp_path / "a.json", notes)
    assert read_result(tmp_path / "a.json").notes == notes
    assert "image size" not in capsys.readouterr().out  # columns are numbers of the variants


def test_what_cannot_be_written_leaves_the_older_file(result, tmp_path):
    path = tmp_path / "a.json"
    write_result(result, path)
    before = path.read_bytes()
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_result(result, path, {"model": object()})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "other/1"}, "format is 'other/1'"),
        ({"more": 1}, "result has unknown keys more"),
        ({"machine": {}}, "machine lacks commit"),
        ({"others_cores": 0.9, "busy": False}, "others_cores says True"),
    ],
)
def test_another_document_is_refused(result, change, complaint):
    with pytest.raises(ValueError, match=complaint):
        validate(result.to_json() | change)


def test_figures_cannot_be_edited(result):
    document = result.to_json()
    document["timings"]["ours"]["median"] = 1e-9
    with pytest.raises(ValueError, match="'ours' do not follow from its seconds"):
        validate(document)


def test_a_missing_key_is_named(result):
    document = result.to_json()
    del document["timings"]
    with pytest.raises(ValueError, match="result lacks timings"):
        validate(document)


def test_the_load_average_serves_where_nothing_else_does(monkeypatch):
    monkeypatch.setattr("benchmarks.machine._busy_seconds", lambda: None)
    monkeypatch.setattr("os.getloadavg", lambda: (1.25, 0.0, 0.0))
    assert Watch().read() == 1.25


def test_our_own_work_is_not_that_of_others(monkeypatch):
    own, everyone = iter([10.0, 13.0]), iter([100.0, 107.0])
    clock = iter([0.0, 4.0])
    monkeypatch.setattr("benchmarks.machine._own_seconds", lambda: next(own))
    monkeypatch.setattr("benchmarks.machine._busy_seconds", lambda: next(everyone))
    monkeypatch.setattr("benchmarks.machine.time.perf_counter", lambda: next(clock))
    assert Watch().read() == (7 - 3) / 4


def test_outside_a_checkout_the_commit_is_unknown(monkeypatch):
    monkeypatch.setattr("benchmarks.machine._ask_git", lambda *words: "")
    machine = Machine.describe()
    assert (machine.commit, machine.has_local_changes) == ("unknown", False)


def list_timings():
    return [
        path
        for path in sorted(RESULTS.glob("*.json"))
        if json.loads(path.read_text()).get("format") == FORMAT
    ]


@pytest.mark.parametrize("path", list_timings(), ids=lambda path: path.stem)
def test_published_times_are_results(path):
    assert read_result(path).machine.commit != "unknown"
