"""Counted operations, against a count by hand and by what a framework really does."""

from mia_dual.flops import forward_flops, training_flops
from mia_dual.interface import NetworkSpec
from mia_dual.networks import NETWORKS, blank_weights


def test_convnet_on_mnist_is_what_a_hand_counts():
    spec = NetworkSpec("convnet", (1, 28, 28), 10)
    first = 24 * 24 * 6 * 25
    others = 8 * 8 * 16 * 6 * 25 + 256 * 120 + 120 * 84 + 84 * 10
    counted = training_flops(spec, blank_weights(spec))
    assert counted == 2 * (2 * first + 3 * others)


def test_every_network_is_what_torch_counts():
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from mia_dual_torch.networks import build

    for network in NETWORKS:
        for side in (28, 32):
            spec = NetworkSpec(network, (3, side, side), 10)
            module = build(spec)
            with FlopCounterMode(display=False) as counter:
                module(torch.zeros(2, *spec.input_shape))
            assert 2 * forward_flops(spec, blank_weights(spec)) == counter.get_total_flops()
            with FlopCounterMode(display=False) as counter:
                module(torch.zeros(2, *spec.input_shape)).sum().backward()
            assert 2 * training_flops(spec, blank_weights(spec)) == counter.get_total_flops(), (
                network
            )
