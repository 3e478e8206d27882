"""The dual source network (docs/methods/dual_source.md)."""

import numpy as np
import pytest
import torch
from torch import nn

from fewscape.core import ConfigError, ShapeError
from fewscape.models.dual_source import (
    DualSource,
    DualSourceConfig,
    describe_grid,
    learn_prototypes,
    make_part_prototypes,
    make_prototypes,
    score_classes,
)
from fewscape.models.dual_source.encoder import BilinearPan, PanStem, make_encoder


def build(**settings):
    torch.manual_seed(0)
    return DualSource(DualSourceConfig(width=16, **settings)).eval()


def draw(height=24, width=20, ratio=4):
    generator = torch.Generator().manual_seed(0)
    ms = torch.randn(4, height, width, generator=generator)
    pan = torch.randn(1, ratio * height, ratio * width, generator=generator)
    rows, cols = torch.arange(ratio * height) // 8, torch.arange(ratio * width) // 8
    return ms, pan, (rows[:, None] * 100 + cols).unique(return_inverse=True)[1]


def gather(network, pixels, scene=None):
    with torch.no_grad():
        return network.gather(network.encode(*(scene or draw())), torch.tensor(pixels))


def literal_window(maps, row, col):
    """64 means of 2 x 2 cells of the mirrored 16 x 16 window of a pixel."""
    padded = np.pad(maps, ((0, 0), (7, 8), (7, 8)), mode="reflect")
    window = padded[:, row : row + 16, col : col + 16]
    blocks = window.reshape(len(maps), 8, 2, 8, 2).mean(axis=(2, 4)).reshape(len(maps), 64).T
    return blocks / np.linalg.norm(blocks, axis=1, keepdims=True)


@pytest.mark.parametrize("regions", [False, True])
def test_windows_are_those_of_the_padded_maps(regions):
    network = build(regions=regions)
    ms, pan, labels = draw()
    captured = {}
    for name in ("ms", "pan"):
        getattr(network, name).register_forward_hook(
            lambda module, inputs, output, name=name: captured.update({name: output[0]})
        )
    pixels = [[0, 0], [23, 19], [11, 4], [12, 5]]
    found = gather(network, pixels, (ms, pan, labels))
    if regions:
        from fewscape.ops import region_membership, share_regions

        membership = region_membership(labels, 4)
        captured = {n: share_regions(m[None], membership)[0] for n, m in captured.items()}
    for name in ("ms", "pan"):
        for number, pixel in enumerate(pixels):
            expected = literal_window(captured[name].numpy(), *pixel)
            np.testing.assert_allclose(
                getattr(found, name)[number].numpy(), expected, atol=1e-4, rtol=1e-3
            )


def test_the_stem_keeps_the_phase():
    """An impulse at the centre of a multispectral pixel stays symmetric about it."""
    stem = PanStem(4, 8)
    for layer in stem:
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 0.01)
    convolutions = nn.Sequential(*(layer for layer in stem if isinstance(layer, nn.Conv2d)))
    pan = torch.zeros(1, 1, 80, 80)
    place = 10
    pan[..., 4 * place + 1 : 4 * place + 3, 4 * place + 1 : 4 * place + 3] = 1
    with torch.inference_mode():
        response = convolutions(pan)[0, 0]
    assert response.shape == (20, 20)
    for offset in range(1, 5):
        torch.testing.assert_close(response[place - offset], response[place + offset])
        torch.testing.assert_close(response[:, place - offset], response[:, place + offset])
    assert response[place, place] == response.max()


@pytest.mark.parametrize("ratio", [2, 4])
def test_the_stem_ends_on_the_multispectral_grid(ratio):
    for stem in (PanStem(ratio, 8), BilinearPan(ratio, 8)):
        assert stem(torch.zeros(1, 1, 8 * ratio, 12 * ratio)).shape == (1, 8, 8, 12)


def test_the_bilinear_way_sees_the_middle_pixels_only():
    pan = torch.zeros(1, 1, 8, 8)
    pan[..., [0, 3, 4, 7], :] = 9
    pan[..., [0, 3, 4, 7]] = 9
    shrunk = torch.nn.functional.interpolate(pan, (2, 2), mode="bilinear", align_corners=False)
    assert (shrunk == 0).all()


def test_parameters():
    """About 1.23 million a stream at the recommended width."""
    count = sum(p.numel() for p in make_encoder("ms", 4, 4, 256, "learned").parameters())
    assert count == pytest.approx(1.23e6, rel=0.02)


def test_weights_sum_to_one_over_key_and_centre_regions():
    network = build()
    regions = gather(network, [[5, 6], [12, 3]])
    weights = network.weigh(regions.scores, regions.keys)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    centre = [8 * row + col for row in (3, 4) for col in (3, 4)]
    allowed = regions.keys.clone()
    allowed[:, centre] = True
    assert ((weights > 0) == allowed).all()
    assert weights[0][allowed[0]].std() > 1e-3  # no mean in disguise


def test_pixels_do_not_depend_on_their_company():
    network = build()
    pixels = [[row, col] for row in range(0, 24, 3) for col in range(0, 20, 3)]
    together = network.fuse(gather(network, pixels))
    alone = torch.cat([network.fuse(gather(network, [pixel])) for pixel in pixels])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("source", ["ms", "pan"])
