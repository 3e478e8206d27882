"""Episodes of the published protocols on prepared copies: thresholds, lists and the clean split."""

import itertools
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from fewscape.core import DatasetError, Episode, ManifestError
from fewscape.datasets import FolderDataset, ManifestEpisodes, image_stem, read_splits
from fewscape.datasets.fingerprint import check_labels, hash_labels
from fewscape.datasets.protocol_episodes import make_protocol_manifest
from fewscape.datasets.protocols import PROTOCOLS, novel_classes
from fewscape.datasets.published import prepare_dlrsd
from tests.datasets.invented import write_classes, write_pair
from tests.datasets.published.invented import write_dlrsd, write_dlrsd_lists

SIDE, LEAST = 64, 2048


def write_objects(folder, rng):
    """Two splits of 64 px tiles: for each class four with 2048 of its pixels, two with 2047."""
    write_classes(folder, {n: f"class{n}" if n else "background" for n in range(16)})
    splits = {"train": [], "val": []}
    for split, class_id, number in itertools.product(splits, range(1, 16), range(6)):
        labels = np.zeros((SIDE, SIDE), np.uint8)
        labels.ravel()[: LEAST - (number >= 4)] = class_id
        stem = f"{split}_{class_id:02d}_{number}"
        write_pair(folder, stem, rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8), labels)
        splits[split].append(stem)
    (folder / "splits.json").write_text(json.dumps(splits))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    write_objects(folder / "isaid5i", rng)
    write_objects(folder / "isaid5i-512", rng)
    truth = write_dlrsd(folder / "downloads", rng)
    write_dlrsd_lists(folder / "downloads", truth)
    prepare_dlrsd(folder / "downloads", folder / "dlrsd")
    return folder


@pytest.fixture
def open_set(root):
    return lambda protocol: FolderDataset(root / PROTOCOLS[protocol].dataset, root=root)


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("fold", [0, 2])
def test_every_protocol_draws_distinct_images_that_show_the_class(open_set, name, fold):
    dataset = open_set(name)
    manifest = make_protocol_manifest(name, dataset, fold, 3)
    labels = {dataset.image_path(i): dataset.read_labels(i) for i in range(len(dataset))}
    assert set(manifest.classes) == {
        (dataset.name, class_id) for class_id in novel_classes(PROTOCOLS[name], fold, dataset)
    }
    for each in manifest:
        images = [crop.image for crop in each.crops]
        assert len(set(images)) == 4
        for image in images:
            assert (labels[image] == each.class_id).sum() >= PROTOCOLS[name].min_pixels


@pytest.mark.parametrize("name", ["isaid5i-p2", "isaid5i-p3", "isaid5i-p4"])
def test_a_class_counts_from_2048_pixels_on(open_set, name):
    manifest = make_protocol_manifest(name, open_set(name), 1, 1)
    used = {crop.image.rsplit("/", 1)[1].removesuffix(".png") for e in manifest for crop in e.crops}
    assert used == {
        f"val_{class_id:02d}_{number}" for class_id in range(6, 11) for number in range(4)
    }
    assert manifest.image_size == (PROTOCOLS[name].image_size,) * 2
    all_pairs = make_protocol_manifest("isaid5i-p1", open_set("isaid5i-p1"), 1, 1)
    assert len(manifest) == 20
    assert len(all_pairs) == 30


def read_lists(root):
    return json.loads((root / "dlrsd" / "lists.json").read_text())["dlrsd-b"]


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_dlrsd_b_tests_the_listed_pairs_alone(root, open_set, fold):
    manifest = make_protocol_manifest("dlrsd-b", open_set("dlrsd-b"), fold, 1)
    listed = {
        (class_name, image)
        for class_name, images in read_lists(root)["val"][fold].items()
        for image in images
    }
    queries = [(e.class_name, e.query.image.split("/")[-1][:-4]) for e in manifest]
    supports = {(e.class_name, c.image.split("/")[-1][:-4]) for e in manifest for c in e.support}
    assert set(queries) == listed
    assert len(queries) == len(listed)
    assert supports <= listed


def test_dlrsd_b_needs_its_lists(root, open_set, tmp_path):
    prepare_dlrsd(root / "downloads", tmp_path / "dlrsd")
    path = tmp_path / "dlrsd" / "lists.json"
    content = json.loads(path.read_text())
    dataset = FolderDataset(tmp_path / "dlrsd")
    content["dlrsd-b"]["val"][1]["court"].append("court99")
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"name the image 'court99'; .*; 1 are absent in all"):
        make_protocol_manifest("dlrsd-b", dataset, 1, 1)
    make_protocol_manifest("dlrsd-b", dataset, 0, 1)
    del content["dlrsd-b"]["val"][2]
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="have no fold 2 for the test; expected 3 folds"):
        make_protocol_manifest("dlrsd-b", dataset, 2, 1)
    path.unlink()
    with pytest.raises(DatasetError, match=r"has no lists\.json.*add these files to --source"):
        make_protocol_manifest("dlrsd-b", dataset, 0, 1)


@pytest.mark.parametrize("name", ["dlrsd-c", "dlrsd-c-b"])
def test_the_clean_split_tests_no_image_of_training(root, open_set, name):
    splits = read_splits(root / "dlrsd")
    protocol = PROTOCOLS[name]
    for fold in range(3):
        manifest = make_protocol_manifest(name, open_set(name), fold, 2)
        used = {crop.image.split("/")[-1][:-4] for each in manifest for crop in each.crops}
        assert used <= set(splits[protocol.test_split])
        assert not used & set(splits[protocol.train_split])
    dataset = open_set(name)
    everything = {image_stem(dataset, index) for index in range(len(dataset))}
    assert set(splits["train"]) | set(splits["val"]) == everything


@pytest.mark.parametrize("name", ["isaid5i-p3", "dlrsd-b"])
def test_episodes_do_not_depend_on_workers(root, open_set, name):
    manifest = make_protocol_manifest(name, open_set(name), 0, 2)
    assert manifest.encode() == make_protocol_manifest(name, open_set(name), 0, 2).encode()
    episodes = ManifestEpisodes(manifest, root)
    loaded = [
        list(DataLoader(episodes, 8, num_workers=workers, collate_fn=Episode.stack))
        for workers in (0, 2)
    ]
    for first, second in zip(*loaded, strict=True):
        for field in ("query_image", "query_mask", "support_images", "support_masks", "class_id"):
            assert (getattr(first, field) == getattr(second, field)).all()


def test_a_manifest_knows_the_labels_it_was_made_for(root, open_set, tmp_path):
    manifest = make_protocol_manifest("dlrsd-c", open_set("dlrsd-c"), 0, 1)
    assert manifest.labels_sha256 == hash_labels(root, manifest.label_files)
    check_labels(manifest, root)
    prepare_dlrsd(root / "downloads", tmp_path / "data" / "dlrsd")
    check_labels(manifest, tmp_path / "data")
    name = manifest.label_files[0].split("/")[-1].removesuffix(".tif")
    shutil.copytree(root / "downloads", tmp_path / "downloads")
    raw = next((tmp_path / "downloads").rglob(f"{name}.png"))
    Image.fromarray(np.array(Image.open(raw)) % 17 + 1).save(raw)
    prepare_dlrsd(tmp_path / "downloads", tmp_path / "other" / "dlrsd")
    with pytest.raises(ManifestError, match="are not those the manifest 'dlrsd-c-fold0"):
        check_labels(manifest, tmp_path / "other")
