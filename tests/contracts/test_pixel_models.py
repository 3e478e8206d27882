"""What holds for every model that learns from every drawn pixel, by its being in the table."""

import json

import numpy as np
import pytest
import torch

from fewscape.core import Policy
from fewscape.models.experts import Cells, Scaling
from fewscape.models.pixel import Ground
from fewscape.zoo import PIXEL_MODELS, load

SIDE = 64


@pytest.fixture(scope="module", params=sorted(PIXEL_MODELS))
def model(request):
    return load(request.param).pixel


def paint(bands=3, batch=1, seed=0):
    """Dark on the left, bright on the right."""
    generator = torch.Generator().manual_seed(seed)
    images = 0.2 + 0.05 * torch.randn(batch, bands, SIDE, SIDE, generator=generator)
    images[..., SIDE // 2 :] += 0.5
    return images.clamp(0, 1)


def flatten(features):
    return features[0].flatten(1).T.numpy()


@pytest.fixture(scope="module")
def learnt(model):
    """Cells of two classes and what was learnt of them."""
    image = paint()
    features = model.encode(image)[0]
    values = flatten(features[None])
    scaling = Scaling.measure(values)
    cells = SIDE // model.stride
    places = np.arange(cells**2).reshape(cells, cells)
    dark, bright = (part[::3, ::3].ravel() for part in np.split(places, 2, axis=1))
    drawn = np.concatenate([dark, bright])
    classes = np.repeat([0, 1], [len(dark), len(bright)])
    given = Cells(
        scaling.apply(values[drawn]), classes, 2 * classes + drawn % 2, scaling.apply(values)
    )
    ground = Ground(scaling, Scaling.measure(flatten(image)))
    return model.learn(given), ground, given


def test_its_name_is_that_in_the_table(model):
    assert PIXEL_MODELS[model.name] is type(model)


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 13])
def test_cells_of_windows(model, bands):
    last = bands - 1
    found = model.encode(paint(bands, 2), (0, min(1, last), min(2, last)))
    assert found.shape[0] == 2
    assert found.shape[2:] == (SIDE // model.stride,) * 2
    assert found.dtype == torch.float32
    assert found.isfinite().all()


def test_windows_do_not_see_each_other(model):
    images = paint(batch=3)
    together = model.encode(images)
    alone = torch.cat([model.encode(image[None]) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-3)


def test_a_batch_is_mapped_like_its_windows(model, learnt):
    support, ground, _ = learnt
    images = paint(batch=2, seed=1)
    together = model.predict(images, support, ground)
    assert together.shape == (2, 2, SIDE // model.stride, SIDE // model.stride)
    assert together.dtype == torch.float32
    alone = torch.cat([model.predict(image[None], support, ground) for image in images])
    torch.testing.assert_close(together, alone)
    truth = torch.arange(SIDE // model.stride) >= SIDE // model.stride // 2
    assert (together.argmax(dim=1) == truth).float().mean() > 0.97


def test_neighbours_have_no_say_among_cells(model, learnt):
    support, _, cells = learnt
    found = model.predict_cells(cells.scene, support)
    assert found.shape == (len(cells.scene), 2)
    assert found.dtype == np.float32
    order = np.random.default_rng(0).permutation(len(cells.scene))[:99]
    np.testing.assert_allclose(
        model.predict_cells(cells.scene[order], support), found[order], atol=1e-3
    )


def test_learning_again_gives_the_same(model, learnt):
    support, _, cells = learnt
    np.testing.assert_array_equal(
        model.predict_cells(cells.scene, model.learn(cells)),
        model.predict_cells(cells.scene, support),
    )


def test_adapting_leaves_the_support_as_it_was(model, learnt):
    support, _, cells = learnt
    before = model.predict_cells(cells.scene, support)
    moved = model.adapt(support, cells.scene[::2])
    assert np.isfinite(model.predict_cells(cells.scene, moved)).all()
    np.testing.assert_array_equal(model.predict_cells(cells.scene, support), before)


def test_the_network_learns_nothing_of_gradients(model, learnt):
    support, ground, _ = learnt
    assert not model.predict(paint(), support, ground).requires_grad


def test_what_decides_its_maps_is_plain_data(model):
    assert json.loads(json.dumps(model.describe())) is not None


def test_it_runs_where_it_is_told(model, device):
    model.to(Policy(device, torch.float32))
    assert model.encode(paint()).device.type == "cpu"
    model.to(Policy(torch.device("cpu"), torch.float32))
