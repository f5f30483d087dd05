"""A group of one, and what init, groups and engines refuse; several ranks are tests/mpi's."""

from types import SimpleNamespace

import numpy as np
import pytest

import fastnn
from fastnn import distributed
from fastnn.distributed import nccl
from fastnn.distributed.nccl import NCCLEngine
from tests.processes import output_of, run_python


@pytest.fixture
def group():
    return distributed.init()


def test_init_alone_is_a_group_of_one_that_needs_no_mpi():
    code = (
        "import sys; sys.modules['mpi4py'] = None\n"
        "from fastnn import distributed\n"
        "group = distributed.init(); hook = sys.excepthook is sys.__excepthook__\n"
        "print(group, group.local_rank, group.local_size, group is distributed.init(), hook)"
    )
    assert output_of("-c", code) == "Group(rank=0, size=1) 0 1 True True"


@pytest.mark.parametrize("name", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_RANK"])
def test_a_launched_process_asks_for_mpi4py(name):
    code = "import sys; sys.modules['mpi4py'] = sys.modules['mpi4py.MPI'] = None\n"
    done = run_python("-c", code + "from fastnn import distributed; distributed.init()", **{name: "2"})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: [init] needs mpi4py: pip install '.[mpi]' in the source tree"
    )


def test_launched_alone_is_alone():
    code = (
        "import sys; sys.modules['mpi4py'] = None\nfrom fastnn import distributed; print(distributed.init())"
    )
    assert output_of("-c", code, PMI_SIZE="1") == "Group(rank=0, size=1)"


def test_init_refuses_what_is_no_backend_or_timeout():
    with pytest.raises(
        ValueError, match=r"\[init\] expected backend to be one of any, mpi, nccl, got 'gloo'"
    ):
        distributed.init("gloo")
    for timeout in (0.99, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match=r"\[init\] expected timeout to be finite and >= 1"):
            distributed.init(timeout=timeout)
    with pytest.raises(TypeError, match=r"\[init\] expected timeout to be a number, got 'long'"):
        distributed.init(timeout="long")


def test_nccl_says_what_is_missing(group, monkeypatch):
    reason = "no GPU in this machine"
    monkeypatch.setattr("fastnn.distributed.launch.reason_unavailable", lambda: reason)
    monkeypatch.setattr("fastnn.distributed.nccl.reason_unavailable", lambda: reason)
    with pytest.raises(RuntimeError, match=rf"\[init\] expected a GPU for backend 'nccl': {reason}"):
        distributed.init("nccl")
    with pytest.raises(RuntimeError, match=rf"\[all_reduce\] expected a GPU for a cupy.ndarray: {reason}"):
        nccl.connect(group, None)


def test_nccl_gets_pointers_counts_dtypes_and_streams_after_a_check():
    """Against a stand-in for CuPy's communicator: no GPU has run it."""
    calls = []
    names = {"NCCL_FLOAT32": 7, "NCCL_FLOAT64": 8, "NCCL_INT64": 4, "NCCL_SUM": 0}
    communicator = SimpleNamespace(
        allReduce=lambda *a: calls.append(("allReduce", *a)),
        bcast=lambda *a: calls.append(("bcast", *a)),
    )
    engine = NCCLEngine(SimpleNamespace(**names), communicator, lambda: 77, lambda: calls.append("check"))
    array = SimpleNamespace(data=SimpleNamespace(ptr=4096), size=6, dtype=np.dtype(np.float32))
    engine.all_reduce(array)
    engine.broadcast(SimpleNamespace(**{**vars(array), "dtype": np.dtype(np.int64)}), 3)
    reduced, moved = ("allReduce", 4096, 4096, 6, 7, 0, 77), ("bcast", 4096, 6, 4, 3, 77)
    assert calls == ["check", reduced, "check", moved]


def test_methods_of_a_group_of_one_give_back_what_they_got(group):
    x = np.array([1.0, np.nan])
    group.all_reduce(x)
    group.broadcast(x)
    np.testing.assert_array_equal(x, [1.0, np.nan])
    np.testing.assert_array_equal(group.all_gather(x), [x])
    assert group.all_gather(np.array(3)).tolist() == [3]
    np.testing.assert_array_equal(group.all_gather_rows(x), x)
    assert group.all_gather_object({"a": [1, None]}) == [{"a": [1, None]}]
    assert group.broadcast_object("a") == "a"
    assert group.any(True)
    assert not group.any(False)
    group.barrier()
    with pytest.raises(SystemExit):
        group.abort()


@pytest.mark.parametrize("method", ["all_reduce", "broadcast"])
def test_refuses_what_cannot_be_summed_or_moved_in_place(group, method):
    call = getattr(group, method)
    with pytest.raises(TypeError, match=rf"\[{method}\] expected array to be a numpy.ndarray, got list"):
        call([1.0])
    with pytest.raises(TypeError, match=rf"\[{method}\] expected array of float32, .* got object"):
        call(np.array([None]))
    for array in (np.zeros((4, 4))[:, :2], np.broadcast_to(0.0, 3)):
        with pytest.raises(ValueError, match=rf"\[{method}\] expected array to be C-contiguous and writable"):
            call(array)


def test_sums_take_three_dtypes_and_broadcasts_any(group):
    for dtype in (np.int32, np.complex128, np.dtype(">f4"), bool):
        with pytest.raises(TypeError, match=r"\[all_reduce\] expected array of float32, float64 or int64"):
            group.all_reduce(np.zeros(3, dtype))
        group.broadcast(np.zeros(3, dtype))
    with pytest.raises(ValueError, match=r"\[broadcast\] expected root <= 0, got 1"):
        group.broadcast(np.zeros(3), root=1)
    with pytest.raises(ValueError, match=r"\[broadcast_object\] expected root <= 0, got 1"):
        group.broadcast_object(3, root=1)


def test_random_state_of_one_stays(group):
    fastnn.manual_seed(3)
    distributed.broadcast_random_state(group)
    assert fastnn.random.next_key() == (3, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: distributed.broadcast_random_state(None),
        lambda: distributed.broadcast_parameters(fastnn.nn.Linear(1, 1), None),
        lambda: distributed.broadcast_buffers(fastnn.nn.Linear(1, 1), None),
        lambda: distributed.SyncBatchNorm(1, group="world"),
        lambda: distributed.SyncBatchNorm.convert_sync_batchnorm(fastnn.nn.ReLU(), None),
        lambda: fastnn.data.ArrayLoader(np.zeros(3), shard=2),
    ],
)
def test_groups_are_asked_for_by_name(call):
    with pytest.raises(TypeError, match=r"\[\w+\] expected (group|shard) to be a Group as init gives, got"):
        call()
