import numpy as np
import pytest
import torch

from fewscape.ops import (
    average_square,
    box_features,
    box_reach,
    multiscale_features,
    multiscale_reach,
    pool_cells,
    smooth_gaussian,
)
from tests.reference import texture

MAKERS = [(box_features, box_reach()), (multiscale_features, multiscale_reach())]


def draw_images(bands, height=40, width=46, batch=1, seed=0):
    """Ground in blocks with noise: edges and texture."""
    rng = np.random.default_rng(seed)
    blocks = rng.uniform(0, 1, (batch, bands, -(-height // 9), -(-width // 9)))
    fine = np.kron(blocks, np.ones((1, 1, 9, 9)))[..., :height, :width]
    noisy = fine + rng.normal(0, 0.05, fine.shape)
    return torch.from_numpy(noisy.clip(0, 1).astype(np.float32))


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 13])
@pytest.mark.parametrize("name", ["box_features", "multiscale_features"])
def test_features_equal_those_of_slow_filters(name, bands):
    image = draw_images(bands)
    found = {"box_features": box_features, "multiscale_features": multiscale_features}[name](image)
    expected = getattr(texture, name)(image[0].double().numpy())
    assert found.dtype == torch.float32
    # Deviations are roots of differences of sums in float32.
    np.testing.assert_allclose(found[0].numpy(), expected, atol=3e-3)
    assert np.abs(found[0].numpy() - expected).mean() < 1e-5


@pytest.mark.parametrize(("make", "sizes"), [(box_features, "5 C"), (multiscale_features, "7 C")])
@pytest.mark.parametrize("bands", [1, 2, 3, 4, 13])
@pytest.mark.parametrize("stride", [1, 2])
def test_any_number_of_bands(make, sizes, bands, stride):
    found = make(draw_images(bands, 32, 64, batch=2), stride)
    scales = 5 * bands + 12 if bands == 1 else 7 * bands + 15
    assert found.shape == (2, {"5 C": 5 * bands, "7 C": scales}[sizes], 32 // stride, 64 // stride)


@pytest.mark.parametrize(("make", "reach"), MAKERS)
@pytest.mark.parametrize("stride", [1, 2])
def test_features_in_a_window_are_those_of_the_whole(make, reach, stride):
    whole = draw_images(3, 128, 256, seed=1)
    margin = -(-reach // stride) * stride
    window = whole[..., :, 64:224]
    begin = margin // stride
    expected = make(whole, stride)[..., 64 // stride :][..., begin : 160 // stride - begin]
    found = make(window, stride)[..., begin : 160 // stride - begin]
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize(("make", "reach"), MAKERS)
def test_the_reach_is_no_larger_than_what_decides(make, reach):
    image = draw_images(1, 3, 2 * reach + 7)
    changed = image.clone()
    changed[..., 0] = 1 - image[..., 0]
    differ = (make(image) != make(changed)).any(dim=1)[0].any(dim=0).nonzero()
    assert reach - 1 <= int(differ.max()) <= reach


@pytest.mark.parametrize("make", [box_features, multiscale_features])
@pytest.mark.parametrize("bands", [1, 3])
def test_cells_of_two_pixels_are_like_the_mean_of_their_pixels(make, bands):
    image = draw_images(bands, 96, 96)
    coarse, fine = make(image, 2), pool_cells(make(image, 1), 2)
    for cells, pixels in zip(coarse[0], fine[0], strict=True):
        both = torch.stack([cells.flatten(), pixels.flatten()])
        assert torch.corrcoef(both)[0, 1] > 0.9
    assert (coarse - fine).abs().mean() < 0.02


@pytest.mark.parametrize("make", [box_features, multiscale_features])
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_scene_of_one_colour_has_no_texture(make, value):
    for stride in (1, 2):
        found = make(torch.full((1, 3, 32, 32), value), stride)
        assert found.isfinite().all()
        # The square root of what rounding leaves.
        assert found.flatten(2).std(dim=2).max() < 2e-3


def test_an_image_of_one_pixel():
    assert multiscale_features(torch.rand(1, 3, 1, 1)).isfinite().all()
    assert box_features(torch.rand(1, 1, 1, 1)).isfinite().all()


def test_coherence_tells_stripes_from_noise():
    at_4_pixels = -4
    stripes = (torch.arange(96) // 8 % 2).float().expand(1, 1, 96, 96)
    noise = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    inner = slice(32, 64)
    assert multiscale_features(stripes)[0, at_4_pixels, inner, inner].min() > 0.99
    assert multiscale_features(noise)[0, at_4_pixels, inner, inner].mean() < 0.4


@pytest.mark.parametrize("sigma", [1.0, 2.5, 8.0])
def test_smoothing_keeps_means_and_evens_out(sigma):
    maps = torch.rand(2, 3, 20, 30)
    smooth = smooth_gaussian(maps, sigma)
    assert smooth.shape == maps.shape
    assert smooth.std() < maps.std()
    assert smooth_gaussian(torch.full((1, 1, 5, 5), 0.7), sigma).allclose(torch.tensor(0.7))
    assert smooth_gaussian(maps, 0.0) is maps


def test_squares_are_averaged():
    maps = torch.zeros(1, 1, 7, 7)
    maps[0, 0, 3, 3] = 9
    found = average_square(maps, 3)[0, 0]
    assert found[2:5, 2:5].allclose(torch.ones(3, 3))
    assert found.sum() == pytest.approx(9)
    maps = torch.arange(4.0).view(1, 1, 1, 4)
    assert average_square(maps, 3)[0, 0, 0].tolist() == pytest.approx([1 / 3, 1, 2, 8 / 3])


def test_cells_are_means():
    assert pool_cells(torch.arange(8.0).view(1, 1, 2, 4), 2).flatten().tolist() == [2.5, 4.5]
    maps = torch.rand(1, 1, 3, 3)
    assert pool_cells(maps, 1) is maps
