import hashlib
import json

import pytest

from fewscape.core import ManifestError, OutputError, Window
from fewscape.datasets import Crop, EpisodeSpec, Manifest
from tests.datasets.invented import write_dataset


def spec(class_id=1, class_name="red", dataset="toy", window=(0, 0, 16, 16), query="000"):
    def crop(stem):
        return Crop(f"{dataset}/images/{stem}.png", f"{dataset}/labels/{stem}.png", Window(*window))

    return EpisodeSpec(dataset, class_id, class_name, crop(query), (crop("001"), crop("002")))


def write_json(path, **changes):
    content = json.loads(Manifest("test", (spec(),)).encode()) | changes
    path.write_text(json.dumps(content))
    return path


def test_writes_the_format_and_reads_it_back(tmp_path):
    manifest = Manifest("täst", (spec(), spec(2, "blue")), (32, 48), 254)
    sha256 = manifest.save(path := tmp_path / "new" / "m.json")
    assert json.loads(path.read_text("utf-8")) == {
        "format": "fewscape-episodes/1",
        "name": "täst",
        "ignore": 254,
        "image_size": [32, 48],
        "episodes": [
            {
                "dataset": "toy",
                "class_id": class_id,
                "class_name": name,
                "query": {
                    "image": "toy/images/000.png",
                    "labels": "toy/labels/000.png",
                    "window": [0, 0, 16, 16],
                },
                "support": [
                    {
                        "image": f"toy/images/{stem}.png",
                        "labels": f"toy/labels/{stem}.png",
                        "window": [0, 0, 16, 16],
                    }
                    for stem in ("001", "002")
                ],
            }
            for class_id, name in ((1, "red"), (2, "blue"))
        ],
    }
    loaded = Manifest.load(path)
    assert loaded == manifest
    assert sha256 == loaded.sha256 == manifest.sha256
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_hash_is_that_of_the_file_however_it_is_laid_out(tmp_path):
    path = write_json(tmp_path / "m.json", comment="unknown keys are let be")
    loaded = Manifest.load(path)
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.select(limit=1).sha256 == loaded.sha256


def test_selects_by_class_data_set_and_number():
    episodes = [spec(), spec(), spec(2, "blue"), spec(1, "red", "other"), spec()]
    manifest = Manifest("test", tuple(episodes))
    assert list(manifest.classes.items()) == [
        (("toy", 1), "red"), (("toy", 2), "blue"), (("other", 1), "red"),
    ]  # fmt: skip
    assert len(manifest.select(["red"])) == 4
    assert len(manifest.select(["red"], ["toy"])) == 3
    assert [e.key for e in manifest.select(limit=1)] == [("toy", 1), ("toy", 2), ("other", 1)]
    with pytest.raises(ManifestError, match="no episodes of 'rde'; did you mean 'red'"):
        manifest.select(["rde"])
    with pytest.raises(ManifestError, match="no episodes of 'x'; Known: other, toy"):
        manifest.select(datasets=["x"])


def test_refuses_what_is_no_manifest(tmp_path):
    with pytest.raises(ManifestError, match=r"there is no manifest '.*none.json'"):
        Manifest.load(tmp_path / "none.json")
    (tmp_path / "text").write_text("episodes")
    with pytest.raises(ManifestError, match=r"is not JSON: .*; expected the format"):
        Manifest.load(tmp_path / "text")
    with pytest.raises(ManifestError, match="has the format 'other/1'; expected 'fewscape-epi"):
        Manifest.load(write_json(tmp_path / "m.json", format="other/1"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("ignore"), "the manifest of .* has no 'ignore'"),
        (lambda d: d.pop("episodes"), "the manifest of .* has no 'episodes'"),
        (lambda d: d["episodes"][0].pop("class_id"), "episode 0 of .* has no 'class_id'"),
        (lambda d: d["episodes"][0]["query"].pop("labels"), "episode 0 of .* has no 'labels'"),
        (lambda d: d["episodes"][0].update(support=[]), "episode 0 of .*: it has no support"),
        (lambda d: d["episodes"][0]["query"].update(window=[0, 0, 8]), "is invalid"),
        (lambda d: d["episodes"][0]["query"].update(window=[0, -1, 8, 8]), "has no pixels inside"),
        (lambda d: d["episodes"][0]["query"].update(image="/etc/x"), "'/etc/x' is not relative"),
        (lambda d: d["episodes"][0]["query"].update(image="../x"), "'../x' is not relative"),
        (lambda d: d.update(image_size=[3]), "the manifest of .* is invalid"),
    ],
)
def test_names_the_place_of_a_mistake(tmp_path, change, message):
    path = write_json(tmp_path / "m.json")
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ManifestError, match=message):
        Manifest.load(path)


def test_names_a_missing_file_and_a_window_outside(tmp_path):
    write_dataset(tmp_path / "toy", 3)
    Manifest("test", (spec(),)).check_files(tmp_path)
    with pytest.raises(ManifestError, match=r"names 'toy/images/007.png', which does not exist"):
        Manifest("test", (spec(query="007"),)).check_files(tmp_path)
    outside = spec(window=(40, 0, 16, 16))
    with pytest.raises(
        ManifestError, match=r"\[40, 0, 16, 16\] exceeds 'toy/images/000.png'; .*48"
    ):
        Manifest("test", (outside,)).check_files(tmp_path)


def test_says_when_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Manifest("test", (spec(),)).save(tmp_path / "file" / "m.json")
