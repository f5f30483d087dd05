"""The optimizer that averages, its buckets, and fit with it, in a group of one."""

import numpy as np
import pytest

from fastnn import distributed, nn, optim, train
from fastnn.data import ArrayLoader
from fastnn.distributed import Group, SyncBatchNorm
from fastnn.distributed.buckets import make_buckets
from tests.train.problems import assert_same_weights, clouds, make_run, weights_of


def parameters(*shapes, dtype=np.float32):
    return [nn.Parameter(np.zeros(shape, dtype)) for shape in shapes]


def of_rank(rank, size):
    """A group whose rank is known and whose other ranks are not needed."""
    group = Group()
    group.rank, group.size = rank, size
    return group


@pytest.mark.parametrize(
    ("limit", "sizes"), [(32 << 20, [24]), (80, [20, 4]), (79, [10, 14]), (40, [10, 10, 4]), (1, [10, 10, 4])]
)
def test_buckets_hold_up_to_their_limit(limit, sizes):
    buckets = make_buckets(parameters((2, 5), 10, (2, 2)), limit, Group())
    tails = [1 + len(bucket._parameters) for bucket in buckets]
    assert [bucket.flat.size - tail for bucket, tail in zip(buckets, tails, strict=True)] == sizes


def test_a_bucket_is_of_one_dtype():
    mixed = [*parameters(3, 4), *parameters(5, dtype=np.float64), *parameters(6)]
    assert [bucket.flat.dtype for bucket in make_buckets(mixed, 1000, Group())] == [
        np.float32,
        np.float64,
        np.float32,
    ]


def test_gradients_lie_in_the_bucket_from_the_second_step_on():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    (bucket,) = make_buckets(list(model.parameters()), 1000, Group())
    x, ones = np.ones((5, 3), np.float32), np.ones((5, 2), np.float32)
    for inside in (False, True):
        model.zero_grad()
        model(x)
        model.backward_parameters(ones)
        grads = [p.grad.copy() for p in model.parameters()]
        assert all(np.shares_memory(p.grad, bucket.flat) is inside for p in model.parameters())
        bucket.pack(4.0)
        bucket.unpack(divide=True)
        for parameter, grad in zip(model.parameters(), grads, strict=True):
            np.testing.assert_array_equal(parameter.grad, grad / 4)


def test_a_parameter_without_gradient_stays_without():
    some, none = parameters(2, 3)
    some.grad = np.ones(2, np.float32)
    (bucket,) = make_buckets([some, none], 1000, Group())
    bucket.pack(1.0)
    bucket.unpack(divide=True)
    assert none.grad is None
    assert some.grad.tolist() == [1.0, 1.0]


def test_synchronize_divides_by_samples_once():
    (weight,) = parameters(2)
    optimizer = distributed.optimizer(optim.SGD([weight], lr=1.0), Group())
    weight.grad = np.array([8.0, 4.0], np.float32)
    optimizer.synchronize(4)
    optimizer.step()
    assert weight.data.tolist() == [-2.0, -1.0]
    weight.grad = np.zeros(2, np.float32)
    optimizer.synchronize(0)
    optimizer.step()
    assert weight.data.tolist() == [-2.0, -1.0]
    weight.grad = np.array([1.0, 1.0], np.float32)
    optimizer.synchronize(None)
    optimizer.step()
    optimizer.step()
    assert weight.data.tolist() == [-4.0, -3.0]


