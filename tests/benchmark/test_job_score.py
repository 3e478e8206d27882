import numpy as np
import pytest
import rasterio

from fewscape.benchmark.main_job.score import NOTHING, read_map, score_false, score_iou

TRUTH = np.array([[0, 0, 1, 1], [0, 0, 1, 255]], np.uint8)
NO_PIXEL = np.zeros(TRUTH.shape, bool)


def test_a_perfect_map():
    scores = score_iou(TRUTH.astype(np.int16), TRUTH, NO_PIXEL, [0, 1])
    assert scores == {0: 1.0, 1: 1.0}


def test_drawn_and_unknown_pixels_do_not_count():
    found = np.array([[1, 0, 1, 1], [0, 0, 1, 0]], np.int16)
    drawn = NO_PIXEL.copy()
    drawn[0, 0] = True
    assert score_iou(found, TRUTH, NO_PIXEL, [0, 1]) == {0: 3 / 4, 1: 3 / 4}
    assert score_iou(found, TRUTH, drawn, [0, 1]) == {0: 1.0, 1: 1.0}


def test_a_class_of_which_all_was_drawn_has_no_score():
    assert score_iou(TRUTH.astype(np.int16), TRUTH, TRUTH == 1, [0, 1]) == {0: 1.0, 1: None}


def test_the_share_that_is_falsely_mapped():
    found = np.array([[2, 2, NOTHING, 1], [0, 0, 1, 2]], np.int16)
    assert score_false(found, TRUTH, 2) == pytest.approx(2 / 7)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("names", "zero"), [({4: "roof"}, NOTHING), ({4: "roof", 7: "Background"}, 7)]
)
def test_a_map_is_read_in_the_ids_of_the_truth(tmp_path, names, zero):
    kind = {"driver": "GTiff", "height": 1, "width": 3, "count": 1, "dtype": "uint8"}
    with rasterio.open(tmp_path / "m.tif", "w", **kind) as file:
        file.write(np.array([[0, 1, 255]], np.uint8), 1)
        file.update_tags(1, CLASS_0="background", CLASS_1="roof")
    assert read_map(tmp_path / "m.tif", names).tolist() == [[zero, 4, NOTHING]]
