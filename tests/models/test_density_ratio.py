"""The density ratio level by level against one query and one anchor at a time."""

import numpy as np
import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.models import DensityRatio
from tests.models.test_discriminant import SIZE, make_features, make_mask, shares_of
from tests.reference import closed_form

CANDIDATES = [2.0 * 2**step for step in range(5)]


@pytest.fixture
def model():
    return DensityRatio(BackboneConfig("test_resnet")).eval()


def level_ratio(model, query, supports, index):
    """One level's log ratio, (h, w)."""
    rows, sides = [], ([], [])
    for features, mask in supports:
        plane = features.maps[index][0].double().numpy()
        side = min(SIZE // model.cell_stride, plane.shape[1])
        times = plane.shape[1] // side
        plane = plane.reshape(len(plane), side, times, side, times).mean((2, 4))
        rows.append(plane.reshape(len(plane), -1).T)
        for kept, share in zip(sides, shares_of(mask, side), strict=True):
            kept.append(share)
    rows, (foreground, background) = np.concatenate(rows), map(np.concatenate, sides)
    within = closed_form.shrunk_within(rows, foreground, background, model.shrinkage)
    anchors = closed_form.whiten(rows, within)
    losses = [
        closed_form.leave_one_out_loss(anchors, foreground, background, candidate)
        for candidate in CANDIDATES
    ]
    best = CANDIDATES[int(np.argmin(losses))]
    own = query.maps[index][0].double().numpy()
    white = closed_form.whiten(own.reshape(len(own), -1).T, within)
    ratios = [
        closed_form.kernel_log_ratio(row, anchors, foreground, background, best) for row in white
    ]
    return np.array(ratios).reshape(own.shape[1:])


def test_scores_are_those_of_the_reference_over_all_shots(model):
    query = make_features(0)
    supports = [(make_features(shot), make_mask(shot)) for shot in (1, 2, 3)]
    output = model.predict(query, [model.learn(*support) for support in supports])
    levels = [level_ratio(model, query, supports, index) for index in range(4)]
    expected = np.mean([closed_form.resize_bilinear(level, (8, 8)) for level in levels], axis=0)
    np.testing.assert_allclose((output.logits[:, 1] - output.logits[:, 0])[0], expected, atol=1e-3)


@pytest.mark.parametrize(("value", "is_foreground"), [(0, False), (1, True), (255, False)])
def test_without_one_class_everything_is_the_other(model, value, is_foreground):
    mask = torch.full((1, SIZE, SIZE), value, dtype=torch.uint8)
    logits = model.predict(make_features(0), [model.learn(make_features(1), mask)]).logits
    assert ((logits[:, 1] > logits[:, 0]) == is_foreground).all()


def test_finer_levels_are_averaged_to_the_stride_of_the_cells(model):
    support = model.learn(make_features(1), make_mask(1))
    assert [support[f"cells{index}"].shape[1] for index in range(4)] == [16, 16, 4, 1]


@pytest.mark.parametrize(("views", "times"), [("none", 1), ("hv", 4), ("d4", 8)])
def test_every_view_adds_its_cells(views, times):
    torch.manual_seed(0)
    model = DensityRatio(BackboneConfig("test_resnet"), views=views).eval()
    images = torch.rand(1, 3, 32, 64)
    mask = torch.randint(0, 2, (1, 32, 64), dtype=torch.uint8)
    with torch.inference_mode():
        features = model.encode(images)
        support = model.learn(features, mask)
        logits = model.predict(features, [support]).logits
    assert support["cells1"].shape[1] == 32 * times
    assert torch.allclose(support["shares1"].sum(dim=1), times * support["shares1"][:, :32].sum(1))
    assert logits.shape == (1, 2, 8, 16)
    assert logits.isfinite().all()
