"""fastnn under another library's autograd: gradients are those of that library, and training goes alike."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import torch
from autograd.test_util import check_grads

import fastnn.functional as F
from tests.examples.course import load

FOLDER = Path(__file__).parents[2] / "examples/drop_in"
DTYPES = ("float32", "float64")


@pytest.fixture(scope="module")
def nodes() -> ModuleType:
    return load("torch_functions", FOLDER)


@pytest.fixture(scope="module")
def primitives() -> ModuleType:
    return load("autograd_primitives", FOLDER)


def tensors(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(*s, generator=generator, dtype=dtype, requires_grad=True) for s in shapes]


def test_torch_gradients_are_derivatives(nodes: ModuleType) -> None:
    x, weight, bias = tensors((2, 2, 5, 4), (3, 2, 3, 3), (3,))
    assert torch.autograd.gradcheck(lambda *given: nodes.Conv2d.apply(*given, 1), (x, weight, bias))
    assert torch.autograd.gradcheck(lambda given: nodes.MaxPool2d.apply(given, 2), (x,))


@pytest.mark.parametrize("frozen", [(), (0,), (1, 2)])
def test_torch_asks_for_some_gradients(nodes: ModuleType, frozen: tuple[int, ...]) -> None:
    given = tensors((2, 2, 5, 4), (3, 2, 3, 3), (3,))
    for i in frozen:
        given[i].requires_grad_(False)
    nodes.Conv2d.apply(*given, 1).square().sum().backward()
    assert [i for i, tensor in enumerate(given) if tensor.grad is None] == list(frozen)


def test_torch_layouts_are_read_where_they_lie(nodes: ModuleType) -> None:
    """Transposed, channels last, and a gradient of one repeated element."""
    x, weight, bias = tensors((2, 4, 5, 2), (3, 2, 3, 3), (3,))
    planes = x.permute(0, 3, 1, 2)
    ours = nodes.Conv2d.apply(planes, weight.contiguous(memory_format=torch.channels_last), bias, 1)
    theirs = torch.nn.functional.conv2d(planes, weight, bias, padding=1)
    torch.testing.assert_close(ours, theirs)
    for wanted, got in zip(*(torch.autograd.grad(y.sum(), (x, weight)) for y in (theirs, ours)), strict=True):
        torch.testing.assert_close(got, wanted)


def torch_losses(model: torch.nn.Module, convolve: Any, pool: Any) -> list[float]:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(16, 1, 8, 8, generator=generator)
    labels = torch.randint(10, (16,), generator=generator)
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=0.05), []
    for _ in range(10):
        h = x
        for layer in (model.first, model.second):
            h = torch.relu(convolve(h, layer.weight, layer.bias, padding=1))
        loss = torch.nn.functional.cross_entropy(model.last(pool(h, 2).flatten(1)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_torch_trains_alike(nodes: ModuleType) -> None:
    torch.manual_seed(0)
    model, twin = nodes.ConvNet(), nodes.ConvNet()
    twin.load_state_dict(model.state_dict())
    theirs = torch_losses(model, torch.nn.functional.conv2d, torch.nn.functional.max_pool2d)

    def convolve(*args: Any, padding: int) -> torch.Tensor:
        return nodes.Conv2d.apply(*args, padding)

    ours = torch_losses(twin, convolve, nodes.MaxPool2d.apply)
    assert theirs[-1] < theirs[0]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_torch_tensors_are_views() -> None:
    t = torch.tensor([-1.0, 2.0])
    y = F.relu(t, out=t)
    assert t.tolist() == [0.0, 2.0]
    assert y.ctypes.data == t.data_ptr()
    assert F.cross_entropy(torch.zeros(2, 4), torch.tensor([1, 3])) == pytest.approx(np.log(4))


@pytest.mark.parametrize(
    ("tensor", "match"),
    [
        (
            torch.ones(2, requires_grad=True),
            r"to export its memory, got torch.Tensor: .*use tensor.detach\(\)",
        ),
        (torch.ones(2, dtype=torch.bfloat16), r"to export its memory, got torch.Tensor: .*dtype"),
        (torch.ones(2, dtype=torch.int64), "of dtype float32 or float64, got int64"),
        (torch.ones(2).to_sparse(), "to export its memory, got torch.Tensor: .*layout"),
        (torch.ones(2, device="meta"), "to export its memory, got torch.Tensor: .*meta"),
    ],
    ids=["on the tape", "bfloat16", "int64", "sparse", "meta"],
)
def test_torch_tensors_that_cannot_be_read(tensor: torch.Tensor, match: str) -> None:
    with pytest.raises(TypeError, match=rf"^\[relu\] expected x {match}"):
        F.relu(tensor)


def test_autograd_gradients_are_derivatives(primitives: ModuleType) -> None:
    rng = np.random.default_rng(3)
    x, weight, bias = (rng.normal(size=shape) for shape in ((2, 2, 5, 4), (3, 2, 3, 3), (3,)))
    check_grads(lambda *given: primitives.conv2d(*given, padding=1), modes=["rev"], order=1)(x, weight, bias)
    dense = [rng.normal(size=shape) for shape in ((4, 3), (5, 3), (5,))]
    check_grads(primitives.linear, modes=["rev"], order=1)(*dense)
    check_grads(primitives.relu, modes=["rev"], order=1)(x)
    labels = np.array([0, 2, 1, 1])
    check_grads(lambda x: primitives.cross_entropy(x, labels), modes=["rev"], order=1)(dense[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_autograd_differentiates_a_program(primitives: ModuleType, dtype: str) -> None:
    """Against the same loss written in functions of autograd's own."""
    rng = np.random.default_rng(4)
    labels = rng.integers(3, size=6)
    x = rng.normal(size=(6, 1, 5, 4)).astype(dtype)
    weights = primitives.make_weights(rng, dtype)

    def own(weights: list[Any]) -> Any:
        filters, shifts, weight, bias = weights
        padded = np.pad(x[:, 0], ((0, 0), (1, 1), (1, 1)))
        cells = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        planes = anp.maximum(anp.einsum("nhwij,oij->nhwo", cells, filters[:, 0]) + shifts, 0)
        logits = anp.dot(anp.mean(planes, axis=(1, 2)), weight.T) + bias
        likelihood = logits - anp.log(anp.sum(anp.exp(logits), axis=1, keepdims=True))
        return -anp.mean(likelihood[np.arange(6), labels]) + 1e-4 * anp.sum(weight**2)

    wanted = autograd.value_and_grad(own)(weights)
    loss, gradients = autograd.value_and_grad(lambda w: primitives.loss_of(w, x, labels))(weights)
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-12}
    np.testing.assert_allclose(loss, wanted[0], **tolerance)
    for ours, theirs in zip(gradients, wanted[1], strict=True):
        np.testing.assert_allclose(ours, theirs, **tolerance)


@pytest.mark.parametrize("name", ["torch_functions", "autograd_primitives"])
def test_examples_lower_the_loss(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert load(name, FOLDER).main() == 0
    losses = [float(number) for number in re.findall(r"loss ([\d.]+)", capsys.readouterr().out)]
    assert losses[-1] < 0.2 * losses[0]
