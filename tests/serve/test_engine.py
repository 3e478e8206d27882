"""From what is drawn to the map of a view, without threads and without a server."""

import numpy as np
import pytest

from fewscape.core import ConfigError, ExamplesError, SceneError, Window
from fewscape.mapping import DrawnOn, read_annotations, read_drawn_cells
from fewscape.models import MaximumLikelihood, PixelTrees
from fewscape.raster import SceneReader
from fewscape.serve.desk import Desk
from fewscape.serve.features import MARGIN, FeatureStore
from fewscape.serve.learning import gather, learn
from fewscape.serve.painting import Look, paint
from fewscape.serve.workers import Workers
from fewscape.zoo import load
from tests.serve.scenes import HEIGHT, TWO_CLASSES, WIDTH, box, put, write_scene


@pytest.fixture
def desk(tmp_path):
    made = Desk(0, write_scene(tmp_path), tmp_path / "x.gpkg")
    yield made
    made.close()


def equip(desk, model=None, cache=None):
    desk.equip(model or MaximumLikelihood(), cache)
    told = []
    return Workers([desk], lambda kind, **about: told.append((kind, about))), told


def look_at_all(workers, desk):
    workers.show(desk.number, desk.look_at([0, 0, WIDTH, HEIGHT], 1.0))
    while workers.encode_one():
        pass


def paint_all(workers):
    while workers.paint_one():
        pass


def decide(desk):
    """(H, W) channel of every pixel, by the parts of the map."""
    found = np.zeros((HEIGHT, WIDTH), int)
    for place, painted in desk.all_painted().items():
        row, col, height, width = desk.store.window(place)
        names = painted.shares.argmax(axis=0).repeat(desk.store.model.stride * painted.step, 0)
        names = names.repeat(desk.store.model.stride * painted.step, 1)
        part = found[row : row + height, col : col + width]
        part[:] = names[: part.shape[0], : part.shape[1]]
    return found


@pytest.mark.parametrize("name", ["ensemble", "pixel_trees"])
def test_kept_features_are_those_of_the_map(desk, name):
    model = load(name).pixel
    desk.drawing.change(TWO_CLASSES)
    store = FeatureStore(desk.reader, model)
    taught = gather(desk.drawing.now, store, desk.drawing.path)
    annotations = read_annotations(desk.drawing.path, DrawnOn(desk.path, desk.reader.grid))
    theirs = read_drawn_cells(annotations, ("a", "b"), desk.reader, model)
    ours = taught.cells.cells
    assert taught.names == ("a", "b")
    np.testing.assert_array_equal(ours.classes, theirs.cells.classes)
    gap = np.abs(ours.values - theirs.scaled.values)
    # 16 bits; the network sees the scene's reflection from a bit farther out.
    assert np.median(gap) < 1e-3
    assert gap.mean() < (0.06 if name == "ensemble" else 1e-3)


def test_features_are_computed_once_and_found_by_the_next_process(desk, tmp_path, monkeypatch):
    store = FeatureStore(desk.reader, MaximumLikelihood(), tmp_path / "cache" / "scene")
    core = store.get((0, 0))
    ground = store.ground
    again = FeatureStore(desk.reader, MaximumLikelihood(), tmp_path / "cache" / "scene")
    monkeypatch.setattr(again, "encode", lambda place: pytest.fail("was encoded again"))
    np.testing.assert_array_equal(again.get((0, 0)).values, core.values)
    np.testing.assert_array_equal(again.ground.scaling.mean, ground.scaling.mean)


def test_a_damaged_cache_is_made_anew(desk, tmp_path):
    folder = tmp_path / "cache" / "scene"
    core = FeatureStore(desk.reader, MaximumLikelihood(), folder).get((0, 0))
    (folder / "core_0_0.npz").write_bytes(b"PK" + bytes(100))
    again = FeatureStore(desk.reader, MaximumLikelihood(), folder).get((0, 0))
    np.testing.assert_array_equal(again.values, core.values)


