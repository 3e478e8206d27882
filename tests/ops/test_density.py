"""Kernel densities on the sphere against one query and one anchor at a time."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fewscape.core import ShapeError
from fewscape.ops import choose_concentration, density, log_density_ratio
from tests.reference import closed_form


def draw(seed=0, batch=2, count=24, channels=5):
    generator = torch.Generator().manual_seed(seed)
    share = torch.rand(batch, count, generator=generator)
    centres = torch.randn(2, channels, generator=generator)
    noise = torch.randn(batch, count, channels, generator=generator)
    anchors = share[..., None] * centres[0] + (1 - share[..., None]) * centres[1] + noise
    rows = torch.randn(batch, 7, channels, generator=generator)
    weights = torch.stack([share, 1 - share], dim=2)
    return F.normalize(rows, dim=2), F.normalize(anchors, dim=2), weights


def test_a_wrong_shape_is_refused():
    with pytest.raises(ShapeError, match="anchors has shape"):
        log_density_ratio(
            torch.zeros(1, 3, 2), torch.zeros(1, 3, 4), torch.zeros(1, 3, 2), torch.ones(1)
        )


def test_ratios_are_those_of_the_reference():
    rows, anchors, weights = draw()
    concentrations = torch.tensor([2.0, 16.0])
    ratios = log_density_ratio(rows, anchors, weights, concentrations)
    for index in range(2):
        own = anchors[index].double().numpy(), *weights[index].double().numpy().T
        expected = [
            closed_form.kernel_log_ratio(row, *own, concentrations[index].item())
            for row in rows[index].double().numpy()
        ]
        np.testing.assert_allclose(ratios[index], expected, atol=1e-4)


def test_rows_taken_one_at_a_time_give_the_same(monkeypatch):
    rows, anchors, weights = draw(1)
    whole = log_density_ratio(rows, anchors, weights, torch.tensor([8.0]))
    monkeypatch.setattr(density, "MAX_PRODUCTS", 1)
    assert torch.allclose(
        log_density_ratio(rows, anchors, weights, torch.tensor([8.0])), whole, atol=1e-5
    )


def test_one_support_serves_many_queries():
    rows, anchors, weights = draw(2)
    together = log_density_ratio(rows, anchors[:1], weights[:1], torch.tensor([4.0]))
    alone = log_density_ratio(rows[1:], anchors[:1], weights[:1], torch.tensor([4.0]))
    assert torch.allclose(together[1:], alone, atol=1e-6)


@pytest.mark.parametrize(
    ("present", "sign"), [((1.0, 0.0), 1.0), ((0.0, 1.0), -1.0), ((0.0, 0.0), 0.0)]
)
def test_a_missing_class_leaves_everything_to_the_other(present, sign):
    rows, anchors, weights = draw(3)
    weights = weights * torch.tensor(present)
    ratios = log_density_ratio(rows, anchors, weights, choose_concentration(anchors, weights))
    assert ratios.isfinite().all()
    assert (ratios.sign() == sign).all()


@pytest.mark.parametrize("seed", range(4))
def test_leave_one_out_chooses_the_kernel_of_least_loss(seed):
    _, anchors, weights = draw(seed)
    chosen = choose_concentration(anchors, weights, widest=0.5, num_candidates=6)
    for index in range(2):
        own = anchors[index].double().numpy(), *weights[index].double().numpy().T
        candidates = [0.5 * 2**step for step in range(6)]
        losses = [closed_form.leave_one_out_loss(*own, candidate) for candidate in candidates]
        assert chosen[index] == candidates[int(np.argmin(losses))]


def test_only_some_cells_are_judged():
    _, anchors, weights = draw(5)
    few = choose_concentration(anchors, weights, num_judged=3)
    assert few.shape == (2,)
    # Cells that are not judged still speak for those that are.
    assert choose_concentration(anchors[:, :1], weights[:, :1]).tolist() == [2.0, 2.0]


def test_densities_stay_exact_under_autocast():
    rows, anchors, weights = draw(6)
    expected = log_density_ratio(rows, anchors, weights, torch.tensor([8.0]))
    with torch.autocast("cpu", torch.bfloat16):
        found = log_density_ratio(rows, anchors, weights, torch.tensor([8.0]))
    assert torch.equal(found, expected)
