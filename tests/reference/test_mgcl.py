"""The yardstick itself, measured against docs/methods/mgcl.md one number at a time."""

import math

import pytest
import torch
from torch import nn
from torchvision.models import resnet50

from tests.reference.mgcl import (
    CenterPivot,
    Decoder,
    LiteralMGCL,
    correlation,
    enhanced_copy,
    label_map,
    predict_shots,
    randomise_batch_norm,
)

PARAMETERS = {
    "encoder_layer4": 47_104,
    "encoder_layer3": 48_128,
    "encoder_layer2": 64_512,
    "encoder_layer4to3": 221_952,
    "encoder_layer3to2": 221_952,
    "decoder1": 92_256,
    "decoder2": 4_914,
}
"""Section 6.2."""


def make_planes(side, used=20, seed=0):
    """(1, 128, side, side): overlapping rectangles, largest first, that leave pixels bare."""
    generator = torch.Generator().manual_seed(seed)
    planes = torch.zeros(1, 128, side, side, dtype=torch.int8)
    for index in range(used):
        row, col = torch.randint(0, side - 4, (2,), generator=generator).tolist()
        height, width = torch.randint(2, side // 2, (2,), generator=generator).tolist()
        planes[0, index, row : row + height, col : col + width] = 1
    order = planes.flatten(2).sum(-1)[0].argsort(descending=True)
    return planes[:, order]


def sample_aligned(mask, row, col, side):
    """Bilinear interpolation with aligned corners of a square mask (2D) to (side, side)."""
    last = mask.shape[0] - 1
    y, x = row * last / (side - 1), col * last / (side - 1)
    top, left = min(math.floor(y), last - 1), min(math.floor(x), last - 1)
    down, right = y - top, x - left
    corners = mask[top : top + 2, left : left + 2]
    rows = corners[0] * (1 - down) + corners[1] * down
    return float(rows[0] * (1 - right) + rows[1] * right)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = LiteralMGCL()
    randomise_batch_norm(made, seed=1)
    return made.eval()


def test_the_label_of_a_pixel_is_its_last_plane():
    planes = make_planes(16)
    labels = label_map(planes)[0]
    for row in range(16):
        for col in range(16):
            covering = planes[0, :, row, col].nonzero().flatten().tolist()
            assert labels[row, col] == max(covering, default=128)
    assert (labels == 128).any()


def test_the_enhanced_copy_is_the_mean_of_the_sampled_segment():
    planes = make_planes(32)
    features = torch.randn(1, 3, 8, 8, dtype=torch.float64).float()
    labels = label_map(planes)[0, ::4, ::4]
    copy = enhanced_copy(features, planes)
    assert (labels == 128).any()
    for row in range(8):
        for col in range(8):
            members = features[0][:, labels == labels[row, col]]
            bare = labels[row, col] == 128
            expected = torch.zeros(3) if bare else members.mean(dim=1)
            assert torch.allclose(copy[0, :, row, col], expected, atol=1e-6)


def test_a_correlation_is_a_clamped_cosine_with_the_weighted_support():
    query, support = torch.randn(2, 1, 5, 4, 4, generator=torch.Generator().manual_seed(2))
    mask = (torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(3)) > 0.4).float()
    mask[:, :12] = 0
    result = correlation(query, support, mask)
    assert result.shape == (1, 4, 4, 4, 4)
    for place in range(4**4):
        a, b, c, d = place // 64, place // 16 % 4, place // 4 % 4, place % 4
        first = query[0, :, a, b].double()
        second = support[0, :, c, d].double() * sample_aligned(mask[0], c, d, 4)
        lengths = (first.norm() + 1e-5) * (second.norm() + 1e-5)
        expected = max(0.0, float(first @ second / lengths))
        assert float(result[0, a, b, c, d]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("kernel", "stride", "side"), [(3, 2, 4), (5, 4, 8), (3, 1, 3), (3, 2, 5)])
