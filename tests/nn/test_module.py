"""What a module finds inside itself, its modes, its state_dict, and layers written by users."""

import copy

import numpy as np
import pytest

from fastnn import nn


class Scale(nn.Module):
    """A user's layer, without a call of super().__init__()."""

    def __init__(self, size):
        self.factor = nn.Parameter(np.full(size, 2.0))

    def forward(self, x):
        self._x = x if self.training else None
        return x * self.factor.data

    def backward(self, grad_output):
        self.factor.add_grad((grad_output * self._x).sum(axis=0))
        return grad_output * self.factor.data


class Net(nn.Module):
    def __init__(self):
        self.body = nn.Sequential(nn.Linear(3, 4, dtype=np.float64), nn.ReLU())
        self.scale = Scale(4)
        self.offset = nn.Parameter(np.zeros(4))
        self.register_buffer("seen", np.zeros((), np.int64))
        self.nothing = None

    def forward(self, x):
        self.seen += 1
        return self.scale(self.body(x)) + self.offset.data

    def backward(self, grad_output):
        self.offset.add_grad(grad_output.sum(axis=0))
        return self.body.backward(self.scale.backward(grad_output))


NAMES = ["offset", "seen", "body.0.weight", "body.0.bias", "scale.factor"]


def test_names_and_order():
    net = Net()
    assert list(net.state_dict()) == NAMES  # own parameters, own buffers, then children: torch's order
    assert [name for name, _ in net.named_parameters()] == [name for name in NAMES if name != "seen"]
    assert [name for name, _ in net.named_buffers()] == ["seen"]
    assert [name for name, _ in net.named_children()] == ["body", "scale"]
    assert [name for name, _ in net.named_modules()] == ["", "body", "body.0", "body.1", "scale"]


def test_values_belong_to_the_names():
    net = Net()
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]
    assert dict(net.named_parameters())["scale.factor"] is net.scale.factor
    assert net.state_dict()["body.0.weight"] is net.body[0].weight.data
    assert list(net.children()) == [net.body, net.scale]
    assert list(net.modules()) == [net, net.body, net.body[0], net.body[1], net.scale]
    assert next(net.buffers()) is net.seen


def test_a_shared_parameter_counts_once_but_is_saved_twice():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_modes_reach_all_parts():
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert net.train() is net
    assert all(module.training for module in net.modules())
    net.body.eval()
    assert net.training
    assert not net.body[0].training


def test_zero_grad_reaches_all_parameters(rng):
    net = Net()
    net.backward(np.ones_like(net(rng.standard_normal((5, 3)))))
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_users_layers_have_the_right_gradient(rng):
    net, x, weights = Net(), rng.standard_normal((5, 3)), rng.standard_normal((5, 4))

    def objective():
        return float((net(x) * weights).sum())

    objective()
    grad_x = net.backward(weights)
    for array, grad in [(x, grad_x), *((p.data, p.grad) for p in net.parameters())]:
        wanted = np.empty_like(array)
        for at in np.ndindex(array.shape):
            value = array[at]
            array[at] = value + 1e-5
            up = objective()
            array[at] = value - 1e-5
            wanted[at] = (up - objective()) / 2e-5
            array[at] = value
        np.testing.assert_allclose(grad, wanted, rtol=1e-6, atol=1e-8)


def test_backward_parameters_defaults_to_backward(rng):
    net, x = Net(), rng.standard_normal((5, 3))
    net(x)
    net.backward(np.ones((5, 4)))
    wanted = [p.grad.copy() for p in net.parameters()]
    net.zero_grad()
    net(x)
    assert net.backward_parameters(np.ones((5, 4))) is None
    for parameter, grad in zip(net.parameters(), wanted, strict=True):
        np.testing.assert_array_equal(parameter.grad, grad)


def test_state_dict_round_trip(rng):
    net, twin = Net(), Net()
    net(rng.standard_normal((5, 3)))
    assert twin.load_state_dict(copy.deepcopy(net.state_dict())) == ([], [])
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(twin.state_dict()[name], array)
    assert int(twin.seen) == 1