def test_memory_and_disk_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("fewscape.mapping.examples.drawn_cells.CORE", 64)
    with SceneReader(write_scene(tmp_path), None) as scene:
        folder = tmp_path / "cache" / "scene"
        one = FeatureStore(scene, MaximumLikelihood()).get((0, 0))
        store = FeatureStore(scene, MaximumLikelihood(), folder, memory=3 * one.num_bytes)
        store.disk = int(5.5 * 1.1 * one.num_bytes)
        for place in store.places[:12]:
            store.get(place)
        assert len(store._kept) <= 3
        assert 1 <= len(list(folder.glob("core_*.npz"))) <= 6


def test_a_cache_that_cannot_be_written_is_no_obstacle(desk, tmp_path):
    (tmp_path / "file").write_text("no folder")
    store = FeatureStore(desk.reader, MaximumLikelihood(), tmp_path / "file" / "scene")
    assert store.get((0, 0)).valid.any()


def test_the_map_follows_what_is_drawn(desk):
    workers, told = equip(desk)
    look_at_all(workers, desk)
    assert not workers.paint_one()  # nothing is drawn
    desk.drawing.change(TWO_CLASSES)
    paint_all(workers)
    assert desk.learnt.channels == ("a", "b")
    found = decide(desk)
    assert (found[:, 5:65] == 0).mean() > 0.95
    assert (found[:, 75:135] == 1).mean() > 0.95
    assert [about["revision"] for kind, about in told if kind == "learnt"] == [2]
    # The third kind of ground is neither; once that is said, it is gone from both.
    desk.drawing.change([put("n", "background", box(150, 20, 200, 120), tool="not")])
    paint_all(workers)
    assert desk.learnt.channels == ("background", "a", "b")
    found = decide(desk)
    assert (found[:, 145:205] == 0).mean() > 0.95
    assert (found[:, 5:65] == 1).mean() > 0.95
    desk.drawing.undo()
    paint_all(workers)
    assert desk.learnt.channels == ("a", "b")


def test_a_single_class_is_told_from_all_other_ground(desk):
    workers, _ = equip(desk, load("ensemble").pixel)
    look_at_all(workers, desk)
    desk.drawing.change([TWO_CLASSES[0]])
    paint_all(workers)
    assert desk.learnt.channels == ("background", "a")
    assert desk.painted((0, 0)).shares.shape[0] == 2
    with pytest.raises(ExamplesError, match="with a single class no example decides alone"):
        desk.explain(20, 20)


def test_without_examples_the_map_goes(desk):
    workers, told = equip(desk)
    look_at_all(workers, desk)
    desk.drawing.change(TWO_CLASSES)
    paint_all(workers)
    desk.drawing.change([{"do": "drop_class", "name": name} for name in ("a", "b")])
    paint_all(workers)
    assert desk.learnt is None
    assert not desk.all_painted()
    assert told[-1] == ("learnt", {"scene": 0, "revision": None, "channels": []})


def test_a_coarse_map_comes_first(desk, monkeypatch):
    monkeypatch.setattr("fewscape.serve.workers.SKETCH_CELLS", 9_000)
    workers, told = equip(desk, PixelTrees())
    look_at_all(workers, desk)
    desk.drawing.change(TWO_CLASSES)
    paint_all(workers)
    seen = [(about["step"], about["draft"]) for kind, about in told if kind == "painted"]
    assert seen == [(4, True), (1, True), (1, False)]


def test_a_map_is_learnt_from_few_cells_first_and_from_more_when_nobody_waits(desk, monkeypatch):
    monkeypatch.setattr("fewscape.serve.workers.DRAFT_CELLS", 200)
    workers, _ = equip(desk)
    look_at_all(workers, desk)
    workers.wake()
    monkeypatch.setattr("fewscape.serve.workers.REST", 3600.0)
    desk.drawing.change(TWO_CLASSES)
    paint_all(workers)
    assert desk.learnt.is_draft
    assert desk.painted((0, 0)).is_draft
    assert len(desk.learnt.cells.classes) <= 200
    monkeypatch.setattr("fewscape.serve.workers.REST", 0.0)
    paint_all(workers)
    assert not desk.learnt.is_draft
    assert not desk.painted((0, 0)).is_draft
    assert len(desk.learnt.cells.classes) == 6_000


