import pytest
import torch

from fewscape.ops import FLIPS, average_views


def literal_mean(predict, windows, transforms):
    """Every view on its own."""
    answers = [back(predict(there(windows))) for there, back in transforms]
    return torch.stack(answers).mean(dim=0)


def symmetries(name):
    for mirrored, turns in FLIPS[name]:

        def there(maps, mirrored=mirrored, turns=turns):
            maps = maps.flip(-1) if mirrored else maps
            return torch.rot90(maps, turns, dims=(2, 3))

        def back(maps, mirrored=mirrored, turns=turns):
            maps = torch.rot90(maps, -turns, dims=(2, 3))
            return maps.flip(-1) if mirrored else maps

        yield there, back


def gradient_network(stride):
    """Scores that depend on the direction, at a stride."""
    weight = torch.randn(2, 3, stride, stride, generator=torch.Generator().manual_seed(1))
    return lambda windows: torch.nn.functional.conv2d(windows, weight, stride=stride)


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("flips", FLIPS)
def test_flips_are_averaged_in_place(flips, stride):
    windows = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    predict = gradient_network(stride)
    expected = literal_mean(predict, windows, symmetries(flips))
    torch.testing.assert_close(average_views(predict, windows, flips), expected)


def test_the_number_of_views_is_that_of_the_name():
    assert {name: len(set(views)) for name, views in FLIPS.items()} == {
        "none": 1,
        "h": 2,
        "hv": 4,
        "d4": 8,
    }


def test_flips_of_a_scale_share_a_batch():
    sizes = []

    def predict(windows):
        sizes.append(tuple(windows.shape))
        return windows[:, :1]

    windows = torch.ones(2, 3, 64, 96)
    scores = average_views(predict, windows, "hv", (0.75, 1.0, 1.7), multiple=32)
    assert sorted(sizes) == [(8, 3, 64, 64), (8, 3, 64, 96), (8, 3, 96, 160)]
    torch.testing.assert_close(scores, torch.ones(2, 1, 64, 96))


@pytest.mark.parametrize("scales", [(1.0,), (0.5,), (2.0,), (0.75, 1.25)])
@pytest.mark.parametrize("stride", [1, 4])
def test_scores_have_the_size_of_the_windows_own_scale(scales, stride):
    predict = gradient_network(stride)
    scores = average_views(predict, torch.ones(1, 3, 64, 32), scales=scales, multiple=8)
    assert scores.shape == (1, 2, 64 // stride, 32 // stride)


def test_one_view_changes_nothing():
    windows = torch.randn(1, 3, 8, 8)
    assert torch.equal(average_views(lambda w: w, windows), windows)
