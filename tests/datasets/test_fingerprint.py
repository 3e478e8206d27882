import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from PIL import Image

from fewscape.cli.main import main
from fewscape.core import DatasetError, ManifestError, Window
from fewscape.datasets import Crop, EpisodeSpec, Manifest
from fewscape.datasets.fingerprint import LabelsHash, check_labels, hash_labels
from tests.datasets.invented import write_dataset


def crop(stem):
    return Crop(f"toy/images/{stem}.png", f"toy/labels/{stem}.png", Window(0, 0, 16, 16))


def spec(class_id, *stems):
    query, *supports = map(crop, stems)
    name = {1: "red", 2: "blue"}[class_id]
    return EpisodeSpec("toy", class_id, name, query, tuple(supports))


@pytest.fixture
def root(tmp_path):
    write_dataset(tmp_path / "toy", 6)
    return tmp_path


@pytest.fixture
def manifest(root):
    made = Manifest("test", (spec(1, "000", "003"), spec(2, "003", "001", "004")))
    return replace(made, labels_sha256=hash_labels(root, made.label_files))


def change(root, stem):
    path = root / "toy" / "labels" / f"{stem}.png"
    labels = np.array(Image.open(path))
    labels[-1, -1] = (labels[-1, -1] + 1) % 3
    Image.fromarray(labels).save(path)


def test_the_hash_is_of_path_shape_and_ids(root):
    paths = ["toy/labels/002.png", "toy/labels/000.png"]
    plain = b""
    for path in sorted(paths):
        labels = np.array(Image.open(root / path))
        plain += f"{path}\0{labels.shape[0]} {labels.shape[1]}\0".encode() + labels.tobytes()
    assert hash_labels(root, paths) == hashlib.sha256(plain).hexdigest()
    assert hash_labels(root, [*paths, *reversed(paths)]) == hash_labels(root, paths)
    assert hash_labels(root, paths[:1]) != hash_labels(root, paths)
    change(root, "002")
    assert hash_labels(root, paths) != hashlib.sha256(plain).hexdigest()


def test_the_form_of_the_file_does_not_matter(root):
    path = root / "toy" / "labels" / "000.png"
    before = hash_labels(root, ["toy/labels/000.png"])
    labels = np.array(Image.open(path))
    path.unlink()
    with rasterio.open(
        path, "w", driver="GTiff", count=1, dtype="int16", height=48, width=48, compress="lzw"
    ) as target:
        target.write(labels.astype(np.int16), 1)
    assert hash_labels(root, ["toy/labels/000.png"]) == before


def test_paths_and_shapes_tell_files_apart():
    found = set()
    for path, shape in (("a", (2, 6)), ("a", (6, 2)), ("b", (2, 6)), ("a", (3, 4))):
        labels_hash = LabelsHash()
        labels_hash.add(path, np.zeros(shape, np.uint8))
        found.add(labels_hash.hexdigest())
    assert len(found) == 4


def test_the_hash_is_kept_in_the_file_and_absent_without(tmp_path, manifest):
    manifest.save(tmp_path / "m.json")
    assert json.loads((tmp_path / "m.json").read_text())["labels_sha256"] == manifest.labels_sha256
    loaded = Manifest.load(tmp_path / "m.json")
    assert loaded == manifest
    assert loaded.hashed_labels == manifest.label_files
    plain = Manifest("test", manifest.episodes)
    assert b"labels_sha256" not in plain.encode()
    assert plain.encode() == manifest.encode().replace(
        f', "labels_sha256": "{manifest.labels_sha256}"'.encode(), b""
    )


@pytest.mark.parametrize("value", [7, "", "abc"])
def test_what_is_no_hash_is_refused(tmp_path, manifest, value):
    content = json.loads(manifest.encode()) | {"labels_sha256": value}
    (tmp_path / "m.json").write_text(json.dumps(content))
    with pytest.raises(ManifestError, match="is invalid: labels_sha256 is"):
        Manifest.load(tmp_path / "m.json")


def test_other_labels_are_told(root, manifest):
    check_labels(manifest, root)
    change(root, "005")  # no episode uses it
    check_labels(manifest, root)
    change(root, "004")
    with pytest.raises(
        ManifestError,
        match=r"the labels under '.*' are not those the manifest 'test' was made for; expected the "
        r"SHA-256 [0-9a-f]{12} over its 4 label files, found [0-9a-f]{12}; prepare the version",
    ):
        check_labels(manifest, root)
    check_labels(Manifest("test", manifest.episodes), root)  # nothing was recorded


def test_a_part_is_checked_against_the_whole(root, manifest, tmp_path):
    manifest.save(tmp_path / "m.json")
    part = Manifest.load(tmp_path / "m.json").select(["red"])
    assert part.label_files == ("toy/labels/000.png", "toy/labels/003.png")
    check_labels(part, root)
    change(root, "004")  # only the other class uses it
    with pytest.raises(ManifestError, match="are not those the manifest"):
        check_labels(part, root)
    part.save(tmp_path / "part.json")  # the hash is of files that this one does not name
    assert Manifest.load(tmp_path / "part.json").labels_sha256 is None


def test_missing_and_damaged_labels_are_told(root, manifest):
    (root / "toy" / "labels" / "003.png").write_bytes(b"\x89PNG")
    with pytest.raises(DatasetError, match=r"003.png' cannot be read"):
        check_labels(manifest, root)
    (root / "toy" / "labels" / "003.png").unlink()
    with pytest.raises(ManifestError, match=r"made for 'toy/labels/003.png', .*; 1 of its 4 label"):
        check_labels(manifest, root)


def verify(folder, capsys):
    assert main(["data", "verify", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if line.startswith("fingerprint")]


def test_verify_tells_a_fingerprint_that_copies_share(root, tmp_path, capsys):
    shutil.copytree(root / "toy", tmp_path / "elsewhere" / "another name")
    for folder in (root / "toy", tmp_path / "elsewhere" / "another name"):
        shutil.copytree(folder / "labels", folder / "labels_eroded")
    before = set((root / "toy").rglob("*"))
    first = verify(root / "toy", capsys)
    expected = hash_labels(root / "toy", [f"labels/00{number}.png" for number in range(6)])
    assert first[0] == f"fingerprint of labels: sha256 {expected}"
    assert first[1].startswith("fingerprint of labels_eroded: sha256 ")
    assert len(first) == 2
    assert verify(tmp_path / "elsewhere" / "another name", capsys) == first
    change(root, "002")
    other = verify(root / "toy", capsys)
    assert other[0] != first[0]
    assert other[1] == first[1]
    assert set((root / "toy").rglob("*")) == before
