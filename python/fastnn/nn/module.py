"""The base of all layers: a forward, the backward that belongs to it, and the parameters of both.

Attributes that are parameters, buffers or modules are found by looking at the instance, in the order in
which they were set. Nothing is registered, so attributes cost what attributes of any object cost, and a
subclass need not call `super().__init__()`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self

from fastnn.backend import device_number, is_array, to_device
from fastnn.nn.parameter import Parameter
from fastnn.nn.state import IncompatibleKeys, load_into

if TYPE_CHECKING:
    from fastnn._core import Array


class Module:
    """A piece of a network. A layer of your own is a subclass with `forward` and `backward`.

    In training mode `forward` keeps what `backward` will need, and `backward` uses it up, so one forward
    serves one backward; in evaluation mode nothing is kept. What is kept may be the input or the output
    itself, not a copy: do not write into either before the backward has run.

    Attributes
    ----------
    training : bool
        True at first; `train()` and `eval()` set it.
    parameter_free : bool
        A class that says True in its own body promises that its instances hold no parameters, so
        `Sequential` may leave out its backward where nobody needs the gradient by the input. It is not
        inherited, as a subclass may have parameters; a class that does not say it costs time, nothing else.

    Examples
    --------
    A layer with one trained factor:

    >>> import numpy as np
    >>> from fastnn import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         self.factor = nn.Parameter(np.full(1, 3.0))
    ...     def forward(self, x):
    ...         self.x = x
    ...         return x * self.factor.data
    ...     def backward(self, grad_output):
    ...         self.factor.add_grad(np.array([(grad_output * self.x).sum()]))
    ...         return grad_output * self.factor.data
    >>> layer = Scale()
    >>> layer(np.array([1.0, 2.0]))
    array([3., 6.])
    >>> layer.backward(np.array([1.0, 1.0]))
    array([3., 3.])
    >>> layer.factor.grad
    array([3.])
    """

    training: bool = True
    parameter_free: bool = False
    _buffer_names: tuple[str, ...] = ()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The value of the layer; each layer has its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, *args: Any, **kwargs: Any) -> Any:
        """The gradient by the input, from the gradient by the output; adds to the gradients of parameters.

        Raises
        ------
        RuntimeError
            Where no forward in training mode went before.
        """
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def backward_parameters(self, grad_output: Any) -> None:
        """Do `backward` for the gradients of the parameters only: nobody needs the one by the input.

        A first layer saves a matrix product by it. `fit` calls it; here it is `backward`, and layers that
        can save something have their own.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn
        >>> layer = nn.Linear(2, 1, dtype=np.float64)
        >>> y = layer(np.array([[1.0, 2.0]]))
        >>> layer.backward_parameters(np.ones((1, 1)))
        >>> layer.weight.grad
        array([[1., 2.]])
        """
        self.backward(grad_output)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    # --- what the module holds ------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) for each module that is an attribute of this one."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def children(self) -> Iterator[Module]:
        """The modules that are attributes of this one."""
        for _, module in self.named_children():
            yield module

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """(name, module) for this module, named "", and all modules inside, named "body.0" and so on.

        Examples
        --------
        >>> from fastnn import nn
        >>> [name for name, _ in nn.Sequential(nn.ReLU(), nn.Sequential(nn.ReLU())).named_modules()]
        ['', '0', '1', '1.0']
        """
        seen: set[int] = set()
        for name, module in self._walk(prefix):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def modules(self) -> Iterator[Module]:
        """The module itself and all modules inside."""
        for _, module in self.named_modules():
            yield module

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) for all parameters inside; one that is shared comes once.

        Examples
        --------
        >>> from fastnn import nn
        >>> [name for name, _ in nn.Sequential(nn.Linear(3, 2), nn.ReLU()).named_parameters()]
        ['0.weight', '0.bias']
        """
        seen: set[int] = set()
        for prefix, module in self._walk(""):
            for name, parameter in module._own_parameters():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield _join(prefix, name), parameter

    def parameters(self) -> Iterator[Parameter]:
        """All parameters inside, as an optimizer takes them."""
        for _, parameter in self.named_parameters():
            yield parameter

    def register_buffer(self, name: str, array: Array | None) -> None:
        """Make `array` an attribute that is not trained, but saved and loaded: running statistics.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn import nn
        >>> layer = nn.ReLU()
        >>> layer.register_buffer("calls", np.zeros((), np.int64))
        >>> layer.state_dict()
        {'calls': array(0)}
        """
        if not isinstance(name, str) or not name.isidentifier() or hasattr(self, name):
            raise ValueError(f"[register_buffer] expected a new attribute's name, got {name!r}")
        if array is not None and not is_array(array):
            raise TypeError(
                f"[register_buffer] expected {name} to be a numpy.ndarray, got {type(array).__name__}"
            )
        self._buffer_names = (*self._buffer_names, name)
        setattr(self, name, array)

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """(name, array) for all buffers inside."""
        for prefix, module in self.named_modules():
            for name, array in module._own_buffers():
                yield _join(prefix, name), array

    def buffers(self) -> Iterator[Array]:
        """All buffers inside."""
        for _, array in self.named_buffers():
            yield array

    def to(self, device: str) -> Self:
        """Move all parameters, with their gradients, and all floating buffers to `device`; return the module.

        The state of an optimizer follows at its next step. Counts, as of the batches that batch norm has
        seen, stay on the host.

        Parameters
        ----------
        device : str
            "cpu", "cuda" or "cuda:1": NumPy's or CuPy's arrays.

        Raises
        ------
        ValueError
            For another device.
        RuntimeError
            Where there is no GPU, naming the reason.

        Examples
        --------
        >>> from fastnn import nn
        >>> type(nn.Linear(3, 2).to("cpu").weight.data).__name__
        'ndarray'
        """
        device_number(device)
        for parameter in self.parameters():
            parameter.to(device)
        for module in self.modules():
            for name, array in module._own_buffers():
                if array.dtype.kind == "f":
                    setattr(module, name, to_device(array, device))
        return self

    # --- modes and gradients --------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Training mode (or, with False, evaluation mode) for this module and all inside; returns it.

        Examples
        --------
        >>> from fastnn import nn
        >>> nn.Sequential(nn.Dropout()).eval()[0].training
        False
        """
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """Evaluation mode: dropout does nothing, and nothing is kept for a backward."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters inside."""
        for parameter in self.parameters():
            parameter.zero_grad()

    # --- saving and loading ---------------------------------------------------------------------

    def state_dict(self) -> dict[str, Array]:
        """Parameters and buffers by name, in torch's names, shapes and order.

        The arrays are those in use, not copies: training goes on changing them.

        Examples
        --------
        >>> from fastnn import nn
        >>> {name: array.shape for name, array in nn.Sequential(nn.Linear(3, 2)).state_dict().items()}
        {'0.weight': (2, 3), '0.bias': (2,)}
        """
        state: dict[str, Array] = {}
        for prefix, module in self._walk(""):
            for name, parameter in module._own_parameters():
                state[_join(prefix, name)] = parameter.data
            for name, array in module._own_buffers():
                state[_join(prefix, name)] = array
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy arrays into the parameters and buffers of the same names.

        Everything is checked before anything is written. Values may be of another floating dtype, or
        anything that `numpy.asarray` takes.

        Parameters
        ----------
        state_dict : dict of str to array
        strict : bool
            False lets names be missing on either side; shapes have to fit all the same.

        Returns
        -------
        missing_keys, unexpected_keys
            A pair of lists, empty where `strict`.

        Raises
        ------
        ValueError
            Naming all missing and unexpected keys, and all shapes and dtypes that do not fit.

        Examples
        --------
        >>> from fastnn import nn
        >>> model, copy = nn.Linear(3, 2), nn.Linear(3, 2)
        >>> copy.load_state_dict(model.state_dict())
        IncompatibleKeys(missing_keys=[], unexpected_keys=[])
        >>> bool((copy.weight.data == model.weight.data).all())
        True
        """
        return load_into(type(self).__name__, self.state_dict(), state_dict, strict)

    # --- text -----------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the parentheses of the repr; layers have their own."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {_indent(repr(module))}" for name, module in self.named_children()]
        extra = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({extra})"
        body = "\n  ".join([extra, *lines] if extra else lines)
        return f"{type(self).__name__}(\n  {body}\n)"

    # --- for subclasses -------------------------------------------------------------------------

    def _no_forward(self) -> NoReturn:
        name = type(self).__name__
        raise RuntimeError(
            f"[{name}.backward] expected a forward in training mode before each backward: call the layer "
            "first, after train() if eval() was called"
        )

    def _own_parameters(self) -> Iterator[tuple[str, Parameter]]:
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield name, value

    def _own_buffers(self) -> Iterator[tuple[str, Array]]:
        for name in self._buffer_names:
            array = getattr(self, name)
            if array is not None:
                yield name, array

    def _walk(self, prefix: str) -> Iterator[tuple[str, Module]]:
        """All modules with their names, one that is shared under each of its names."""
        yield prefix, self
        for name, module in self.named_children():
            yield from module._walk(_join(prefix, name))


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")
