import pytest
import torch

from fewscape.core import ShapeError
from fewscape.metrics import EpisodeCounts


def strip(*values):
    return torch.tensor([[values]], dtype=torch.uint8)


def test_sums_first_and_divides_last():
    counts = EpisodeCounts()
    truth = strip(1, 1, 1, 1, 0, 0, 0, 0)
    counts.update(strip(1, 1, 1, 1, 0, 0, 0, 0) == 1, truth, torch.tensor([5]))  # 4 / 4
    counts.update(strip(0, 0, 0, 0, 1, 1, 0, 0) == 1, strip(1, 0, 0, 0, 0, 0, 0, 255),
                  torch.tensor([5]))  # 0 / 3  # fmt: skip
    counts.update(strip(1, 1, 0, 0, 0, 0, 0, 0) == 1, truth, torch.tensor([9]))  # 2 / 4
    scores = counts.compute()
    assert scores["miou"].item() == pytest.approx((4 / 7 + 2 / 4) / 2)  # not (1 / 2 + 2 / 4) / 2
    foreground, background = 6 / 11, (4 + 4 + 4) / (4 + 7 + 6)
    assert scores["fb_iou"].item() == pytest.approx((foreground + background) / 2)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_batches_and_processes_add_up():
    torch.manual_seed(0)
    prediction, mask = torch.rand(12, 5, 6) > 0.5, torch.randint(0, 2, (12, 5, 6))
    group = torch.randint(0, 3, (12,))
    whole = EpisodeCounts()
    whole.update(prediction, mask, group)
    parts = EpisodeCounts()
    for at in (0, 5, 7):
        end = {0: 5, 5: 7, 7: 12}[at]
        parts.update(prediction[at:end], mask[at:end], group[at:end])
    assert all(map(torch.equal, whole.per_episode(), parts.per_episode()))
    joined = EpisodeCounts()  # what torchmetrics makes of the lists of several processes
    joined.intersections, joined.unions, joined.groups = whole.per_episode()
    assert joined.compute() == parts.compute() == whole.compute()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_nothing_is_nan_and_reset_forgets():
    counts = EpisodeCounts()
    counts.update(strip(1) == 1, strip(1), torch.tensor([0]))
    assert counts.compute()["miou"] == 1
    counts.reset()
    assert all(score.isnan() for score in counts.compute().values())
    counts.update(strip(1) == 1, strip(255), torch.tensor([0]))
    assert counts.compute()["miou"].isnan()


def test_refuses_a_group_for_another_batch():
    with pytest.raises(ShapeError, match=r"group has shape \(2,\); expected \(B\) with B = 1"):
        EpisodeCounts().update(strip(1) == 1, strip(1), torch.tensor([0, 1]))
