import numpy as np
import pytest
import torch
from torch import nn

from fewscape.layers import GloRe, JoinedConv
from tests.reference import dsmf_net as plain


def make_unit(adjacency="static", is_trained=True):
    torch.manual_seed(0)
    unit = GloRe(16, nodes=6, states=12, adjacency=adjacency, groups=4)
    if is_trained:
        nn.init.normal_(unit.norm.weight)
        nn.init.normal_(unit.norm.bias)
    return unit.requires_grad_(False)


@pytest.mark.parametrize("adjacency", ["static", "dynamic"])
def test_a_new_unit_is_the_identity(adjacency):
    maps = torch.randn(2, 16, 5, 4)
    assert torch.equal(make_unit(adjacency, is_trained=False)(maps), maps)


def test_it_equals_the_sums_over_positions_and_nodes():
    unit, maps = make_unit(), torch.randn(2, 16, 5, 4)
    for own, found in zip(maps, unit(maps), strict=True):
        expected = plain.glore(unit, own.flatten(1).numpy())
        assert np.allclose(found.flatten(1).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("adjacency", ["static", "dynamic"])
def test_positions_have_no_order(adjacency):
    unit, maps = make_unit(adjacency), torch.randn(2, 16, 5, 4)
    order = torch.randperm(20)
    turned = maps.flatten(2)[:, :, order].view(2, 16, 5, 4)
    expected = unit(maps).flatten(2)[:, :, order]
    assert torch.allclose(unit(turned).flatten(2), expected, atol=1e-5)


def test_nodes_do_not_depend_on_the_number_of_positions():
    unit, rows = make_unit(), torch.randn(2, 16, 20)
    twice = torch.cat([rows, rows], dim=2)
    expected = unit.gather(rows, unit.project(rows))
    assert torch.allclose(unit.gather(twice, unit.project(twice)), expected, atol=1e-6)


def test_a_dynamic_graph_lets_similar_nodes_hear_each_other():
    unit = make_unit("dynamic")
    nodes = torch.zeros(1, 12, 6)
    nodes[0, :6, :3], nodes[0, 6:, 3:] = 9.0, 9.0
    heard = unit._exchange(nodes)
    assert torch.allclose(heard, nodes, atol=1e-3)


def test_parameters_are_those_of_the_specification():
    assert sum(parameter.numel() for parameter in GloRe(256).parameters()) == 103_168


def test_a_joined_convolution_equals_the_tiled_one():
    convolution = JoinedConv(5, 2, 7).requires_grad_(False)
    maps, vector, others = torch.randn(3, 5, 4, 3), torch.randn(3, 5), torch.randn(3, 2, 4, 3)
    found = convolution.join(maps, vector, others)
    weight = convolution.weight[:, :, 0, 0].numpy()
    for index in range(3):
        expected = plain.joined(
            weight, maps[index].numpy(), vector[index].numpy(), others[index].numpy()
        )
        assert np.allclose(found[index].numpy(), expected, atol=1e-5)
    one = convolution.join(maps, vector[:1], others)
    assert torch.allclose(one[0], found[0])
