"""Contract tests of pixel models."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from fewscape.core import Policy
from fewscape.models import PixelModel
from fewscape.models.experts import Cells, Scaling
from fewscape.models.pixel import Ground

LEAST_SIDE = 64
"""Side of the windows, pixels; larger if ``window_multiple`` is."""

Learnt = tuple[Any, Ground, Cells]
"""The support, the scene's statistics, and the cells learned from."""


class PixelContract:
    """Tests of a pixel model; a subclass provides the fixture ``model``."""

    @pytest.fixture(scope="class")
    def learnt(self, model: PixelModel[Any]) -> Learnt:
        """Cells of two classes and their support."""
        image = paint(model)
        features = model.encode(image)[0]
        values = _flatten(features[None])
        scaling = Scaling.measure(values)
        cells = image.shape[-1] // model.stride
        places = np.arange(cells**2).reshape(cells, cells)
        dark, bright = (part[::3, ::3].ravel() for part in np.split(places, 2, axis=1))
        drawn = np.concatenate([dark, bright])
        classes = np.repeat([0, 1], [len(dark), len(bright)])
        given = Cells(
            scaling.apply(values[drawn]), classes, 2 * classes + drawn % 2, scaling.apply(values)
        )
        return model.learn(given), Ground(scaling, Scaling.measure(_flatten(image))), given

    @pytest.mark.parametrize("bands", [1, 2, 3, 4, 13])
    def test_cells_of_windows(self, model: PixelModel[Any], bands: int) -> None:
        """Any number of bands works."""
        last = bands - 1
        images = paint(model, bands, 2)
        found = model.encode(images, (0, min(1, last), min(2, last)))
        assert found.shape[0] == 2
        assert found.shape[2:] == (images.shape[-1] // model.stride,) * 2
        assert found.dtype == torch.float32
        assert found.isfinite().all()

    def test_windows_do_not_see_each_other(self, model: PixelModel[Any]) -> None:
        """A batch is encoded like its single windows."""
        images = paint(model, batch=3)
        together = model.encode(images)
        alone = torch.cat([model.encode(image[None]) for image in images])
        torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-3)

    def test_a_batch_is_mapped_like_its_windows(
        self, model: PixelModel[Any], learnt: Learnt
    ) -> None:
        """Bright ground is separated from dark ground."""
        support, ground, _ = learnt
        images = paint(model, batch=2, seed=1)
        cells = images.shape[-1] // model.stride
        together = model.predict(images, support, ground)
        assert together.shape == (2, 2, cells, cells)
        assert together.dtype == torch.float32
        alone = torch.cat([model.predict(image[None], support, ground) for image in images])
        torch.testing.assert_close(together, alone)
        truth = torch.arange(cells) >= cells // 2
        assert (together.argmax(dim=1) == truth).float().mean() > 0.97

    def test_neighbours_have_no_say_among_cells(
        self, model: PixelModel[Any], learnt: Learnt
    ) -> None:
        """``predict_cells`` takes cells in any order."""
        support, _, cells = learnt
        found = model.predict_cells(cells.scene, support)
        assert found.shape == (len(cells.scene), 2)
        assert found.dtype == np.float32
        order = np.random.default_rng(0).permutation(len(cells.scene))[:99]
        np.testing.assert_allclose(
            model.predict_cells(cells.scene[order], support), found[order], atol=1e-3
        )

    def test_learning_again_gives_the_same(self, model: PixelModel[Any], learnt: Learnt) -> None:
        """Maps are reproducible."""
        support, _, cells = learnt
        np.testing.assert_array_equal(
            model.predict_cells(cells.scene, model.learn(cells)),
            model.predict_cells(cells.scene, support),
        )

    def test_adapting_leaves_the_support_as_it_was(
        self, model: PixelModel[Any], learnt: Learnt
    ) -> None:
        """A support serves several scenes."""
        support, _, cells = learnt
        before = model.predict_cells(cells.scene, support)
        moved = model.adapt(support, cells.scene[::2])
        assert np.isfinite(model.predict_cells(cells.scene, moved)).all()
        np.testing.assert_array_equal(model.predict_cells(cells.scene, support), before)

    def test_the_network_learns_nothing_of_gradients(
        self, model: PixelModel[Any], learnt: Learnt
    ) -> None:
        """Mapping needs no gradients."""
        support, ground, _ = learnt
        assert not model.predict(paint(model), support, ground).requires_grad

    def test_what_decides_its_maps_is_plain_data(self, model: PixelModel[Any]) -> None:
        """``describe`` is serialisable."""
        assert json.loads(json.dumps(model.describe())) is not None

    def test_it_runs_where_it_is_told(self, model: PixelModel[Any]) -> None:
        """At least on the CPU; features are returned there."""
        model.to(Policy(torch.device("cpu"), torch.float32))
        assert model.encode(paint(model)).device.type == "cpu"


def paint(model: PixelModel[Any], bands: int = 3, batch: int = 1, seed: int = 0) -> torch.Tensor:
    """Paint windows (B, C, H, W), dark on the left and bright on the right."""
    multiple = model.window_multiple
    side = -(-LEAST_SIDE // multiple) * multiple
    generator = torch.Generator().manual_seed(seed)
    images = 0.2 + 0.05 * torch.randn(batch, bands, side, side, generator=generator)
    images[..., side // 2 :] += 0.5
    return images.clamp(0, 1)


def _flatten(features: torch.Tensor) -> npt.NDArray[np.float32]:
    flat: npt.NDArray[np.float32] = features[0].flatten(1).T.numpy()
    return flat
