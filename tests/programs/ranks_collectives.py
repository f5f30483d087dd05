"""What a group of several ranks has to give, asserted on each of them."""

import mmap
import os
import warnings
from typing import Any
from unittest import mock

import numpy as np

from fastnn import distributed, nn, optim
from fastnn.data import ArrayLoader
from fastnn.distributed import Group, shared
from fastnn.distributed.mpi import WHOLE
from fastnn.distributed.shared import PIECE


def sums_in_rank_order(group: Group) -> None:
    """Around the sizes at which the way changes, with parts of unequal length."""
    for dtype in (np.float32, np.float64, np.int64):
        limit = WHOLE // group.size // np.dtype(dtype).itemsize
        for n in (1, 2, 3, limit, limit + 1, PIECE // np.dtype(dtype).itemsize + 5):
            scale = 10.0 ** np.arange(group.size) * 1e3
            rows = [
                (np.random.default_rng(r).standard_normal(n) * scale[r]).astype(dtype)
                for r in range(group.size)
            ]
            expected = rows[0].copy()
            for row in rows[1:]:
                expected += row
            array = rows[group.rank].copy()
            group.all_reduce(array)
            np.testing.assert_array_equal(array, expected)


def sums_in_messages(group: Group) -> None:
    """As ranks on several machines do."""
    with mock.patch.object(group._engine, "shared", None):
        sums_in_rank_order(group)
        averages_gradients(group)


def shares_memory_or_does_not(group: Group) -> None:
    """All ranks alike, whichever of them cannot, and also where a file of that number is another's."""
    memory = group._shared
    assert memory is not None
    rows = memory.rows(5, np.float64)
    assert rows is not None
    assert rows.shape == (group.size, 5)
    assert not rows.any()
    group.barrier()
    rows[group.rank] = group.rank
    group.barrier()
    assert rows.tolist() == [[rank] * 5 for rank in range(group.size)]
    last = group.rank == group.size - 1
    create, map_file = shared._create, shared._map
    for creates, maps in (
        (lambda nbytes: -1, map_file),
        (create, lambda path, nbytes: None if last else map_file(path, nbytes)),
        (create, lambda path, nbytes: mmap.mmap(-1, nbytes) if last else map_file(path, nbytes)),
        (create, lambda path, nbytes: map_file(path, nbytes * 2 if last else nbytes)),
    ):
        with mock.patch.multiple(shared, _create=creates, _map=maps):
            assert memory.rows(5, np.float64) is None
    assert memory.rows(1 << 55, np.float64) is None
    again = memory.rows(5, np.float64)
    assert again is not None
    assert not again.any()


def keeps_children_apart(group: Group) -> None:
    """A child of fork() computes gradients without touching those of its parent."""
    weight = nn.Parameter(np.zeros(3, np.float32))
    optimizer = distributed.optimizer(optim.SGD([weight]), group)
    weight.grad = np.ones(3, np.float32)
    optimizer.step()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork() beside threads, which this is about
        child = os.fork()
    if child == 0:
        kept = weight.grad.tolist() == [1.0] * 3
        weight.add_grad(np.full(3, 5.0, np.float32))
        weight.zero_grad()
        weight.add_grad(np.full(3, 7.0, np.float32))
        os._exit(0 if kept and weight.grad.tolist() == [7.0] * 3 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert weight.grad.tolist() == [1.0] * 3


def moves_values(group: Group) -> None:
    rank, size = group.rank, group.size
    array = np.full((2, 3), rank, np.int16)
    group.broadcast(array, root=size - 1)
    assert (array == size - 1).all()
    large = np.full(PIECE // 8 + 3, float(rank))
    group.broadcast(large, root=1)
    assert (large == 1).all()
    assert group.all_gather(np.array(rank)).tolist() == list(range(size))
    rows = group.all_gather_rows(np.full((rank, 2), rank, np.float32))
    assert rows.dtype == np.float32
    assert rows.tolist() == [[r, r] for r in range(size) for _ in range(r)]
    values = [{"rank": r, "text": "é" * r, "large": 2**100} for r in range(size)]
    assert group.all_gather_object(values[rank]) == values
    assert group.broadcast_object(values[rank], root=1) == values[1]
    assert group.any(rank == 1)
    assert not group.any(False)
    group.barrier()


def divides_samples(group: Group) -> None:
    """Each epoch, the parts of all ranks make up the batches of one process."""
    for n in (1, 7, 16, 21):
        data = np.arange(n)
        loader = ArrayLoader(data, batch_size=4, shuffle=True, shard=group)  # with the seed of rank 0
        alone = ArrayLoader(data, batch_size=4 * group.size, shuffle=True, seed=loader.seed)
        for _ in range(2):
            mine, whole = list(loader), list(alone)
            assert len(mine) == len(loader) == len(whole)
            assert sum(map(len, mine)) == loader.samples
            assert group.all_gather_object(loader.seed) == [loader.seed] * group.size
            for part, batch in zip(mine, whole, strict=True):
                assert group.all_gather_rows(part).tolist() == batch.tolist()
                lengths = group.all_gather(np.array(len(part)))
                assert lengths.max() - lengths.min() <= 1


def transforms_differ(group: Group) -> None:
    loader = ArrayLoader(np.zeros(8), transform=lambda x, y, rng: (rng.random(3), y), seed=0, shard=group)
    (drawn,) = loader
    assert len(np.unique(group.all_gather(drawn))) == 3 * group.size


def averages_gradients(group: Group) -> None:
    """A parameter without a gradient on some ranks, and one without on all."""
    rank, size = group.rank, group.size
    some, none, all_of_them = (nn.Parameter(np.zeros(3, np.float32)) for _ in range(3))
    inner = _Recorder([some, none, all_of_them], {})
    optimizer = distributed.optimizer(inner, group, bucket_bytes=20)
    for factor in (1.0, 3.0):  # the second time in the buckets' memory
        some.grad = np.full(3, factor * size, np.float32) if rank == 1 else None
        all_of_them.zero_grad()
        all_of_them.add_grad(np.full(3, factor * rank, np.float32))
        optimizer.step()
        assert inner.seen == [[factor] * 3, None, [factor * (size - 1) / 2] * 3]
    all_of_them.grad = np.full(3, float(rank), np.float32)
    optimizer.synchronize(None)
    assert all_of_them.grad.tolist() == [sum(range(size))] * 3
    all_of_them.grad = np.full(3, 10.0 * rank, np.float32)
    optimizer.synchronize(samples=rank)  # rank 0 has none
    assert all_of_them.grad.tolist() == [10.0] * 3


class _Recorder(optim.Optimizer):
    """Moves nothing, and keeps the gradients that it was given."""

    seen: list[Any]

    def step(self) -> None:
        self.seen = [None if p.grad is None else p.grad.tolist() for p in self.param_groups[0]["params"]]

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        return options


def main() -> None:
    group = distributed.init()
    assert group.size > 1
    assert distributed.init("mpi") is group
    for check in (
        sums_in_rank_order,
        sums_in_messages,
        shares_memory_or_does_not,
        keeps_children_apart,
        moves_values,
        divides_samples,
        transforms_differ,
        averages_gradients,
    ):
        check(group)


if __name__ == "__main__":
    main()
