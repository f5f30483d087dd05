"""What all optimizers share: groups, state that grows with the first step, saving and loading."""

import copy

import numpy as np
import pytest

from fastnn import nn, optim

OPTIMIZERS = [
    pytest.param(lambda params, **kw: optim.SGD(params, **{"lr": 0.1, "momentum": 0.9, **kw}), id="SGD"),
    pytest.param(optim.Adam, id="Adam"),
    pytest.param(optim.AdamW, id="AdamW"),
    pytest.param(optim.RMSprop, id="RMSprop"),
    pytest.param(
        lambda params, **kw: optim.RMSprop(params, **{"momentum": 0.9, "centered": True, **kw}),
        id="RMSprop-centered",
    ),
    pytest.param(optim.Adagrad, id="Adagrad"),
    pytest.param(
        lambda params, **kw: optim.Adagrad(params, **{"average": True, "lr_decay": 0.1, **kw}),
        id="Adagrad-average",
    ),
]
each = pytest.mark.parametrize("make", OPTIMIZERS)


def parameters(*sizes, dtype=np.float64):
    return [nn.Parameter(np.ones(size, dtype)) for size in sizes]


def set_grads(params, rng):
    for parameter in params:
        parameter.grad = rng.standard_normal(parameter.shape).astype(parameter.dtype)


def run(optimizer, params, rng, steps):
    for _ in range(steps):
        set_grads(params, rng)
        optimizer.step()


@each
def test_steps_in_place(make, rng):
    params = parameters(3, 4)
    arrays = [p.data for p in params]
    run(make(params), params, rng, 1)
    assert all(p.data is array for p, array in zip(params, arrays, strict=True))
    assert all((array != 1.0).all() for array in arrays)


@each
def test_gradients_are_not_changed(make, rng):
    params = parameters(3)
    optimizer = make(params, weight_decay=0.1, maximize=True)
    set_grads(params, rng)
    grad = params[0].grad.copy()
    optimizer.step()
    optimizer.step()
    np.testing.assert_array_equal(params[0].grad, grad)


@each
def test_parameters_without_gradient_are_left_out(make, rng):
    params = parameters(3, 4)
    optimizer = make(params)
    set_grads(params[:1], rng)
    optimizer.step()
    assert (params[1].data == 1.0).all()
    assert list(optimizer.state) == params[:1]


@each
def test_each_parameter_counts_its_own_steps(make, rng):
    """One that joins late gets the bits of one that was alone."""
    late, alone = parameters(5)[0], parameters(5)[0]
    early = parameters(3)[0]
    together, single = make([early, late]), make([alone])
    for step in range(6):
        early.grad = rng.standard_normal(3)
        if step % 2:
            late.grad = alone.grad = rng.standard_normal(5)
            single.step()
        else:
            late.grad = None
        together.step()
    np.testing.assert_array_equal(late.data, alone.data)


@each
def test_dtypes_may_differ_between_parameters(make, rng):
    single, double = parameters(5, dtype=np.float32)[0], parameters(5)[0]
    optimizer = make([single, double])
    for _ in range(3):
        double.grad = rng.standard_normal(5)
        single.grad = double.grad.astype(np.float32)
        optimizer.step()
    np.testing.assert_allclose(single.data, double.data, rtol=1e-5)
    assert (double.data != 1.0).all()


@each
def test_groups_have_their_own_options(make, rng):
    fast, slow = parameters(4, 4)
    optimizer = make([{"params": [fast], "lr": 0.2}, {"params": slow}], lr=0.1)
    fast.grad = slow.grad = rng.standard_normal(4)
    optimizer.step()
    np.testing.assert_allclose(fast.data - 1.0, 2.0 * (slow.data - 1.0), rtol=1e-3)
    optimizer.param_groups[0]["lr"] = 0.0
    before = fast.data.copy()
    optimizer.param_groups[0]["weight_decay"] = 0.0
    optimizer.step()
    np.testing.assert_array_equal(fast.data, before)


