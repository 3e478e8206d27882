import numpy as np
import pytest

from fewscape.core import ConfigError, DatasetError
from fewscape.datasets.pan_ms import (
    PAN_WEIGHTS,
    SPECTRAL_PAIR,
    TEXTURE_PAIR,
    PairScale,
    PixelScene,
    WaldOptions,
    blur_sigma,
    coarsen_labels,
    make_pair,
    make_synthetic_pair,
    split_blocks,
)
from fewscape.raster import PanMsPair

QUIET = WaldOptions(jitter=0.0, pan_snr_db=None, ms_snr_db=None)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("gain", "sigma"),
    [(0.35, 1.845), (0.34, 1.870), (0.32, 1.922), (0.30, 1.976), (0.29, 2.003), (0.28, 2.032),
     (0.27, 2.060), (0.26, 2.090), (0.22, 2.216), (0.15, 2.480)],
)  # fmt: skip
def test_the_table_of_blurs(gain, sigma):
    assert blur_sigma(gain, 4, block=False) == pytest.approx(sigma, abs=5e-4)


def test_blur_and_block_have_the_gain_of_the_sensor():
    """A cosine at the Nyquist frequency of the bands keeps 30 % of its amplitude."""
    cols = np.arange(256)
    wave = np.cos(np.pi * (cols - 1.5) / 4)  # its peaks lie on the centres of the bands' pixels
    image = np.broadcast_to(wave, (4, 64, 256))
    ms = make_pair(image, QUIET, np.random.default_rng(0)).ms
    inner = ms[0, 8, 8:-8]
    assert np.abs(inner).mean() == pytest.approx(0.30, abs=0.01)


def test_bands_are_not_shifted_against_the_panchromatic_image(rng):
    image = np.zeros((4, 64, 64))
    image[:, 28:32, 36:40] = 1  # the ground of multispectral pixel (7, 9)
    pair = make_pair(image, QUIET, rng)
    for band in pair.ms:
        assert np.unravel_index(band.argmax(), band.shape) == (7, 9)
        for offset in (1, 2, 3):
            assert band[7 - offset, 9] == pytest.approx(band[7 + offset, 9], abs=1e-6)
            assert band[7, 9 - offset] == pytest.approx(band[7, 9 + offset], abs=1e-6)
    np.testing.assert_array_equal(pair.pan > 0.5, image[0] > 0.5)


def test_block_means_of_the_panchromatic_image_follow_the_bands(rng):
    ramp = np.add.outer(np.arange(64.0), 2 * np.arange(64.0))
    pair = make_pair(np.stack([ramp] * 4), QUIET, rng)
    blocks = pair.pan.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(blocks[2:-2, 2:-2], pair.ms[0, 2:-2, 2:-2], rtol=1e-4)


def test_the_panchromatic_image_is_the_weighted_sum(rng):
    image = rng.random((4, 8, 8))
    pair = make_pair(image, QUIET, rng)
    expected = sum(w * band for w, band in zip(PAN_WEIGHTS["gaofen"], image, strict=True))
    np.testing.assert_allclose(pair.pan, expected, rtol=1e-5)


def test_labels_need_three_quarters():
    fine = np.zeros((4, 12), np.uint8)
    fine[:, :4] = 1
    fine[0, :4] = 2  # 12 of 16 stay 1
    fine[:, 4:8] = 1
    fine[:2, 4:8] = 2  # half and half
    fine[:, 8:] = 2
    assert coarsen_labels(fine, 4, 2).tolist() == [[1, 0, 2]]


def test_wald_options_must_fit_the_image(rng):
    with pytest.raises(ConfigError, match="4 weights and 1 gains for 3 bands"):
        make_pair(np.zeros((3, 8, 8)), QUIET, rng)
    with pytest.raises(DatasetError, match="expected multiples of the ratio 4"):
        make_pair(np.zeros((4, 8, 10)), QUIET, rng)


def test_scaling_uses_valid_pixels_only(rng):
    ms = rng.normal(100, 10, (4, 16, 16)).astype(np.float32)
    pan = rng.normal(50, 5, (64, 64)).astype(np.float32)
    valid = np.ones((16, 16), bool)
    valid[:, :4] = False
    ms[:, :, :4] = 1e6
    pan[:, :16] = 1e6
    scale = PairScale.fit(PanMsPair(ms, pan, 4), valid)
    bands, grey = scale.apply(PanMsPair(ms, pan, 4))
    for plane in (*bands[:, :, 4:], grey[0, :, 16:]):
        assert plane.mean() == pytest.approx(0, abs=1e-3)
        assert plane.std() == pytest.approx(1, abs=1e-2)
    with pytest.raises(DatasetError, match="no pixel of the pair is valid"):
        PairScale.fit(PanMsPair(ms, pan, 4), ~np.ones((16, 16), bool))


def test_the_synthetic_pairs_need_both_sources():
    scene = make_synthetic_pair(64, 0, options=QUIET)
    smooth, furrowed, paving, scrub = (
        scene.class_names.index(name) + 1 for name in (*TEXTURE_PAIR, *SPECTRAL_PAIR)
    )
    inside = {number: scene.labels == number for number in (smooth, furrowed, paving, scrub)}
    spectra = {n: scene.pair.ms[:, mask].mean(axis=1) for n, mask in inside.items()}
    np.testing.assert_allclose(spectra[smooth], spectra[furrowed], rtol=0.05)
    assert np.abs(spectra[paving] - spectra[scrub]).max() > 0.05
    fine = {n: np.kron(mask, np.ones((4, 4), bool)) for n, mask in inside.items()}
    grey = {n: scene.pair.pan[mask] for n, mask in fine.items()}
    assert grey[paving].mean() == pytest.approx(grey[scrub].mean(), rel=0.02)
    assert grey[furrowed].std() > 4 * grey[smooth].std()


def test_a_scene_holds_its_labelled_pixels(rng):
    scene = make_synthetic_pair(32, 1)
    labelled = PixelScene.make(scene.pair, scene.labels, PairScale.fit(scene.pair))
    rows, cols = labelled.pixels.numpy().T
    np.testing.assert_array_equal(scene.labels[rows, cols], labelled.labels.numpy())
    assert len(rows) == (scene.labels > 0).sum()
    upper = np.zeros((32, 32), bool)
    upper[:16] = True
    assert labelled.select(upper).pixels[:, 0].max() < 16
    with pytest.raises(
        DatasetError, match=r"labels of 128 x 128 pixels; expected the multispectral"
    ):
        PixelScene.make(scene.pair, scene.fine_labels, PairScale.fit(scene.pair))


def test_blocks_keep_their_distance(rng):
    scene = make_synthetic_pair(96, 2, fields=300)
    train, test = split_blocks(scene.labels, 16, 0.3, rng, gap=5)
    assert not (train & test).any()
    for row, col in np.argwhere(test)[::97]:
        near = train[max(0, row - 5) : row + 6, max(0, col - 5) : col + 6]
        assert not near.any()
    for number in range(1, 9):
        share = (scene.labels[test] == number).sum() / (scene.labels == number).sum()
        assert share >= 0.3
    with pytest.raises(DatasetError, match=r"class \d has no labelled pixel left"):
        split_blocks(scene.labels, 96, 0.3, rng)