def test_a_centre_pivot_convolution_is_the_sum_of_its_two_parts(kernel, stride, side):
    torch.manual_seed(0)
    layer = CenterPivot(2, 4, kernel, stride).double()
    x = torch.randn(1, 2, 4, 3, side, side, dtype=torch.float64)
    result = layer(x).detach()
    small, half = -(-side // stride), kernel // 2
    assert result.shape == (1, 4, 4, 3, small, small)
    generator = torch.Generator().manual_seed(1)
    for _ in range(60):
        o, a, b, c, d = (int(torch.randint(n, (), generator=generator)) for n in result.shape[1:])
        expected = layer.conv1.bias[o] + layer.conv2.bias[o]
        for i in range(kernel):
            for j in range(kernel):
                y, z = a + i - half, b + j - half
                if 0 <= y < 4 and 0 <= z < 3:
                    seen = x[0, :, y, z, c * stride, d * stride]
                    expected = expected + layer.conv1.weight[o, :, i, j] @ seen
                y, z = c * stride + i - half, d * stride + j - half
                if 0 <= y < side and 0 <= z < side:
                    expected = expected + layer.conv2.weight[o, :, i, j] @ x[0, :, a, b, y, z]
        assert float(result[0, o, a, b, c, d]) == pytest.approx(expected.item(), abs=1e-12)


def test_parameters_are_those_of_the_paper(network):
    head = network.segmentation_head.mgcd
    counts = {n: sum(p.numel() for p in part.parameters()) for n, part in head.named_children()}
    assert counts == PARAMETERS
    assert sum(p.numel() for p in network.segmentation_head.parameters()) == 700_818
    assert sum(p.numel() for p in network.backbone.parameters()) == 25_557_032


def test_a_third_of_the_parameters_is_inert():
    """Section 6.3: what no data ever meets gets no gradient."""
    torch.manual_seed(0)
    head = Decoder()
    for block in head.children():  # a closed ReLU would stop gradients for another reason
        for index, layer in enumerate(block):
            if isinstance(layer, nn.ReLU):
                block[index] = nn.Identity()
    tensors = [torch.rand(1, 2, side, side, side, side) for side in (32, 16, 8)]
    head(*tensors, make_planes(256)).square().sum().backward()
    inert = sum(int((p.grad == 0).sum()) for p in head.parameters())
    assert inert == 227_328


def test_names_are_those_of_published_checkpoints(network):
    names = {f"backbone.{name}" for name in resnet50(weights=None).state_dict()}
    for part in PARAMETERS:
        if part.startswith("encoder"):
            layers = [f"{i}.conv{j}" for i in (0, 3, 6) for j in (1, 2)] + ["1", "4", "7"]
        else:
            layers = ["0", "2"]
        for layer in layers:
            names |= {f"segmentation_head.mgcd.{part}.{layer}.{n}" for n in ("weight", "bias")}
    assert set(network.state_dict()) == names


@pytest.mark.slow
def test_gives_logits_of_the_input_size_even_without_masks_and_foreground(network):
    images = torch.rand(2, 2, 3, 256, 256)
    planes = torch.cat([make_planes(256), torch.zeros(1, 128, 256, 256, dtype=torch.int8)])
    masks = torch.zeros(2, 256, 256)
    masks[0, 60:180, 50:200] = 1
    with torch.inference_mode():
        logits = network(images[0], images[1], masks, planes, planes.flip(0))
    assert logits.shape == (2, 2, 256, 256)
    assert logits.isfinite().all()
    assert 0.001 < logits.std() < 10


def vote(shots):
    """predict_shots on a network whose decisions are given: (K, H, W) of 0 and 1."""
    shots = torch.tensor(shots)

    def network(query, support, mask, query_planes, support_planes):
        return torch.stack([1 - mask, mask], dim=1)

    empty = torch.zeros(1, len(shots), 1)
    return predict_shots(network, empty, empty, shots[None].float(), empty, empty)[0].tolist()


def test_votes_are_divided_by_the_most_in_the_image():
    assert vote([[[1, 0]]]) == [[1, 0]]
    # At most one vote anywhere: one suffices. With five, two do and one does not.
    assert vote([[[1, 0, 0]], [[0, 0, 1]], [[0, 0, 0]], [[0, 0, 0]], [[0, 0, 0]]]) == [[1, 0, 1]]
    assert vote([[[1, 1, 1]], [[1, 1, 0]], [[1, 0, 0]], [[1, 0, 0]], [[1, 0, 0]]]) == [[1, 1, 0]]
    assert vote([[[0, 0]], [[0, 0]]]) == [[0, 0]]


def test_batch_norm_statistics_become_usable_and_repeatable():
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(LiteralMGCL())
        randomise_batch_norm(networks[-1], seed=3)
    first, second = (network.backbone for network in networks)
    assert not first.training
    assert not torch.equal(first.bn1.running_var, torch.ones(64))
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