def test_the_exact_map_waits_for_the_next_stroke(desk):
    """What is painted exactly is left when something new is drawn."""
    workers, _ = equip(desk, PixelTrees())
    look_at_all(workers, desk)
    desk.drawing.change(TWO_CLASSES)
    paint_all(workers)
    core, asked = desk.store.get((0, 0)), []

    def is_wanted():
        asked.append(None)
        return len(asked) < 3

    assert paint(desk.store.model, desk.learnt, core, Look(), is_wanted) is None
    assert len(asked) == 3
    whole = paint(desk.store.model, desk.learnt, core)
    np.testing.assert_array_equal(whole.shares, desk.painted((0, 0)).shares)


def test_a_coarse_map_is_much_like_the_fine_one(desk):
    workers, _ = equip(desk, load("ensemble").pixel)
    look_at_all(workers, desk)
    desk.drawing.change(TWO_CLASSES)
    paint_all(workers)
    core, fine = desk.store.get((0, 0)), desk.painted((0, 0))
    coarse = paint(desk.store.model, desk.learnt, core, Look(2))
    same = fine.shares[:, ::2, ::2].argmax(axis=0) == coarse.shares.argmax(axis=0)
    assert same[core.valid[::2, ::2]].mean() > 0.9
    sketch = paint(desk.store.model, desk.learnt, core, Look(is_sketch=True))
    assert sketch.is_draft
    assert not fine.is_draft
    assert (fine.shares.argmax(axis=0) == sketch.shares.argmax(axis=0))[core.valid].mean() > 0.95


def test_ground_without_data_stays_empty(tmp_path):
    desk = Desk(0, write_scene(tmp_path, nodata=0), tmp_path / "x.gpkg")
    import rasterio

    with rasterio.open(desk.path, "r+") as dataset:
        dataset.write(np.zeros((3, 50, WIDTH), np.uint8), window=((100, 150), (0, WIDTH)))
    desk.reader.close()
    workers, _ = equip(desk)
    look_at_all(workers, desk)
    desk.drawing.change(TWO_CLASSES)
    paint_all(workers)
    shares = desk.painted((0, 0)).shares
    assert not shares[:, 105:145].any()
    assert shares[:, :95, :WIDTH].any(axis=0).all()


def test_the_examples_tell_how_good_the_map_is(desk):
    workers, told = equip(desk)
    look_at_all(workers, desk)
    desk.drawing.change(TWO_CLASSES)
    paint_all(workers)
    workers.examine(desk)
    accuracy = told[-1][1]["accuracy"]
    assert told[-1][0] == "accuracy"
    assert accuracy["mean"]["value"] > 0.9
    assert set(accuracy["agreement"]) == {"a1", "a2", "b1", "b2"}
    assert min(accuracy["agreement"].values()) > 0.9


def test_an_example_that_is_drawn_wrongly_stands_out(desk):
    workers, _ = equip(desk)
    look_at_all(workers, desk)
    wrong = put("wrong", "b", box(20, 200, 55, 240))  # on ground of the first kind
    desk.drawing.change([*TWO_CLASSES, put("a3", "a", box(225, 10, 260, 60)), wrong])
    paint_all(workers)
    workers.examine(desk)
    assert min(desk.agreement, key=desk.agreement.get) == "wrong"
    assert desk.agreement["wrong"] < 0.3


