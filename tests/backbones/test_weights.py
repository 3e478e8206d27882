import pytest
import torch
from safetensors.torch import save_file

from fewscape.backbones import BackboneConfig, fit_state, make_backbone, read_state
from fewscape.core import ConfigError, WeightsError


def save_test_resnet(path, change=None):
    state = make_backbone("test_resnet").network.state_dict()
    state = {name: tensor.clone() for name, tensor in state.items()}
    if change:
        change(state)
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return state


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
def test_a_local_file_loads_without_the_network(tmp_path, name):
    state = save_test_resnet(tmp_path / name)
    backbone = make_backbone("test_resnet", str(tmp_path / name))
    loaded = backbone.network.state_dict()
    assert all(torch.equal(loaded[key], state[key]) for key in state)


def test_a_mismatch_names_missing_unexpected_and_misshapen_keys(tmp_path):
    def spoil(state):
        del state["conv1.0.weight"]
        state["extra.weight"] = torch.zeros(1)
        state["layer1.0.conv1.weight"] = torch.zeros(3, 3)

    save_test_resnet(tmp_path / "bad.safetensors", spoil)
    with pytest.raises(WeightsError) as caught:
        make_backbone("test_resnet", str(tmp_path / "bad.safetensors"))
    message = str(caught.value)
    assert "1 missing: conv1.0.weight" in message
    assert "1 unexpected: extra.weight" in message
    assert "1 of another shape: layer1.0.conv1.weight (3, 3) instead of" in message


def test_classifier_weights_are_left_out(tmp_path):
    def add(state):
        state["fc.weight"] = torch.zeros(10, 4)

    save_test_resnet(tmp_path / "whole.safetensors", add)
    make_backbone("test_resnet", str(tmp_path / "whole.safetensors"))


def test_half_precision_is_cast(tmp_path):
    def halve(state):
        for name in state:
            if state[name].is_floating_point():
                state[name] = state[name].half()

    save_test_resnet(tmp_path / "half.safetensors", halve)
    backbone = make_backbone("test_resnet", str(tmp_path / "half.safetensors"))
    assert next(backbone.parameters()).dtype == torch.float32


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Harm:
        def __reduce__(self):
            return (print, ("harm",))

    torch.save({"weight": Harm()}, tmp_path / "harm.pth")
    with pytest.raises(WeightsError, match="holds more than tensors"):
        read_state(tmp_path / "harm.pth")


def test_a_truncated_file_is_named(tmp_path):
    path = tmp_path / "short.safetensors"
    save_test_resnet(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(WeightsError, match=r"short.safetensors' cannot be read as weights"):
        read_state(path)


def test_an_absent_file_is_named():
    with pytest.raises(WeightsError, match=r"'nowhere\.pth' are not a file"):
        make_backbone("test_resnet", "nowhere.pth")


def test_metadata_of_the_file_sets_mean_and_padding(tmp_path):
    source = make_backbone("mobilenetv2_035", options={"pad_type": "same"})
    metadata = {"mean": "0.5,0.5,0.5", "std": "0.25,0.25,0.25", "architecture": "x, pad_type=same"}
    save_file(source.network.state_dict(), tmp_path / "m.safetensors", metadata)
    backbone = make_backbone("mobilenetv2_035", str(tmp_path / "m.safetensors"))
    assert backbone.std.flatten().tolist() == [0.25] * 3
    assert type(backbone.network.conv_stem).__name__ == "Conv2dSame"


def test_the_development_backbone_loads(mobilenet_weights):
    backbone = BackboneConfig("mobilenetv2_100", str(mobilenet_weights)).build()
    assert backbone.channels == (32, 96, 320)
    assert backbone.mean.flatten().tolist() == [0.5] * 3
    maps = backbone(torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8))
    assert maps[0].std() > 0.1


def test_an_unknown_network_suggests_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'mobilenetv2_100'"):
        make_backbone("mobilenet_v2_100")


def test_a_stride_that_is_absent_is_named():
    with pytest.raises(ConfigError, match=r"no feature maps of stride \[64\]"):
        make_backbone("test_resnet", strides=(8, 64))


def test_torchvision_networks_take_no_options():
    with pytest.raises(ConfigError, match="use 'timm/resnet50' for others"):
        make_backbone("resnet50", options={"pad_type": "same"})


def test_torchvision_networks_name_their_strides():
    with pytest.raises(ConfigError, match=r"no feature maps of stride \[2\]"):
        make_backbone("vgg16", strides=(2, 8))


def test_step_counters_may_be_absent():
    network = torch.nn.BatchNorm2d(2)
    state = {k: v for k, v in network.state_dict().items() if k != "num_batches_tracked"}
    fit_state(network, state, "test")


def test_settings_build_the_same_network_without_the_file(tmp_path):
    source = make_backbone("mobilenetv2_035", options={"pad_type": "same"})
    metadata = {"mean": "0.5,0.5,0.5", "architecture": "timm mobilenetv2_035, pad_type=same"}
    save_file(source.network.state_dict(), tmp_path / "m.safetensors", metadata)
    first = make_backbone(weights=str(tmp_path / "m.safetensors")).eval()
    again = BackboneConfig(**first.settings).build().eval()
    again.load_state_dict(first.state_dict())
    images = torch.rand(1, 3, 64, 64)
    assert again.settings == first.settings
    assert torch.equal(first(images)[2], again(images)[2])
