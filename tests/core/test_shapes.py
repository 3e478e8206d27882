import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fewscape.core import ShapeError, check_shape

LETTERS = "BCHWNKMSL"


@given(shape=st.lists(st.integers(0, 4), max_size=6))
def test_names_receive_their_sizes(shape):
    axes = LETTERS[: len(shape)]
    found = check_shape(torch.zeros(shape), " ".join(axes), "maps")
    assert found == dict(zip(axes, shape, strict=True))


@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=5), data=st.data())
def test_a_wrong_size_is_refused_wherever_it_stands(shape, data):
    place = data.draw(st.integers(0, len(shape) - 1))
    axes = [str(size) for size in shape]
    axes[place] = str(shape[place] + 1)
    with pytest.raises(ShapeError, match="maps has shape"):
        check_shape(torch.zeros(shape), " ".join(axes), "maps")


def test_numbers_stand_for_themselves_and_are_not_returned():
    assert check_shape(torch.zeros(2, 3, 8, 9), "B 3 H W", "images") == {"B": 2, "H": 8, "W": 9}


def test_a_repeated_name_has_one_size():
    assert check_shape(torch.zeros(2, 4, 4), "B N N", "table") == {"B": 2, "N": 4}
    with pytest.raises(ShapeError, match=r"expected \(B, N, N\)"):
        check_shape(torch.zeros(2, 4, 5), "B N N", "table")


def test_a_given_size_must_be_met():
    check_shape(torch.zeros(2, 16), "B C", "vectors", C=16)
    with pytest.raises(ShapeError, match=r"vectors has shape \(2, 16\).*\(B, C\) with C = 8"):
        check_shape(torch.zeros(2, 16), "B C", "vectors", C=8)


@pytest.mark.parametrize("shape", [(), (3, 8, 9), (1, 2, 3, 8, 9)])
def test_another_number_of_axes_is_refused(shape):
    with pytest.raises(ShapeError, match=r"images has shape .*expected \(B, 3, H, W\); check"):
        check_shape(torch.zeros(shape), "B 3 H W", "images")
