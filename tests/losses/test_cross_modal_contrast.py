import pytest
import torch
import torch.nn.functional as F

from fewscape.losses import ModalSamples, compare_regions, cross_modal_contrast
from fewscape.losses.cross_modal_contrast import _one_direction


def unit(*shape):
    return F.normalize(torch.randn(*shape, dtype=torch.float64), dim=-1)


def draw(queries=4, regions=5, classes=3, shots=2, width=6):
    samples = [
        ModalSamples(
            unit(queries, regions, width), unit(classes * shots, width), unit(classes, width)
        )
        for _ in range(2)
    ]
    keys = torch.rand(queries, regions) < 0.5
    keys[0, 0] = True
    owners = torch.arange(classes).repeat_interleave(shots)
    return *samples, keys, torch.tensor([0, 2, 1, 2])[:queries], owners


def literal_direction(anchors, other, keys, query_classes, support_classes, margin):
    total, count = 0.0, 0
    for n, own in enumerate(query_classes.tolist()):
        for i in range(keys.shape[1]):
            if not keys[n, i]:
                continue
            a = anchors.regions[n, i]
            same = [
                float(a @ d)
                for d, c in zip(other.supports, support_classes, strict=True)
                if c == own
            ]
            wrong = sorted(
                (
                    float(a @ d)
                    for d, c in zip(other.supports, support_classes, strict=True)
                    if c != own
                ),
                reverse=True,
            )
            p1 = float(a @ other.prototypes[own])
            n1 = max(float(a @ p) for c, p in enumerate(other.prototypes) if c != own)
            plus = 0.5 * p1 + 0.25 * max(same) + 0.25 * min(same)
            minus = 0.5 * n1 + 0.25 * wrong[0] + 0.25 * (wrong[1] if len(wrong) > 1 else wrong[0])
            total += max(0.0, margin + minus - plus)
            count += 1
    return total / count


def test_the_loss_is_the_mean_of_both_directions_of_the_loop():
    first, second, *rest = draw()
    expected = 0.5 * (
        literal_direction(first, second, *rest, 0.2) + literal_direction(second, first, *rest, 0.2)
    )
    assert cross_modal_contrast(first, second, *rest).item() == pytest.approx(expected)


def test_the_worked_example():
    """P = (0.8, 0.9, 0.5), N = (0.6, 0.7, 0.4): s+ 0.75, s- 0.575, loss 0.025."""

    def row(cosine):
        return [cosine, (1 - cosine**2) ** 0.5]

    anchors = torch.tensor([[[1.0, 0.0]]])
    prototypes = torch.tensor([row(0.8), row(0.6)])
    supports = torch.tensor([row(0.9), row(0.5), row(0.7), row(0.4)])
    other = ModalSamples(anchors, supports, prototypes)
    owners, own = torch.tensor([0, 0, 1, 1]), torch.tensor([0])
    positive, negative = compare_regions(anchors, other, own, owners)
    assert positive.item() == pytest.approx(0.75)
    assert negative.item() == pytest.approx(0.575)
    keys = torch.ones(1, 1, dtype=torch.bool)
    assert _one_direction(other, other, keys, own, owners, 0.2).item() == pytest.approx(
        0.025, abs=1e-6
    )


def test_swapping_the_sources_swaps_the_directions():
    first, second, *rest = draw()
    one, two = (_one_direction(*pair, *rest, 0.2) for pair in ((first, second), (second, first)))
    assert one != two
    assert cross_modal_contrast(second, first, *rest) == cross_modal_contrast(first, second, *rest)


def test_nothing_is_lost_beyond_the_margin():
    regions = torch.eye(2)[:, None].expand(2, 3, 2)
    samples = ModalSamples(regions, torch.eye(2), torch.eye(2))
    keys, classes = torch.ones(2, 3, dtype=torch.bool), torch.arange(2)
    assert cross_modal_contrast(samples, samples, keys, classes, classes) == 0


def test_one_shot_and_one_other_support_are_enough():
    first, second, keys, query_classes, _ = draw(classes=2, shots=1)
    owners = torch.arange(2)
    loss = cross_modal_contrast(first, second, keys, query_classes.clamp(max=1), owners)
    assert loss.isfinite()


def test_without_a_key_region_there_is_no_loss():
    first, second, keys, *rest = draw()
    assert cross_modal_contrast(first, second, torch.zeros_like(keys), *rest) == 0
