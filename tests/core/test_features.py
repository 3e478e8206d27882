import pytest
import torch

from fewscape.core import Features, Output, Support


def make_features(batch=3, with_regions=True):
    regions = torch.arange(batch * 64, dtype=torch.int32).view(batch, 8, 8)
    return Features(
        maps=(torch.randn(batch, 2, 4, 4), torch.randn(batch, 5, 2, 2)),
        size=(8, 8),
        regions=regions if with_regions else None,
        extra={"means": torch.randn(batch, 6, 5)},
    )


@pytest.mark.parametrize("item", [slice(1, 3), slice(None, None, 2), torch.tensor([2, 0])])
def test_some_images_keep_all_that_is_known_of_them(item):
    features = make_features()
    part = features[item]
    assert part.size == features.size
    assert part.batch == 2
    for level, whole in zip(part.maps, features.maps, strict=True):
        assert torch.equal(level, whole[item])
    assert torch.equal(part.regions, features.regions[item])
    assert torch.equal(part.extra["means"], features.extra["means"][item])


def test_images_can_repeat():
    assert make_features()[torch.zeros(4, dtype=torch.long)].batch == 4


def test_features_without_regions_stay_without():
    part = make_features(with_regions=False)[:1]
    assert part.regions is None
    assert part.batch == 1


def test_features_move_between_devices():
    moved = make_features().to("meta")
    tensors = [*moved.maps, moved.regions, *moved.extra.values()]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert moved.size == (8, 8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_support_is_the_same_after_saving_and_loading(tmp_path, dtype):
    vectors = torch.randn(1, 4, 6).to(dtype).transpose(1, 2)  # not contiguous
    support = Support({"vectors": vectors, "mask": torch.tensor([[0, 1, 255]], dtype=torch.uint8)})
    support.save(tmp_path / "roof.safetensors")
    loaded = Support.load(tmp_path / "roof.safetensors")
    assert loaded.tensors.keys() == support.tensors.keys()
    assert loaded["vectors"].dtype == dtype
    for name, tensor in support.tensors.items():
        assert torch.equal(loaded[name], tensor)


def test_a_support_moves_between_devices():
    moved = Support({"vectors": torch.randn(1, 3)}).to("meta")
    assert moved["vectors"].device.type == "meta"
    assert moved["vectors"].shape == (1, 3)


def test_outputs_do_not_share_their_maps():
    first, second = (Output(torch.zeros(1, 2, 4, 4), (8, 8)) for _ in range(2))
    assert first.maps == {}
    assert first.maps is not second.maps
