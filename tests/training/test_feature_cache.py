import torch

from fewscape.backbones import make_backbone
from fewscape.training.feature_cache import FeatureCache, MemoryStore


def images(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, 64, 64), dtype=torch.uint8, generator=generator)


def test_maps_are_those_of_the_backbone_rounded():
    backbone = make_backbone("test_resnet")
    cache = FeatureCache(backbone, MemoryStore(1.0))
    batch = images(3)
    for kept, direct in zip(cache(batch), backbone(batch), strict=True):
        assert torch.equal(kept, direct.bfloat16().float())


def test_the_same_pixels_pass_the_backbone_once(monkeypatch):
    backbone = make_backbone("test_resnet")
    seen = []
    original = backbone.extract
    monkeypatch.setattr(backbone, "extract", lambda x: (seen.append(len(x)), original(x))[1])
    cache = FeatureCache(backbone, MemoryStore(1.0))
    batch = images(2)
    first = cache(batch)
    second = cache(torch.cat([batch[1:], batch[1:], images(1, seed=9), batch[:1]]))
    assert seen == [2, 1]
    assert torch.equal(second[0][0], first[0][1])
    assert torch.equal(second[0][3], first[0][0])


def test_memory_stays_under_the_limit():
    backbone = make_backbone("test_resnet")
    cache = FeatureCache(backbone, MemoryStore(1e-5))
    for seed in range(5):
        assert cache(images(2, seed))[0].shape[0] == 2
        assert cache.store.size <= cache.store.limit
