import pytest
import torch

from fewscape.core import ConfigError, Policy, policy


@pytest.fixture
def without_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize(("is_fast", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_takes_bfloat16_only_where_it_is_fast(monkeypatch, without_cuda, is_fast, dtype):
    monkeypatch.setattr(policy, "_is_bfloat16_fast", lambda device: is_fast)
    chosen = Policy.choose()
    assert (chosen.device.type, chosen.dtype) == ("cpu", dtype)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_stated_precision_holds(precision):
    assert Policy.choose("cpu", precision).dtype == getattr(torch, precision)


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_an_absent_device_is_refused(without_cuda, device):
    with pytest.raises(ConfigError, match=f"'{device}' was requested.*use --device cpu"):
        Policy.choose(device)


def test_auto_takes_the_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    chosen = Policy.choose()
    assert (chosen.device.type, chosen.dtype) == ("cuda", torch.float32)


def test_convolutions_run_channels_last():
    assert Policy.choose("cpu").memory_format == torch.channels_last


@pytest.mark.parametrize(
    ("amx", "avx512", "dtype"),
    [
        (True, False, torch.bfloat16),
        (False, True, torch.bfloat16),
        (False, False, torch.float32),
    ],
)
def test_the_processor_decides(monkeypatch, amx, avx512, dtype):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    assert Policy.choose("cpu").dtype == dtype
