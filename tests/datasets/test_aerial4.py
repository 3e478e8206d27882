from collections import Counter

import pytest

from fewscape.core import find_packaged
from fewscape.datasets import AERIAL4_DATASETS, AERIAL4_FOLDS, Manifest, open_aerial4
from fewscape.datasets.making import make_manifest
from tests.conftest import SHARED_DATA

FILES = {shots: find_packaged("manifests", f"aerial4-{shots}shot") for shots in (1, 5)}

needs_data = pytest.mark.skipif(
    not all((SHARED_DATA / name).is_dir() for name in AERIAL4_DATASETS),
    reason="the four data sets are not at hand",
)


@pytest.mark.parametrize("shots", FILES)
def test_committed_episodes_keep_the_protocol(shots):
    manifest = Manifest.load(FILES[shots])
    counts = Counter((e.dataset, e.class_name) for e in manifest)
    assert len(counts) == 12
    assert set(counts.values()) == {100}
    assert {name for _, name in counts} == set(AERIAL4_FOLDS.concepts)
    assert manifest.image_size == (256, 256)
    assert len(set(manifest)) == len(manifest)
    for episode in manifest:
        assert len({crop.image for crop in episode.crops}) == shots + 1
        assert all(crop.window[2:] == (256, 256) for crop in episode.crops)


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("shots", FILES)
def test_committed_episodes_can_be_made_again(shots):
    made, shortages = make_manifest(
        FILES[shots].stem, open_aerial4(SHARED_DATA), ["background", "clutter"], shots
    )
    assert not shortages
    assert made.sha256 == Manifest.load(FILES[shots]).sha256


@needs_data
def test_committed_episodes_fit_the_data():
    Manifest.load(FILES[5]).check_files(SHARED_DATA)
