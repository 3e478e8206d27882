"""The towers behind one interface, the vectors of names, and activation maps."""

import json

import pytest
import torch

from fewscape.backbones import (
    ClassTexts,
    ClipConfig,
    OpenClip,
    StubClip,
    fit_state,
    make_clip,
    read_texts,
    save_texts,
    softmax_grad_cam,
)
from fewscape.core import ConfigError, MissingPackageError, WeightsError
from tests.reference.grad_cam import naive_grad_cam

NAMES = ["ship", "storage tank", "harbor"]
TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 64, "layers": 3, "width": 32, "head_width": 16, "patch_size": 4},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny transformer of open_clip with random weights."""
    open_clip = pytest.importorskip("open_clip", reason="the extra 'clip' is not installed")
    folder = tmp_path_factory.mktemp("architectures")
    (folder / "tiny-test.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(folder)
    torch.manual_seed(0)
    return OpenClip("tiny-test")


def stub():
    return StubClip()


@pytest.fixture(params=["stub", "tiny"])
def clip(request):
    return stub() if request.param == "stub" else request.getfixturevalue("tiny")


def test_tokens_are_a_grid_of_vectors_as_wide_as_the_texts(clip):
    images = torch.randint(0, 256, (2, 3, 96, 80), dtype=torch.uint8)
    tokens = clip.encode_tokens(images)
    assert tokens.shape == (2, 16, 16, clip.width)
    assert clip.encode_text(NAMES).shape == (3, clip.width)
    assert torch.allclose(clip.encode_tokens(images.float() / 255), tokens, atol=1e-4)


def test_images_are_normalised_by_clips_statistics_or_those_given():
    images = torch.rand(1, 3, 64, 64)
    mean, std = torch.rand(2, 1, 3, 1, 1)
    pixels = stub().prepare(images, mean, std)
    assert torch.allclose(pixels, (images - mean) / std, atol=1e-6)
    assert stub().prepare(torch.full((1, 3, 64, 64), 0.48145466))[0, 0].abs().max() < 1e-6


def test_the_towers_stay_frozen(clip):
    clip.train()
    assert not clip.training
    assert not any(parameter.requires_grad for parameter in clip.parameters())


def test_tokens_are_the_normed_and_projected_patches_of_the_last_block(tiny):
    images = torch.rand(2, 3, 64, 64)
    visual, kept = tiny.visual, []
    handle = visual.transformer.register_forward_hook(lambda *parts: kept.append(parts[2]))
    with torch.no_grad():
        pooled = visual(tiny.prepare(images))
        expected = visual.ln_post(kept[0]) @ visual.proj
    handle.remove()
    tokens = tiny.encode_tokens(images)
    assert torch.allclose(tokens.flatten(1, 2), expected[:, 1:], atol=1e-6)
    assert torch.allclose(tiny.embed(tiny.prepare(images)), pooled, atol=1e-6)
    assert torch.allclose(expected[:, 0], pooled, atol=1e-6)


def test_only_the_image_tower_is_part_of_the_state(tiny):
    assert {name.split(".")[0] for name in tiny.state_dict()} == {"visual"}


def test_weights_come_from_a_local_file(tiny, tmp_path):
    path = tmp_path / "towers.pt"
    torch.save(tiny._whole[0].state_dict(), path)
    again = OpenClip("tiny-test", str(path))
    assert torch.equal(again.encode_text(NAMES), tiny.encode_text(NAMES))
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(again.encode_tokens(images), tiny.encode_tokens(images))


def test_a_released_text_tower_says_so(tiny):
    clip, _ = make_clip(ClipConfig(NAMES, "tiny-test"))
    with pytest.raises(ConfigError, match="text tower was released"):
        clip.encode_text(NAMES)


def test_unknown_architectures_are_refused(tiny):
    with pytest.raises(ConfigError, match="no architecture 'ViT-L-41'"):
        OpenClip("ViT-L-41")


def test_without_open_clip_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'fewscape\[clip\]'"):
        make_clip(ClipConfig(NAMES))


def test_stored_texts_come_back_in_their_order_only(tmp_path):
    path = tmp_path / "texts.safetensors"
    vectors = torch.randn(3, 8)
    save_texts(path, vectors, NAMES)
    assert torch.equal(read_texts(path, NAMES, 8), vectors)
    with pytest.raises(WeightsError, match=r"holds the classes ship.*in this order"):
        read_texts(path, NAMES[::-1], 8)
    with pytest.raises(WeightsError, match="have 8 values; the image tower gives 768"):
        read_texts(path, NAMES, 768)
    with pytest.raises(WeightsError, match="holds no vectors of class names"):
        read_texts(tmp_path / "absent.safetensors", NAMES, 8)


def test_stored_texts_spare_the_text_tower(tmp_path):
    path = tmp_path / "texts.safetensors"
    vectors = torch.randn(3, 32)
    save_texts(path, vectors, NAMES)
    _, texts = make_clip(ClipConfig(NAMES, "stub", texts=str(path)))
    assert torch.equal(texts.vectors, vectors)


def test_weights_of_another_order_of_the_classes_are_refused():
    vectors = torch.randn(3, 8)
    trained, other = ClassTexts(NAMES, vectors), ClassTexts(NAMES[::-1], vectors)
    fit_state(ClassTexts(NAMES, torch.zeros(3, 8)), trained.state_dict(), "same")
    with pytest.raises(WeightsError, match="trained with other class names"):
        fit_state(other, trained.state_dict(), "turned")


def test_a_description_has_no_source_of_weights():
    config = ClipConfig(tuple(NAMES), "stub", weights="somewhere.pt", texts="there.safetensors")
    assert config.describe() == {
        "class_names": NAMES,
        "architecture": "stub",
        "first_class_id": 1,
    }


def test_the_stub_is_the_same_every_time_and_leaves_the_seed_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second = stub(), stub()
    assert torch.equal(torch.rand(1), expected)
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(first.encode_tokens(images), second.encode_tokens(images))
    assert torch.equal(first.encode_text(NAMES)[0], second.encode_text(["ship"])[0])


@pytest.mark.parametrize("inference", [False, True])
def test_all_activation_maps_at_once_are_those_of_one_pass_each(clip, inference):
    images = torch.rand(2, 3, 64, 64)
    texts = clip.encode_text(NAMES)
    with torch.inference_mode(inference):
        maps = softmax_grad_cam(clip, clip.prepare(images), texts)
    assert maps.shape == (2, 3, 16, 16)
    for index in range(2):
        for target in range(3):
            expected = naive_grad_cam(clip, images[index : index + 1], texts, target)
            assert torch.allclose(maps[index, target], expected, atol=2e-5)
    assert maps.amax(dim=(1, 2, 3)).min() > 0.9
    assert all(parameter.grad is None for parameter in clip.parameters())
