import pytest
import torch

from fewscape.ops import fuse_shots


def published_vote(logits, limit):
    """docs/methods/index.md#several-shots (MGCL: 0.4; HSNet: 0.5), one pixel at a time."""
    shots, batch, _, height, width = logits.shape
    decided = torch.zeros(batch, height, width)
    for image in range(batch):
        votes = torch.zeros(height, width)
        for shot in range(shots):
            votes += (logits[shot, image].argmax(0) == 1).float()
        most = max(1.0, votes.max().item())
        for row in range(height):
            for col in range(width):
                decided[image, row, col] = float(votes[row, col] / most >= limit)
    return decided


@pytest.mark.parametrize(("rule", "limit"), [("vote", 0.4), ("vote_half", 0.5)])
@pytest.mark.parametrize("shots", [1, 2, 3, 5])
def test_voting_decides_as_published(shots, rule, limit):
    logits = torch.randn(shots, 3, 2, 6, 5)
    scores = fuse_shots(list(logits), rule)
    assert torch.equal((scores[:, 1] > scores[:, 0]).float(), published_vote(logits, limit))


def test_one_vote_suffices_where_no_pixel_has_more():
    logits = torch.zeros(5, 1, 2, 1, 2)
    logits[:, :, 0] = 1
    logits[0, 0, 1, 0, 0] = 2
    scores = fuse_shots(list(logits), "vote")
    assert (scores[:, 1] > scores[:, 0]).flatten().tolist() == [True, False]


def test_mean_logit_is_the_mean():
    logits = [torch.randn(2, 2, 3, 3) for _ in range(4)]
    assert torch.allclose(fuse_shots(logits, "mean_logit"), sum(logits) / 4, atol=1e-6)
