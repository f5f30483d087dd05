"""Functions take what exports its memory: by NumPy's array interface, or by DLPack on the host.

Nothing is copied, results are ndarrays, and what cannot be read in place gets a TypeError that says why.
"""

import contextlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import fastnn.functional as F
from fastnn import _core, nn
from fastnn.backend import view_of
from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, Sample, call
from tests.opinfo.comparison import assert_same_bits

PURE = [f for f in FUNCTIONS if f.outs]


class Exporter:
    """An array of another library."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """The table of operations asks for it; the operations do not."""
        return self.array.shape


class Interface(Exporter):
    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self.array.__array_interface__


class Capsule(Exporter):
    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


class OldCapsule(Capsule):
    """As before DLPack 1.0, without options."""

    def __dlpack__(self, stream: None = None) -> Any:
        return self.array.__dlpack__()


class OnDevice(Capsule):
    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 1  # kDLCUDA


class Busy(Capsule):
    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("call release() first")


class Shrinking(Exporter):
    """Loses a row each time it is looked at."""

    def __init__(self, array: np.ndarray) -> None:
        super().__init__(array)
        self.old: list[np.ndarray] = []

    @property
    def __array_interface__(self) -> dict[str, Any]:
        self.old.append(self.array)  # views of it stay valid
        self.array = self.array[: max(len(self.array) - 1, 0)].copy() if self.array.ndim else self.array
        return self.array.__array_interface__


EXPORTERS = (Interface, Capsule, OldCapsule)


def backend_of(exporter: type[Exporter]) -> Backend:
    """All arrays of a call exported, those that it updates and writes, too."""
    return Backend(
        exporter.__name__,
        F,
        _core,
        exporter,
        lambda a: a.array if isinstance(a, Exporter) else a,
        lambda: None,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exporter", [Interface, Capsule])
@pytest.mark.parametrize("function", PURE, ids=str)
def test_exported_arrays_give_the_same_bits(function: Function, exporter: type, dtype: str, backend) -> None:
    exported = backend_of(exporter)
    for sample in function.fresh()[::3]:
        given, mirrored = sample.cast(dtype), sample.cast(dtype)
        wanted = call(backend, function, given)
        results = call(exported, function, mirrored)
        assert_same_bits(results, wanted, f"{function} of {given}")
        assert all(r is None or isinstance(r, np.ndarray) or np.isscalar(r) for r in results)
        for name in function.in_place(given):
            assert_same_bits((mirrored.arrays[name],), (given.arrays[name],), f"{name} of {function}")


@pytest.mark.parametrize("exporter", [Interface, Capsule])
@pytest.mark.parametrize("function", PURE, ids=str)
def test_out_is_written_where_it_lies(function: Function, exporter: type, backend: Backend) -> None:
    for sample in [s.cast("float32") for s in function.fresh() if function.takes_out(s)][::5]:
        wanted = call(backend, function, sample)
        out = tuple(np.full_like(wanted[i], 99) for i in function.outs)
        call(backend_of(exporter), function, sample, out)
        assert_same_bits(out, tuple(wanted[i] for i in function.outs), f"{function} of {sample}")


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_view_is_the_memory_itself(exporter: type) -> None:
    a = np.arange(12.0).reshape(3, 4)[:, ::-2]
    view = view_of(exporter(a), "op", "x")
    assert type(view) is np.ndarray
    assert (view.ctypes.data, view.shape, view.strides) == (a.ctypes.data, a.shape, a.strides)


def test_memory_outlives_the_exporter() -> None:
    """The result of `out=` is a view; it keeps alive what it shows."""
    y = F.relu(np.ones(100), out=Capsule(np.empty(100)))
    _ = [np.zeros(100) for _ in range(10)]
    assert (y == 1).all()


@pytest.mark.parametrize("exporter", [Interface, Capsule])
def test_read_only_memory_is_read_and_not_written(exporter: type) -> None:
    a = np.array([-1.0, 2.0])
    a.flags.writeable = False
    np.testing.assert_array_equal(F.relu(exporter(a)), [0, 2])
    with pytest.raises(ValueError, match=r"\[relu\] expected out to be writeable, got a read-only array"):
        F.relu(np.ones(2), out=exporter(a))
    assert a[0] == -1


def test_kinds_mix_in_a_call() -> None:
    x, weight, bias = np.ones((2, 3)), np.ones((4, 3)), np.ones(4)
    wanted = F.linear(x, weight, bias)
    for arrays in ((x, Interface(weight), bias), (Capsule(x), weight, Interface(bias))):
        np.testing.assert_array_equal(F.linear(*arrays), wanted)


def test_nothing_but_the_memory_is_asked_for() -> None:
    a = np.arange(9.0, dtype="float32").reshape(1, 1, 3, 3)
    bare = SimpleNamespace(__array_interface__=a.__array_interface__)
    np.testing.assert_array_equal(F.conv2d(bare, bare, padding="same"), F.conv2d(a, a, padding="same"))
    flat = SimpleNamespace(__array_interface__=a[0].__array_interface__)
    np.testing.assert_array_equal(F.conv1d(flat, flat), F.conv1d(a[0], a[0]))
    loss = F.mse_loss(flat, flat)
    assert (loss, loss.dtype) == (0.0, np.float32)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("dtype", ["int64", "float16", "complex64", "bool"])
def test_other_dtypes_are_refused(exporter: type, dtype: str) -> None:
    with pytest.raises(TypeError, match=rf"\[relu\] expected x of dtype float32 or float64, got {dtype}"):
        F.relu(exporter(np.ones(3, dtype)))


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (OnDevice(np.ones(2)), r"in the memory of the host, got .*OnDevice on device 1 of DLPack's kind 2"),
        (Busy(np.ones(2)), r"to export its memory, got .*Busy: call release\(\) first"),
        (np.float64(1), "to be a numpy.ndarray, got numpy.float64"),
        (Interface, "to be a numpy.ndarray, got type"),
        (memoryview(np.ones(2)), "to be a numpy.ndarray, got memoryview"),
        ([1.0], "to be a numpy.ndarray, got list"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_what_cannot_be_read_in_place_is_refused(value: Any, match: str) -> None:
    with pytest.raises(TypeError, match=rf"^\[relu\] expected x {match}"):
        F.relu(value)
    with pytest.raises(TypeError, match=rf"^\[linear\] expected weight {match}"):
        F.linear(np.ones((1, 2)), value)
    with pytest.raises(TypeError, match=rf"^\[conv2d\] expected weight {match}"):
        F.conv2d(np.ones((1, 1, 2, 2)), value, padding="same")


@pytest.mark.parametrize("interface", [None, {}, {"shape": (3,), "typestr": "<f8", "version": 3}])
def test_a_broken_interface_is_refused(interface: Any) -> None:
    broken = Exporter(np.ones(3))
    broken.__array_interface__ = interface  # as NumPy does, it is looked for on the object, too
    with pytest.raises(TypeError, match=r"^\[relu\] expected x to export its memory, got .*Exporter: "):
        F.relu(broken)


@pytest.mark.parametrize("function", PURE, ids=str)
def test_what_changes_while_it_is_read_does_no_harm(function: Function) -> None:
    """Refused, or right for one of its shapes; sanitized builds see what would reach beyond the memory."""
    for sample in function.fresh()[:6]:
        given = sample.cast("float64")
        for name in given.arrays:
            odd = Sample({**given.arrays, name: Shrinking(given.arrays[name])}, given.options)
            with contextlib.suppress(TypeError, ValueError, IndexError):
                function.run(backend_of(Exporter), odd, None)


def test_weights_of_layers_are_ndarrays() -> None:
    """What is updated in place is kept between calls, so a view made for one call will not do."""
    with pytest.raises(TypeError, match=r"\[Parameter\] expected data to be a numpy.ndarray"):
        nn.Parameter(Interface(np.ones(3)))
    with pytest.raises(TypeError, match=r"\[sgd\w*\] expected params.* to be a numpy.ndarray"):
        _core.sgd_step([Interface(np.ones(3))], [np.ones(3)], [], _core.SGDOptions(lr=0.1))