def test_a_single_source_never_sees_the_other(source):
    network = build(sources=source, regions=source == "pan")
    ms, pan, labels = draw()
    first = network.fuse(gather(network, [[9, 9]], (ms, pan, labels)))
    other = (ms, pan + torch.randn_like(pan)) if source == "ms" else (torch.randn_like(ms), pan)
    second = network.fuse(gather(network, [[9, 9]], (*other, labels)))
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("fusion", ["scores", "sum", "cross"])
def test_descriptors_have_length_one_and_use_both_sources(fusion):
    network = build(fusion=fusion)
    ms, pan, labels = draw()
    first = network.fuse(gather(network, [[9, 9]], (ms, pan, labels)))
    torch.testing.assert_close(first.norm(dim=1), torch.ones(1))
    for scene in ((-ms, pan, labels), (ms, -pan, labels)):
        assert not torch.allclose(network.fuse(gather(network, [[9, 9]], scene)), first, atol=1e-3)


@pytest.mark.parametrize(
    "settings",
    [{}, {"fusion": "sum"}, {"fusion": "cross"}, {"sources": "ms"}, {"include_center": False}],
)
@pytest.mark.parametrize("size", [(24, 20), (33, 19), (9, 41)])
def test_all_pixels_at_once_are_the_pixels_one_by_one(settings, size):
    network = build(**settings)
    scene = draw(*size)
    with torch.inference_mode():
        found = describe_grid(network, network.encode(*scene))
    pixels = [[row, col] for row in range(size[0]) for col in range(size[1])]
    expected = network.fuse(gather(network, pixels, scene)).reshape(found.shape)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_a_tile_with_its_halo_equals_the_scene():
    """With the superpixels of the scene, a tile far enough from its edges changes nothing."""
    network = build(regions=False)
    ms, pan, labels = draw(80, 80)
    whole = network.fuse(gather(network, [[40, 41], [38, 44]], (ms, pan, labels)))
    tile = ms[:, 8:72, 8:72], pan[:, 32:288, 32:288], labels[32:288, 32:288]
    part = network.fuse(gather(network, [[32, 33], [30, 36]], tile))
    torch.testing.assert_close(part, whole, atol=1e-5, rtol=1e-4)


def test_several_prototypes_of_a_class_hold_its_parts():
    rows = torch.nn.functional.normalize(
        torch.tensor([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.1], [-1.0, -0.1], [0.0, 1.0]]), dim=1
    )
    owners = torch.tensor([0, 0, 0, 0, 1])
    prototypes, whose = make_part_prototypes(rows, owners, 2)
    assert whose.tolist() == [0, 0, 0, 1]
    logits = score_classes(rows, prototypes, whose, 2, 0.1)
    assert logits.argmax(dim=1).tolist() == owners.tolist()
    single = make_prototypes(rows, owners, 2)
    torch.testing.assert_close(single[1], rows[4])


def test_varied_ground_with_many_shots_is_not_outvoted():
    """A class of two kinds of ground beside a uniform one that lies close to the second kind."""
    centres = torch.nn.functional.normalize(
        torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.35]]), dim=1
    )
    shots = [(0, 30, 0), (1, 10, 0), (2, 40, 1)]
    rows = torch.cat([centres[n].expand(count, 3) for n, count, _ in shots])
    rows = torch.nn.functional.normalize(rows + 0.02 * torch.randn(rows.shape), dim=1)
    owners = torch.cat([torch.full((count,), owner) for _, count, owner in shots])
    prototypes = learn_prototypes(rows, owners)
    assert torch.bincount(prototypes.owners).tolist() == [12, 12]
    assert (prototypes.score(rows, 0.1).argmax(dim=1) == owners).float().mean() > 0.95
    few = learn_prototypes(rows[[0, 1, 2, 30, 31, 40, 41, 42, 43, 44]], owners[[0] * 5 + [79] * 5])
    assert torch.bincount(few.owners).tolist() == [3, 3]


def test_scores_are_the_log_mean_exponents():
    rows = torch.nn.functional.normalize(torch.randn(5, 4), dim=1)
    prototypes = torch.nn.functional.normalize(torch.randn(4, 4), dim=1)
    owners = torch.tensor([0, 1, 1, 1])
    found = score_classes(rows, prototypes, owners, 2, 0.1)
    expected = torch.stack(
        [
            torch.stack(
                [(row @ p / 0.1).exp() for p, o in zip(prototypes, owners, strict=True) if o == c]
            )
            .mean()
            .log()
            for row in rows
            for c in range(2)
        ]
    ).view(5, 2)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("settings", [{"ratio": 3}, {"width": 20}])
def test_what_does_not_fit_is_refused(settings):
    with pytest.raises(ConfigError, match="expected a ratio of 2 or 4"):
        DualSource(DualSourceConfig(**settings))


def test_wrong_sizes_are_told():
    network = build()
    ms, pan, labels = draw()
    with pytest.raises(ShapeError, match=r"pan has shape \(1, 80, 80\)"):
        network.encode(ms, pan[:, :80], labels)
    with pytest.raises(
        ShapeError, match=r"ms has shape \(3, 24, 20\); expected \(C, h, w\) with C"
    ):
        network.encode(ms[:3], pan, labels)
    with pytest.raises(ShapeError, match="a scene of 8 x 20 multispectral pixels"):
        network.encode(ms[:, :8], pan[:, :32], labels[:32])