def test_the_next_place_is_the_ground_that_nobody_drew(desk):
    workers, _ = equip(desk)
    look_at_all(workers, desk)
    desk.drawing.change(TWO_CLASSES)
    paint_all(workers)
    first = workers.suggest(desk)[0]
    assert (first["col"] // 70) % 3 == 2


def test_the_examples_that_decided_are_told(desk):
    workers, _ = equip(desk, load("ensemble").pixel)
    look_at_all(workers, desk)
    desk.drawing.change(TWO_CLASSES)
    paint_all(workers)
    why = desk.explain(200, 30)
    assert max(why["classes"], key=why["classes"].get) == "a"
    owners = {one["id"]: one["share"] for one in why["examples"]}
    assert owners["a1"] + owners["a2"] > 0.8
    assert sum(owners.values()) == pytest.approx(1, abs=0.01)
    with pytest.raises(SceneError, match="outside the scene"):
        desk.explain(HEIGHT + 1, 0)


def test_a_scene_without_examples_is_mapped_by_those_of_another(tmp_path):
    desks = [
        Desk(number, write_scene(tmp_path, f"{name}.tif"), tmp_path / f"{name}.gpkg")
        for number, name in enumerate(("one", "two"))
    ]
    model = MaximumLikelihood()
    for desk in desks:
        desk.equip(model, None)
    workers = Workers(desks, lambda kind, **told: None)
    desks[1].drawing.change(TWO_CLASSES)
    look_at_all(workers, desks[0])
    paint_all(workers)
    assert workers.teacher_of(desks[0]) is desks[1]
    assert (decide(desks[0])[:, 75:135] == 1).mean() > 0.95


def test_a_view_names_its_parts_from_the_middle(tmp_path, monkeypatch):
    monkeypatch.setattr("fewscape.mapping.examples.drawn_cells.CORE", 64)
    desk = Desk(0, write_scene(tmp_path), tmp_path / "x.gpkg")
    desk.equip(MaximumLikelihood(), None)
    view = desk.look_at([60, 60, 200, 200], 1.0)
    assert view.places[0] in {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert set(view.places) == {(row, col) for row in range(4) for col in range(4)}
    assert desk.look_at([-1e6, -1e6, 1e6, 1e6], 100.0).step == 4
    with pytest.raises(ConfigError, match="expected a box and a scale"):
        desk.look_at([0, 0, float("nan"), 1], 1.0)


def test_a_scene_that_vanishes_is_told_and_taken_up_again(desk):
    workers, told = equip(desk)
    content = desk.path.read_bytes()
    workers.show(0, desk.look_at([0, 0, WIDTH, HEIGHT], 1.0))
    desk.path.unlink()
    desk.reader.close()
    assert not workers._guarded(workers.encode_one)
    assert told[-1][0] == "trouble"
    assert "does not exist" in told[-1][1]["sentence"]
    desk.path.write_bytes(content)
    assert workers._guarded(workers.encode_one)
    assert told[-1] == ("trouble", {"scene": 0, "sentence": ""})


def test_margins_take_part_in_coarse_maps():
    assert MARGIN % 4 == 0


def test_a_core_gives_scaled_features(desk):
    store = FeatureStore(desk.reader, MaximumLikelihood())
    core = store.get((0, 0))
    chosen = np.zeros(core.valid.shape, bool)
    chosen[10, 20] = True
    picked = core.pick(chosen, store.ground)
    from fewscape.mapping.examples.drawn_cells import encode_core

    exact, _ = encode_core(desk.reader, store.model, Window(0, 0, 32, 32))
    wanted = store.ground.scaling.apply(exact[:, 10, 20][None])
    np.testing.assert_allclose(picked, wanted, atol=0.01)


def test_learning_from_few_cells_names_every_class(desk):
    store = FeatureStore(desk.reader, MaximumLikelihood())
    desk.drawing.change(TWO_CLASSES)
    taught = gather(desk.drawing.now, store, desk.drawing.path)
    learnt = learn(taught, store, most=200)
    assert set(learnt.cells.classes.tolist()) == {0, 1}
    assert len(learnt.cells.classes) <= 200