def test_is_the_optimizer_inside_for_options_state_and_schedules():
    weight, bias = parameters(2, 1)
    inner = optim.Adam([weight], lr=0.1)
    outer = distributed.optimizer(inner, Group())
    scheduler = optim.lr_scheduler.StepLR(outer, step_size=1)
    scheduler.step()
    assert inner.param_groups[0]["lr"] == pytest.approx(0.01)
    outer.add_param_group({"params": [bias], "lr": 0.5})
    weight.grad, bias.grad = np.ones(2, np.float32), np.ones(1, np.float32)
    outer.step()
    assert outer.state is inner.state
    assert outer.state_dict()["param_groups"] == inner.state_dict()["param_groups"]
    outer.load_state_dict(inner.state_dict())
    assert outer.state is inner.state
    assert outer.state[bias]["step"] == 1
    outer.zero_grad()
    assert weight.grad is None
    assert "Adam" in repr(outer)
    assert "rank=0" in repr(outer)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, Group()), TypeError, "expected opt to be an optimizer of optim, got NoneType"),
        ((optim.SGD(parameters(1)), None), TypeError, "expected group to be a Group"),
        ((optim.SGD(parameters(1)), Group(), 0), ValueError, "expected bucket_bytes >= 1, got 0"),
        ((optim.SGD(parameters(1)), Group(), 0.5), TypeError, "expected bucket_bytes to be an int"),
        (
            (distributed.optimizer(optim.SGD(parameters(1)), Group()), Group()),
            TypeError,
            "expected opt to be",
        ),
    ],
)
def test_refusals(arguments, error, message):
    with pytest.raises(error, match=r"\[optimizer\] " + message):
        distributed.optimizer(*arguments)


def test_samples_are_a_number():
    optimizer = distributed.optimizer(optim.SGD(parameters(1)), Group())
    with pytest.raises(TypeError, match=r"\[synchronize\] expected samples to be a number, got 'many'"):
        optimizer.synchronize("many")
    with pytest.raises(ValueError, match=r"\[synchronize\] expected samples to be finite and >= 0, got -1"):
        optimizer.synchronize(-1)


def test_fit_alone_gives_the_bits_of_the_optimizer_inside():
    weights = []
    for wrap in (lambda opt: opt, lambda opt: distributed.optimizer(opt, distributed.init())):
        model, loss, optimizer = make_run()
        train.fit(model, loss, wrap(optimizer), clouds(), epochs=3, validation=0.2, metrics="accuracy")
        weights.append(weights_of(model))
    assert_same_weights(*weights)


def test_sync_batch_norm_alone_is_batch_norm():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Residual(nn.BatchNorm2d(2)))
    names, kept = list(model.state_dict()), list(model.parameters())
    x = np.random.default_rng(0).standard_normal((4, 1, 5, 5)).astype(np.float32)
    expected = [model(x), model.backward(np.ones((4, 2, 3, 3), np.float32))]
    model.zero_grad()
    changed = SyncBatchNorm.convert_sync_batchnorm(model, Group())
    assert changed is model
    assert isinstance(model[1], SyncBatchNorm)
    assert isinstance(model[3].body[0], SyncBatchNorm)
    assert list(model.state_dict()) == names
    assert all(a is b for a, b in zip(model.parameters(), kept, strict=True))
    found = [model(x), model.backward(np.ones((4, 2, 3, 3), np.float32))]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("samples", [1, 4, 24, 26, 31])
def test_parts_make_up_the_batches(samples, ranks, drop_last):
    """Nothing lost, nothing twice, the same number of steps."""
    data, options = np.arange(samples), {"drop_last": drop_last}
    whole = [batch.tolist() for batch in ArrayLoader(data, batch_size=4 * ranks, **options)]
    loaders = [ArrayLoader(data, batch_size=4, **options) for _ in range(ranks)]
    for rank, loader in enumerate(loaders):
        loader.shard = of_rank(rank, ranks)
    parts = [[part.tolist() for part in loader] for loader in loaders]
    assert [len(loader) for loader in loaders] == [len(whole)] * ranks
    assert [loader.samples for loader in loaders] == [sum(map(len, part)) for part in parts]
    assert [[i for part in several for i in part] for several in zip(*parts, strict=True)] == whole


def test_fit_refuses_a_loader_that_gives_every_rank_everything():
    model, loss, optimizer = make_run()
    optimizer = distributed.optimizer(optimizer, Group())
    loader = ArrayLoader(*clouds())
    loader.shard = of_rank(0, 2)
    with pytest.raises(
        ValueError, match=r"\[fit\] expected an ArrayLoader with shard=group for Group\(rank=0"
    ):
        train.fit(model, loss, optimizer, loader)
