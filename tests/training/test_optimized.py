import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fewscape.training.lookahead import add_lookahead
from fewscape.training.optimized import OptimizedModule


class TwoLayers(OptimizedModule):
    """A backbone and a head."""

    def __init__(self, **optimization):
        super().__init__(**optimization)
        self.first = nn.Linear(3, 4)
        self.head = nn.Linear(4, 2)

    @property
    def backbone(self):
        return self.first


@given(
    total=st.integers(1, 500),
    warmup=st.integers(0, 50),
    step=st.integers(0, 600),
)
def test_rates_follow_their_formulas(total, warmup, step):
    task = TwoLayers(warmup_steps=warmup, final_lr_factor=0.1)
    if step < warmup:
        expected = dict.fromkeys(("constant", "poly", "cosine"), (step + 1) / warmup)
    else:
        done = min((step - warmup) / max(total - warmup, 1), 1)
        expected = {
            "constant": 1.0,
            "poly": (1 - done) ** 0.9,
            "cosine": 0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2,
        }
    for schedule, rate in expected.items():
        task.schedule = schedule
        assert task.rate(step, total) == pytest.approx(rate, abs=1e-6)


def test_the_warm_up_ends_at_the_full_rate():
    for schedule in ("constant", "poly", "cosine"):
        task = TwoLayers(schedule=schedule, warmup_steps=4)
        rates = [task.rate(step, 20) for step in range(21)]
        assert rates[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
        assert rates[5:] == sorted(rates[5:], reverse=True)
        assert rates[-1] == pytest.approx(1.0 if schedule == "constant" else 0.0)


def test_an_epoch_has_one_rate():
    task = TwoLayers(schedule="cosine_epoch", final_lr_factor=0.01)
    rates = [task.rate(step, 12, 4) for step in range(12)]
    expected = [0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * epoch / 3)) for epoch in range(3)]
    assert rates == pytest.approx([rate for rate in expected for _ in range(4)])


class StepsOnly:
    """What ``configure_optimizers`` asks the trainer."""

    estimated_stepping_batches = 10
    max_epochs = 2


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_a_trained_backbone_has_a_rate_of_its_own(optimizer):
    task = TwoLayers(optimizer=optimizer, lr=0.1, backbone_lr_factor=0.01)
    task._trainer = StepsOnly()
    head, backbone = task.configure_optimizers()["optimizer"].param_groups
    assert (head["initial_lr"], backbone["initial_lr"]) == pytest.approx((0.1, 0.001))
    trained = {id(parameter) for parameter in task.backbone.parameters()}
    assert {id(parameter) for parameter in backbone["params"]} <= trained
    assert not {id(parameter) for parameter in head["params"]} & trained


def test_a_frozen_backbone_is_not_optimised():
    task = TwoLayers()
    task.backbone.requires_grad_(False)
    task._trainer = StepsOnly()
    groups = task.configure_optimizers()["optimizer"].param_groups
    assert len(groups) == 1
    assert {id(parameter) for parameter in groups[0]["params"]} == {
        id(parameter) for parameter in task.head.parameters()
    }


def run(optimizer, weight, gradients):
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()


def follow_by_hand(start, gradients, rate):
    """Lookahead around plain descent, as published."""
    fast, slow = start.clone(), None
    for step, gradient in enumerate(gradients, start=1):
        fast = fast - rate * gradient
        if slow is None:
            slow = fast.clone()
        elif step % 5 == 1:
            slow = slow + 0.5 * (fast - slow)
            fast = slow.clone()
    return fast


def test_slow_weights_pull_after_steps_6_11_and_16():
    start, gradients = torch.randn(4), torch.randn(17, 4)
    for count in (1, 5, 6, 10, 11, 17):
        weight = nn.Parameter(start.clone())
        optimizer = torch.optim.SGD([weight], lr=0.1)
        add_lookahead(optimizer)
        run(optimizer, weight, gradients[:count])
        assert torch.allclose(weight, follow_by_hand(start, gradients[:count], 0.1))


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD])
def test_a_resumed_optimiser_continues_with_its_slow_weights(kind):
    start, gradients = torch.randn(4), torch.randn(13, 4)

    def build(value):
        weight = nn.Parameter(value.clone())
        optimizer = kind([weight], lr=0.1)
        add_lookahead(optimizer)
        return weight, optimizer

    whole, optimizer = build(start)
    run(optimizer, whole, gradients)
    part, optimizer = build(start)
    run(optimizer, part, gradients[:8])
    resumed, other = build(part.detach())
    other.load_state_dict(optimizer.state_dict())
    run(other, resumed, gradients[8:])
    assert torch.equal(resumed, whole)