def test_loading_writes_in_place_and_casts():
    layer = nn.Linear(2, 1)
    weight, state = layer.weight.data, {"weight": [[0.1, 2.0]], "bias": np.array([3.0])}
    layer.load_state_dict(state)
    assert layer.weight.data is weight
    np.testing.assert_array_equal(weight, np.array([[0.1, 2.0]], np.float32))
    layer.weight.data[...] = 0.0
    assert state["weight"] == [[0.1, 2.0]]


def test_loading_names_all_that_does_not_fit_and_writes_nothing():
    net = Net()
    before = copy.deepcopy(net.state_dict())
    state = {name: array + 1 for name, array in before.items()}
    state["body.0.weight"] = np.zeros((3, 4))
    state["scale.factor"] = np.zeros(4, complex)
    del state["seen"], state["offset"]
    state["extra"] = np.zeros(1)
    with pytest.raises(ValueError, match=r"\[load_state_dict\] Net") as caught:
        net.load_state_dict(state)
    assert str(caught.value).splitlines()[1:] == [
        "  unexpected keys: extra",
        "  missing keys: offset, seen",
        "  expected body.0.weight of shape (4, 3), got (3, 4)",
        "  expected scale.factor of a dtype that casts to float64, got complex128",
    ]
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_not_strict_loads_what_is_there():
    layer = nn.Linear(2, 1)
    bias = layer.bias.data.copy()
    found = layer.load_state_dict({"weight": np.ones((1, 2)), "extra": np.ones(1)}, strict=False)
    assert found.missing_keys == ["bias"]
    assert found.unexpected_keys == ["extra"]
    np.testing.assert_array_equal(layer.weight.data, [[1.0, 1.0]])
    np.testing.assert_array_equal(layer.bias.data, bias)


def test_not_strict_still_checks_shapes():
    layer = nn.Linear(2, 1)
    with pytest.raises(ValueError, match=r"expected weight of shape \(1, 2\), got \(2, 1\)"):
        layer.load_state_dict({"weight": np.ones((2, 1))}, strict=False)


def test_loading_refuses_what_is_no_dict():
    with pytest.raises(TypeError, match="expected a dict of arrays, got list"):
        nn.Linear(2, 1).load_state_dict([np.ones((1, 2))])


@pytest.mark.parametrize(("name", "error"), [("forward", ValueError), ("a.b", ValueError), (3, ValueError)])
def test_buffer_names(name, error):
    with pytest.raises(error, match="expected a new attribute's name"):
        nn.ReLU().register_buffer(name, np.zeros(1))


def test_buffers_are_arrays_or_none():
    layer = nn.ReLU()
    with pytest.raises(TypeError, match=r"expected mean to be a numpy\.ndarray, got float"):
        layer.register_buffer("mean", 0.5)
    layer.register_buffer("mean", None)
    assert layer.mean is None
    assert layer.state_dict() == {}
    assert nn.ReLU().state_dict() == {}


def test_a_call_passes_all_arguments():
    class Sum(nn.Module):
        def forward(self, x, y, *, z=0):
            return x + 10 * y + 100 * z

    assert Sum()(1, 2, z=3) == 321


def test_base_has_no_passes():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1)
    with pytest.raises(NotImplementedError, match="Module has no backward"):
        nn.Module().backward(1)


def test_deepcopy_is_a_model_of_its_own(rng):
    model = nn.Sequential(nn.Linear(3, 4, dtype=np.float64), nn.ReLU(), nn.Linear(4, 2, dtype=np.float64))
    x = rng.standard_normal((5, 3))
    before = model(x)
    twin = copy.deepcopy(model)
    np.testing.assert_array_equal(twin(x), before)
    for parameter in twin.parameters():
        parameter.data[...] = 0.0
    np.testing.assert_array_equal(twin(x), np.zeros((5, 2)))
    np.testing.assert_array_equal(model(x), before)


def test_repr_is_torchs():
    assert repr(Net()) == (
        "Net(\n"
        "  (body): Sequential(\n"
        "    (0): Linear(in_features=3, out_features=4, bias=True)\n"
        "    (1): ReLU()\n"
        "  )\n"
        "  (scale): Scale()\n"
        ")"
    )
