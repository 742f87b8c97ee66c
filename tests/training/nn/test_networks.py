"""Networks: the original's parameter counts to the last one, and ours, which does not care how a picture is turned."""

import pytest
import torch
from torch import Tensor, nn

from giz.training.nn.batches import Predictions, Sample
from giz.training.nn.networks import REFERENCES, QuarterDropout, ReferenceNet, network_for, three_channels
from giz.training.nn.ours import GroupNorm8, OurNet, channel_mask, elements, transform
from tests.refusals import refuses

COUNTS = {"model4": (1_631_169, 1_631_178), "model5": (2_522_705, 2_522_714), "model6": (1_680_369, 1_680_378)}


def parameter_count(network: nn.Module) -> int:
    """Count parameters as Keras does: with the running mean and variance of batch norm."""
    learned = sum(p.numel() for p in network.parameters())
    return learned + sum(
        m.running_mean.numel() + m.running_var.numel()
        for m in network.modules()
        if isinstance(m, nn.BatchNorm2d) and m.running_mean is not None and m.running_var is not None
    )


@pytest.mark.parametrize("name", list(REFERENCES))
def test_reference_networks_have_the_parameters_of_the_original(name: str) -> None:
    assert parameter_count(ReferenceNet(name)) == COUNTS[name][0]
    assert parameter_count(ReferenceNet(name, binary=True)) == COUNTS[name][1]


@pytest.mark.parametrize("name", ["model4", "model6"])
def test_reference_networks_answer_within_45_and_90_degrees_or_with_two_logits(name: str) -> None:
    pictures = torch.rand(2, 3, 128, 128)
    answer = ReferenceNet(name).eval()(pictures)
    assert answer.shape == (2,)
    assert ((answer >= 45) & (answer <= 90)).all()
    assert ReferenceNet(name, binary=True).eval()(pictures).shape == (2, 2)


def test_a_reference_network_sees_one_grey_three_times_or_colour_as_it_is() -> None:
    pictures = torch.arange(6.0).view(1, 6, 1, 1).expand(5, 6, 4, 4) / 10
    main_band = torch.tensor([3, 0, 2, 1, 3])
    nothing = torch.zeros(5)
    shown = three_channels(Sample(pictures, torch.ones(5, 4), main_band, nothing, nothing.bool(), torch.zeros(5, 9)))
    assert shown.is_contiguous(memory_format=torch.channels_last)
    assert (shown == shown[:, :, :1, :1]).all()
    expected = [(0.3, 0.4, 0.5), (0.0, 0.0, 0.0), (0.2, 0.2, 0.2), (0.1, 0.1, 0.1), (0.3, 0.4, 0.5)]
    assert torch.allclose(shown[:, :, 0, 0], torch.tensor(expected))


def test_dropout_takes_a_quarter_keeps_the_mean_and_sleeps_in_use() -> None:
    torch.manual_seed(2)
    pictures = torch.ones(8, 32, 31, 31).contiguous(memory_format=torch.channels_last)
    dropped = QuarterDropout().train()(pictures)
    assert dropped.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert float((dropped == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert dropped.is_contiguous(memory_format=torch.channels_last)
    assert QuarterDropout().eval()(pictures) is pictures


def worn(network: OurNet) -> OurNet:
    """With statistics as training leaves them, different for each of the eight channels of a feature."""
    generator = torch.Generator().manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, GroupNorm8):
            layer.running_mean.copy_(torch.randn(layer.running_mean.shape, generator=generator) * 0.2)
            layer.running_var.copy_(torch.rand(layer.running_var.shape, generator=generator) + 0.5)
    return network.eval()


@torch.inference_mode()
def test_our_network_answers_alike_however_the_picture_is_turned_or_mirrored() -> None:
    torch.manual_seed(0)
    network = worn(OurNet())
    present = torch.tensor([[1.0, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 1]])
    pictures = torch.rand(3, 6, 64, 64)
    expected = network(pictures, present)
    assert expected.bins.std(0).mean() > 0.001
    for element in elements():
        turned = network(transform(pictures, element).contiguous(), present)
        torch.testing.assert_close(turned.bins, expected.bins, atol=2e-5, rtol=0)
        torch.testing.assert_close(turned.rejected, expected.rejected, atol=2e-5, rtol=0)
    assert (network(pictures.roll(9, 3), present).bins - expected.bins).abs().max() > 1e-4


@torch.inference_mode()
def test_what_is_in_a_missing_band_changes_nothing() -> None:
    network = worn(OurNet())
    present = torch.tensor([[1.0, 0, 1, 0]])
    pictures = torch.rand(1, 6, 64, 64)
    emptied = pictures * channel_mask(present)
    assert torch.equal(network(pictures, present).bins, network(emptied, present).bins)


@torch.inference_mode()
def test_greys_and_colour_are_looked_at_apart_and_the_surer_counts_for_more() -> None:
    torch.manual_seed(5)
    network = worn(OurNet())
    network.bins.weight.mul_(300.0)
    present = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    pictures = torch.rand(1, 6, 64, 64).repeat(4, 1, 1, 1)
    said = Predictions(*network.joined(pictures, present))
    alone = network(pictures, present)
    means, sigmas = network.mean_and_sigma(alone.bins)
    torch.testing.assert_close(said.inclination_deg[1:3], means[1:3])
    torch.testing.assert_close(said.sigma_deg[1:3], sigmas[1:3])
    torch.testing.assert_close(said.rejected[1:3], alone.rejected[1:3])
    weights = sigmas[1:3] ** -2
    torch.testing.assert_close(said.inclination_deg[0], (weights * means[1:3]).sum() / weights.sum())
    torch.testing.assert_close(said.reasons[0], alone.reasons[1:3].mean(0))
    assert abs(means[1] - means[2]) > 0.1
    assert torch.isfinite(said.inclination_deg[3])


def answer_of(labels: Tensor) -> Tensor:
    network = OurNet()
    return network.mean_and_sigma(network.soft_labels(labels).log())[0]


def test_the_mean_of_a_soft_label_is_the_label_at_the_edges_too() -> None:
    labels = torch.tensor([45.0, 59.5, 72.3, 89.0, 90.0])
    torch.testing.assert_close(answer_of(labels), labels, atol=0.06, rtol=0)


def test_unknown_networks_and_unfit_sizes_are_refused_with_the_choices() -> None:
    with refuses("unknown_network", "model4"):
        network_for("model7", 128)
    with refuses("bad_size", "model4", "128", "64"):
        network_for("model4", 64)
    with refuses("bad_size", "16"):
        network_for("ours", 100)
