"""The contract over every model that learns from every drawn pixel, by its being in the table."""

import pytest
import torch

from fewscape.core import Policy
from fewscape.testing import PixelContract
from fewscape.testing.pixel import paint
from fewscape.zoo import PIXEL_MODELS, load


class TestPixelModels(PixelContract):
    @pytest.fixture(scope="class", params=sorted(PIXEL_MODELS))
    def model(self, request):
        return load(request.param).pixel

    def test_its_name_is_that_in_the_table(self, model):
        assert PIXEL_MODELS[model.name] is type(model)

    def test_it_runs_on_the_device(self, model, device):
        model.to(Policy(device, torch.float32))
        assert model.encode(paint(model)).device.type == "cpu"
        model.to(Policy(torch.device("cpu"), torch.float32))
