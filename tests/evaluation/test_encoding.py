import os

import numpy as np
import pytest
import torch

from fewscape.core import Policy, Window
from fewscape.datasets import Crop
from fewscape.evaluation import CropEncoder
from fewscape.evaluation.encoding import limit_feature_bytes
from tests.evaluation.doubles import NearColour

POLICY = Policy(torch.device("cpu"), torch.float32)
BYTES = 3 * 8 * 8 * 4 + 3 * 4  # one crop's maps and extra


def crop(number):
    return Crop(f"{number}.png", "", Window(0, 0, 8, 8))


def image_of(place):
    return torch.full((3, 8, 8), int(place.image.removesuffix(".png")), dtype=torch.uint8)


def encode(plan, **options):
    model = NearColour().eval()
    with CropEncoder(model, [[crop(n) for n in s] for s in plan], image_of, POLICY, **options) as e:
        for step, numbers in enumerate(plan):
            features = e.encode_step(step)
            found = (features.maps[0][:, 0, 0, 0] * 255).round().int().tolist()
            assert found == numbers
            assert (features.extra["mean"][:, 0] * 255).round().int().tolist() == numbers
    assert e.num_encoded == len(model.encoded)
    return e


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_each_crop_once_in_any_order(batch_size):
    plan = [[1, 2, 1], [2, 3], [4, 1, 3], [1]]
    assert encode(plan, batch_size=batch_size).num_encoded == 4


def test_forgets_what_no_later_step_needs():
    encoder = encode([[1, 2, 3], [3, 4], [4]])
    assert not encoder._kept
    assert encoder.num_encoded == 4


def test_short_of_memory_it_gives_up_what_is_needed_last():
    plan = [[1, 2, 3], [2], [3], [2], [1]]
    assert encode(plan, max_bytes=2 * BYTES).num_encoded == 4  # only 1, needed last, goes
    assert encode(plan, max_bytes=0).num_encoded == 7  # nothing is kept


def test_random_plans_in_little_memory():
    rng = np.random.default_rng(0)
    plan = [rng.integers(0, 9, 4).tolist() for _ in range(30)]
    fewer = encode(plan, max_bytes=5 * BYTES).num_encoded
    assert len({n for step in plan for n in step}) < fewer < sum(len(set(s)) for s in plan)


def test_an_error_while_reading_reaches_the_caller():
    def fail(place):
        raise OSError("disk gone")

    with (
        CropEncoder(NearColour().eval(), [[crop(1)]], fail, POLICY) as encoder,
        pytest.raises(OSError, match="disk gone"),
    ):
        encoder.encode_step(0)


def test_the_room_is_a_part_of_the_memory():
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert limit_feature_bytes(POLICY) == max(1 << 30, memory // 3)