@each
def test_add_param_group(make, rng):
    first, second = parameters(4, 4)
    optimizer = make([first], lr=0.1)
    run(optimizer, [first], rng, 2)
    optimizer.add_param_group({"params": [second], "lr": 0.2})
    run(optimizer, [first, second], rng, 1)
    assert (second.data != 1.0).all()
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.2]


@each
def test_zero_grad(make, rng):
    params = parameters(3, 4)
    optimizer = make(params)
    set_grads(params, rng)
    optimizer.zero_grad()
    assert [p.grad for p in params] == [None, None]
    optimizer.step()
    assert all((p.data == 1.0).all() for p in params)


@each
def test_resumes_bit_for_bit(make, rng):
    params = parameters(3, 4)
    optimizer = make([{"params": params[:1], "lr": 0.05}, {"params": params[1:]}])
    run(optimizer, params, np.random.default_rng(1), 3)
    twins = [nn.Parameter(p.data.copy()) for p in params]
    resumed = make([{"params": twins[:1]}, {"params": twins[1:]}])
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    run(optimizer, params, np.random.default_rng(2), 3)
    run(resumed, twins, np.random.default_rng(2), 3)
    for parameter, twin in zip(params, twins, strict=True):
        np.testing.assert_array_equal(parameter.data, twin.data)
    assert resumed.param_groups[0]["lr"] == 0.05


@each
def test_loading_copies(make, rng):
    params, twins = parameters(3), parameters(3)
    optimizer, loaded = make(params), make(twins)
    run(optimizer, params, rng, 1)
    loaded.load_state_dict(optimizer.state_dict())
    before = copy.deepcopy(loaded.state_dict())
    run(optimizer, params, rng, 1)
    np.testing.assert_equal(loaded.state_dict(), before)


def test_layout_is_torchs(rng):
    params = parameters(3, 4, 5)
    optimizer = optim.Adam([{"params": params[:1]}, {"params": params[1:], "lr": 0.5}], amsgrad=True)
    run(optimizer, params[1:], rng, 2)
    saved = optimizer.state_dict()
    assert list(saved) == ["state", "param_groups"]
    assert list(saved["state"]) == [1, 2]
    assert list(saved["state"][1]) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    assert saved["state"][1]["step"] == 2
    assert [group["params"] for group in saved["param_groups"]] == [[0], [1, 2]]
    assert saved["param_groups"][1] == {
        "params": [1, 2],
        "lr": 0.5,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0.0,
        "amsgrad": True,
        "maximize": False,
        "decoupled_weight_decay": False,
    }


def test_loads_what_torch_saves():
    """Torch adds options of its own, keeps steps as 0-d float32 and empty slots as None."""
    (parameter,) = parameters(2)
    optimizer = optim.Adam([parameter])
    group = {"params": [0], "lr": 0.5, "betas": [0.8, 0.9], "eps": 1e-7, "foreach": None, "fused": None}
    state = {"step": np.float32(3.0), "exp_avg": np.ones(2, np.float32), "exp_avg_sq": np.full(2, 2.0)}
    optimizer.load_state_dict({"state": {0: state}, "param_groups": [group]})
    assert optimizer.state[parameter]["step"] == 3
    assert optimizer.state[parameter]["exp_avg"].dtype == np.float64
    assert optimizer.param_groups[0]["betas"] == (0.8, 0.9)
    sgd = optim.SGD(parameters(2))
    sgd.load_state_dict({"state": {0: {"momentum_buffer": None}}, "param_groups": [{"params": [0]}]})
    assert sgd.state == {}


