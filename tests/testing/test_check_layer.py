"""check_layer passes every layer of the library, and finds a bug of each kind that is planted in one."""

import numpy as np
import pytest

import fastnn
from fastnn import nn
from fastnn.testing import check_layer
from tests.fuzz.call import Call
from tests.fuzz.objects import layer_calls


class Scale(nn.Module):
    """y = factor x with all promises kept; each bug below breaks one."""

    def __init__(self):
        self.factor = nn.Parameter(np.full(1, 3.0, np.float32))

    def forward(self, x):
        self.x = x
        return self.factor.data * x

    def backward(self, grad_output):
        self.factor.add_grad((grad_output * self.x).reshape(-1).sum(keepdims=True))
        return self.factor.data * grad_output


class ChangesInput(Scale):
    def forward(self, x):
        x += 1
        return super().forward(x)


class ChangesInputInBackward(Scale):
    def backward(self, grad_output):
        grad_x = super().backward(grad_output)
        self.x += 1
        return grad_x


class ChangesGradOutput(Scale):
    def backward(self, grad_output):
        grad_x = super().backward(grad_output)
        grad_output *= 2
        return grad_x


class ChangesOutput(Scale):
    def forward(self, x):
        self.y = super().forward(x)
        return self.y

    def backward(self, grad_output):
        self.y *= 2
        return super().backward(grad_output)


class ChangesParameter(Scale):
    def forward(self, x):
        y = super().forward(x)
        self.factor.data += 1
        return y


class LeavesOutputUnwritten(Scale):
    def forward(self, x):
        y = np.empty_like(x, order="C")
        y[..., 1:] = super().forward(x)[..., 1:]
        return y


class LeavesGradientUnwritten(Scale):
    def backward(self, grad_output):
        grad_x = np.empty_like(grad_output, order="C")
        grad_x[:-1] = super().backward(grad_output)[:-1]
        return grad_x


class ReadsMemoryOrder(Scale):
    def forward(self, x):
        return super().forward(x.ravel(order="K").reshape(x.shape))


class ReadsBytes(Scale):
    def backward(self, grad_output):
        return super().backward(np.frombuffer(grad_output.tobytes(), np.float32).reshape(grad_output.shape))


class FailsOnEmptyBatch(Scale):
    def forward(self, x):
        x[0]
        return super().forward(x)


class GivesRowOfEmptyBatch(Scale):
    def forward(self, x):
        return super().forward(x if len(x) else np.zeros((1, *x.shape[1:]), x.dtype))


class HasNaNOfEmptyBatch(Scale):
    def backward(self, grad_output):
        grad_x = super().backward(grad_output)
        self.factor.grad = self.factor.grad * (1 if len(grad_x) else np.float32(np.nan))
        return grad_x


class FollowsThreads(Scale):
    def forward(self, x):
        return super().forward(x) * (1 + (fastnn.get_num_threads() == 16) * np.finfo(x.dtype).eps)


class HasWrongGradient(Scale):
    def backward(self, grad_output):
        return super().backward(grad_output) * (1 + 1e-5)


class HasWrongParameterGradient(Scale):
    def backward(self, grad_output):
        grad_x = super().backward(grad_output)
        self.factor.grad = 2 * self.factor.grad
        return grad_x


class HasNoParameterGradient(Scale):
    def backward(self, grad_output):
        return self.factor.data * grad_output


class IsRandom(Scale):
    def forward(self, x):
        return super().forward(x + np.random.default_rng().standard_normal(x.shape).astype(x.dtype))


BUGS = {
    ChangesInput: "changes its input$",
    ChangesInputInBackward: "changes its input in the backward",
    ChangesGradOutput: "changes the grad_output that its backward is given",
    ChangesOutput: "changes its output in the backward",
    ChangesParameter: "changes its parameter factor",
    LeavesOutputUnwritten: "gives another output in memory that held NaN",
    LeavesGradientUnwritten: "gives another gradient by the input in memory that held NaN",
    ReadsMemoryOrder: r"gives another output for \w+ arrays than for contiguous copies: \S+ instead of",
    ReadsBytes: "gives another gradient by the input for swapped arrays",
    FailsOnEmptyBatch: r"fails on an empty batch: IndexError\(",
    GivesRowOfEmptyBatch: r"output of shape \(1, 3\) instead of \(0, 3\) for an empty batch",
    HasNaNOfEmptyBatch: "gives another gradient by factor for an empty batch: nan instead of 0.0",
    FollowsThreads: "gives another output on 16 threads than on 1",
    HasWrongGradient: r"gradient by the input differs at \(0, 0\): analytic \S+, numeric \S+ \(12 of 12",
    HasWrongParameterGradient: r"gradient by the parameter factor differs at \(0,\)",
    HasNoParameterGradient: "has no gradient by factor after its backward",
    IsRandom: "gives another output",
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug):
    with pytest.raises(AssertionError, match=rf"^\[check_layer\] {bug.__name__}:? .*{BUGS[bug]}"):
        check_layer(bug(), (4, 3))


def test_the_layer_without_a_bug_passes():
    check_layer(Scale(), (4, 3))


class SumsInMemoryOrder(Scale):
    def backward(self, grad_output):
        self.factor.add_grad(np.atleast_1d((grad_output * self.x).sum()))
        return self.factor.data * grad_output


def test_view_rtol_allows_for_the_order_of_sums():
    with pytest.raises(AssertionError, match=r"gives another gradient by factor for \w+ arrays"):
        check_layer(SumsInMemoryOrder(), (8, 40))
    check_layer(SumsInMemoryOrder(), (8, 40), view_rtol=1e-4)


def smallest(calls: list[Call]) -> Call:
    return min(calls, key=lambda call: call.groups[2][0].size)


# Losses take a target: they are no layers in this sense.
LAYERS = {
    name: smallest(calls) for name, calls in layer_calls().items() if len(smallest(calls).groups[2]) == 1
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_the_library(name):
    args, options, (x, *_), _ = LAYERS[name].copy().groups
    check_layer(getattr(nn, name.removeprefix("nn."))(*args, **options), x.shape)


def test_the_layer_and_the_randomness_are_left_alone():
    fastnn.manual_seed(3)
    layer = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)).eval()
    before = fastnn.random.get_state()
    weight = layer[0].weight.data.copy()
    check_layer(layer, (5, 3))
    assert fastnn.random.get_state() == before
    assert not layer.training
    assert layer[0].weight.grad is None
    np.testing.assert_array_equal(layer[0].weight.data, weight)


def test_other_things_are_refused():
    with pytest.raises(TypeError, match=r"\[check_layer\] expected layer to be a Module, got type"):
        check_layer(nn.ReLU, (2, 3))
