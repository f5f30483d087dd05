"""What a row of the table says about an operation; the generic tests read nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = tuple[Any, ...]

# Lengths around the widths of the vector registers.
TAILS = (1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64)
DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Backend:
    """One way to run the operations: its modules and its arrays."""

    name: str
    functional: Any
    core: Any
    asarray: Callable[[Array], Any]
    asnumpy: Callable[[Any], Array]
    synchronize: Callable[[], None]  # raises what a device could not raise at once

    @property
    def always_writeable(self) -> bool:
        """CuPy knows no read-only and no masked arrays."""
        return self.name in ("simt", "cuda")

    def moved(self, value: Any) -> Any:
        """Arguments with their arrays made this backend's."""
        if isinstance(value, (tuple, list)):
            return type(value)(self.moved(item) for item in value)
        return self.asarray(value) if isinstance(value, np.ndarray) else value


@dataclass(frozen=True)
class Sample:
    """The inputs of one call: arrays by argument name, and the other options."""

    arrays: dict[str, Array]
    options: dict[str, Any] = field(default_factory=dict)

    def map(self, change: Callable[[str, Array], Array]) -> "Sample":
        return replace(self, arrays={name: change(name, a) for name, a in self.arrays.items()})

    def cast(self, dtype: str) -> "Sample":
        """A copy of every array, the floating ones in dtype."""
        return self.map(lambda _, a: a.astype(dtype) if a.dtype.kind == "f" else a.copy())

    def put(self, **arrays: Array) -> "Sample":
        return replace(self, arrays={**self.arrays, **arrays})

    def floats(self) -> list[str]:
        return [name for name, a in self.arrays.items() if a.dtype.kind == "f"]

    def __str__(self) -> str:
        shapes = ", ".join(f"{name}{a.shape} {a.dtype}" for name, a in self.arrays.items())
        return f"{shapes} {self.options or ''}"


@dataclass(frozen=True)
class ErrorCase:
    """A wrong call, and the words that must name the argument, the expectation and the value."""

    label: str
    call: Callable[[Backend], object]
    exception: type[Exception]
    match: str


def wrong(
    name: str, label: str, args: tuple, exception: type[Exception], match: str, **options: Any
) -> ErrorCase:
    """The call name(*args, **options) and what it must say after "[name]"."""

    def call(backend: Backend) -> object:
        function = getattr(backend.functional, name, None) or getattr(backend.core, name)
        given = {name: backend.moved(value) for name, value in options.items()}
        function(*backend.moved(args), **given)
        backend.synchronize()

    stem = name.removesuffix("_backward").removesuffix("_with_grad")
    return ErrorCase(label, call, exception, rf"^\[({name}|{stem})\] .*{match}")


OPTIONS_OF = {
    "sgd": "SGDOptions",
    "adam": "AdamOptions",
    "rmsprop": "RMSpropOptions",
    "adagrad": "AdagradOptions",
}


def wrong_step(
    op: str, label: str, arrays: tuple, options: dict[str, Any], exception: type[Exception], match: str
) -> ErrorCase:
    """The call of an optimizer's step with these lists of arrays and options."""

    def call(backend: Backend) -> object:
        make = getattr(backend.core, OPTIONS_OF[op])
        getattr(backend.core, f"{op}_step")(*backend.moved(arrays), make(**options))

    return ErrorCase(label, call, exception, rf"^\[{op}\w*\] .*{match}")


def group(sample: Sample, name: str) -> list[Array]:
    """The arrays name0, name1, ... of an optimizer's step."""
    return [a for key, a in sample.arrays.items() if key.rstrip("0123456789") == name]


def f32(*shape: int) -> Array:
    return np.ones(shape, np.float32)


@dataclass(frozen=True)
class Function:
    """One entry point: how to call it, what it must give and how exactly."""

    name: str
    stem: str
    # run(backend, sample, out): the results; `out` holds one array for each of `outs`, or is None.
    run: Callable[[Backend, Sample, Arrays | None], Arrays]
    reference: Callable[[Sample], Arrays]
    samples: Callable[[Generator], list[Sample]]
    # Calls long enough to be cut among threads.
    large: Callable[[Generator], list[Sample]]
    # bound(sample, wanted): the allowed error of each result in units of the dtype's eps; None is exact.
    bound: Callable[[Sample, Arrays], Arrays] | None = None
    errors: tuple[ErrorCase, ...] = ()
    # Results that the caller may provide the memory of, and the calls that allow it.
    outs: tuple[int, ...] = (0,)
    takes_out: Callable[[Sample], bool] = lambda sample: True
    # Arguments that the call updates in place.
    in_place: Callable[[Sample], tuple[str, ...]] = lambda sample: ()
    # Arguments whose dtype has rules of its own.
    free_dtype: tuple[str, ...] = ()
    # Arguments to put NaN, infinities and the like into; all floating ones by default.
    specials: tuple[str, ...] | None = None
    # Arguments and results that run along the batch, for the calls where rows do not mix.
    batched: tuple[str, ...] = ()
    batched_results: tuple[int, ...] = (0,)
    separable: Callable[[Sample], bool] = lambda sample: True
    # What two rows of one function are told apart by.
    label: str = ""

    def __str__(self) -> str:
        return self.label or self.name

    @property
    def prefix(self) -> str:
        """A pattern for the name that its messages start with."""
        return rf"^\[({self.name}|{self.stem})\] .*"

    def fresh(self, seed: int = 0) -> list[Sample]:
        """The samples, always the same ones."""
        return self.samples(np.random.default_rng(seed))


@dataclass(frozen=True)
class Gradient:
    """A forward and a backward function that belong together."""

    forward: Function
    backward: Function
    wrt: tuple[str, ...]
    # feed(sample, grad_output, y): the backward's inputs.
    feed: Callable[[Sample, Array, Any], Sample]
    # Where the gradients start in the backward's results.
    first: int = 0
    # Of the forward's sum, not of its product with a grad_output.
    of_sum: bool = False

    def __str__(self) -> str:
        return str(self.backward)


def call(backend: Backend, function: Function, sample: Sample, out: Arrays | None = None) -> Arrays:
    """The results as NumPy arrays; arrays updated in place are changed in `sample`, and `out` is."""
    moved = sample.map(lambda _, a: backend.moved(a))
    places = () if out is None else backend.moved(out)
    results = function.run(backend, moved, None if out is None else places)
    backend.synchronize()
    updated = [(sample.arrays[name], moved.arrays[name]) for name in function.in_place(sample)]
    for theirs, place in [*updated, *zip(out or (), places, strict=True)]:
        if place is not theirs:
            theirs[...] = backend.asnumpy(place)
    given = {id(place): theirs for theirs, place in zip(out or (), places, strict=True)}
    return tuple(
        None if r is None else given[id(r)] if id(r) in given else backend.asnumpy(r) for r in results
    )


def fed(
    forward: Callable[[Generator], list[Sample]], reference: Callable[[Sample], Arrays], feed: Any
) -> Any:
    """A sampler of a backward: the forward's samples with a random grad_output and the reference's y."""

    def samples(rng: Generator) -> list[Sample]:
        made = []
        for sample in forward(rng):
            y = np.asarray(reference(sample)[0])
            made.append(feed(sample, rng.standard_normal(y.shape), y))
        return made

    return samples