def change(path, value):
    def apply(saved):
        target = saved
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value

    return apply


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (
            change(["param_groups"], []),
            ValueError,
            r"\[Adam.load_state_dict\] expected 1 parameter groups, got 0",
        ),
        (change(["param_groups", 0, "params"], [0]), ValueError, "expected 2 parameters in group 0, got 1"),
        (change(["param_groups", 0, "lr"], -1.0), ValueError, "expected lr to be finite and >= 0, got -1.0"),
        (change(["state", 7], {"step": 1, "exp_avg": 0, "exp_avg_sq": 0}), ValueError, "got 7"),
        (
            change(["state", 0, "exp_avg"], np.ones(9)),
            ValueError,
            r"state\[0\]\['exp_avg'\] of shape \(3,\), got \(9,\)",
        ),
        (change(["state", 0, "step"], 0), ValueError, r"state\[0\]\['step'\] >= 1, got 0"),
        (
            change(["state", 0, "exp_avg"], None),
            ValueError,
            "with step, exp_avg, exp_avg_sq .*, got exp_avg_sq, step",
        ),
        (change(["state", 0], {"momentum_buffer": np.ones(3)}), ValueError, "got momentum_buffer"),
    ],
)
def test_loading_checks_all_before_it_changes_anything(spoil, error, words, rng):
    params = parameters(3, 4)
    optimizer = optim.Adam(params, lr=0.5)
    run(optimizer, params, rng, 1)
    saved = copy.deepcopy(optimizer.state_dict())
    saved["param_groups"][0]["eps"] = 1.0
    saved["state"][1]["exp_avg"][...] = 7.0
    before = copy.deepcopy(optimizer.state_dict())
    spoil(saved)
    with pytest.raises(error, match=words):
        optimizer.load_state_dict(saved)
    np.testing.assert_equal(optimizer.state_dict(), before)


@pytest.mark.parametrize("saved", [[], {"state": {}}, {"param_groups": []}])
def test_loading_refuses_other_things(saved):
    with pytest.raises(TypeError, match='expected a dict with "state" and "param_groups"'):
        optim.Adam(parameters(2)).load_state_dict(saved)


@each
def test_refuses_params(make):
    name = r"\[(SGD|Adam|AdamW|RMSprop|Adagrad)\] "
    (parameter,) = parameters(2)
    with pytest.raises(ValueError, match=name + "expected params with at least one Parameter, got none"):
        make([])
    with pytest.raises(TypeError, match=name + "expected params to be a list of Parameter .* got Parameter"):
        make(parameter)
    with pytest.raises(TypeError, match=name + "expected params of Parameter, got ndarray"):
        make([np.zeros(2)])
    with pytest.raises(ValueError, match=name + "expected each Parameter once"):
        make([parameter, parameter])
    with pytest.raises(ValueError, match=name + "expected each Parameter once"):
        make([{"params": [parameter]}, {"params": [parameter]}])
    with pytest.raises(ValueError, match=name + "expected options among lr, .*, got 'learning_rate'"):
        make([{"params": [parameter], "learning_rate": 0.1}])
    with pytest.raises(TypeError, match=name + 'expected a group to be a dict with "params"'):
        make([{"lr": 0.1}])


@each
@pytest.mark.parametrize("option", ["lr", "weight_decay"])
@pytest.mark.parametrize(
    ("value", "error"),
    [(-0.1, ValueError), (float("nan"), ValueError), (float("inf"), ValueError), ("1", TypeError)],
)
def test_refuses_options(make, option, value, error):
    with pytest.raises(error, match=rf"\] expected {option} to be .*, got {value!r}"):
        make(parameters(2), **{option: value})
    with pytest.raises(error, match=rf"\] expected {option} to be"):
        make([{"params": parameters(2), option: value}])


@each
def test_a_step_that_fails_leaves_no_state(make):
    (parameter,) = parameters(3)
    optimizer = make([parameter])
    parameter.grad = np.ones(3)
    parameter.data.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        optimizer.step()
    assert optimizer.state == {}
    parameter.data.flags.writeable = True
    optimizer.step()
    assert (parameter.data < 1.0).all()


def test_repr():
    optimizer = optim.SGD(parameters(2), lr=0.5)
    assert repr(optimizer).splitlines()[:4] == [
        "SGD (",
        "Parameter Group 0",
        "    dampening: 0.0",
        "    lr: 0.5",
    ]
