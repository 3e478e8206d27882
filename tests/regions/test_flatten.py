import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fewscape.regions import flatten_masks
from tests.reference import regions as reference

stacks = hnp.arrays(
    bool, st.tuples(st.integers(0, 7), st.integers(1, 5), st.integers(1, 5)), fill=st.nothing()
)


@given(stacks, st.integers(1, 8))
def test_equals_the_reference(masks, max_masks):
    size = masks.shape[1:]
    expected = reference.flatten(list(masks), size, max_masks)
    assert np.array_equal(flatten_masks(masks, size, max_masks), expected)


def test_the_smallest_mask_wins_whatever_the_order():
    whole, half, dot = np.ones((3, 2, 2), bool)
    half[1] = False
    dot[:] = False
    dot[0, 0] = True
    for order in ([whole, half, dot], [dot, whole, half]):
        assert flatten_masks(order, (2, 2)).tolist() == [[2, 1], [0, 0]]


def test_the_smallest_masks_are_dropped_first():
    masks = np.zeros((3, 1, 3), bool)
    masks[0, 0, :1] = masks[1, 0, :2] = masks[2] = True
    assert flatten_masks(masks, (1, 3), max_masks=2).tolist() == [[1, 1, 0]]


def test_empty_masks_never_win_and_no_masks_leave_all_bare():
    masks = np.zeros((2, 2, 2), bool)
    masks[0, 0] = True
    assert flatten_masks(masks, (2, 2)).tolist() == [[0, 0], [-1, -1]]
    assert flatten_masks([], (1, 2)).tolist() == [[-1, -1]]
    assert flatten_masks([], (1, 2)).dtype == np.int32
