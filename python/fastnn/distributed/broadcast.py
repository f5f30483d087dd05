"""What all ranks begin with: the values of rank 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn import random
from fastnn.distributed.group import Group, as_group

if TYPE_CHECKING:
    from fastnn.nn import Module


def broadcast_parameters(model: Module, group: Group) -> None:
    """Give every rank the parameters and buffers of rank 0, in place.

    Parameters
    ----------
    model : Module
        Built alike on all ranks.
    group : Group

    Raises
    ------
    TypeError
        For anything else.
    RankLostError
        Where another rank is lost.

    Examples
    --------
    >>> from fastnn import distributed, nn
    >>> model = nn.Linear(3, 2)
    >>> distributed.broadcast_parameters(model, distributed.init())
    """
    as_group("broadcast_parameters", group)
    for array in _arrays(model).values():
        group.broadcast(array)


def broadcast_buffers(model: Module, group: Group) -> None:
    """Give every rank the buffers of rank 0: running statistics, which differ where batches do.

    Parameters and errors as for `broadcast_parameters`; `fit` does it after each epoch.

    Examples
    --------
    >>> from fastnn import distributed, nn
    >>> distributed.broadcast_buffers(nn.BatchNorm1d(3), distributed.init())
    """
    if as_group("broadcast_buffers", group).size > 1:  # alone, `fit` need not look for them
        for array in model.buffers():
            group.broadcast(array)


def broadcast_random_state(group: Group) -> None:
    """Give every rank the state of `fastnn.random` of rank 0, with dropout masks of its own.

    Initial weights drawn afterwards are the same everywhere; the seed of the masks is rank 0's plus the rank.

    Parameters
    ----------
    group : Group

    Raises
    ------
    TypeError
        For anything else.
    RankLostError
        Where another rank is lost.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.manual_seed(7)
    >>> fastnn.distributed.broadcast_random_state(fastnn.distributed.init())
    >>> fastnn.random.next_key()
    (7, 0)
    """
    as_group("broadcast_random_state", group)
    if group.size > 1:
        state = group.broadcast_object(random.get_state())
        random.set_state({**state, "seed": (state["seed"] + group.rank) % 2**64})


def _arrays(model: Module) -> dict[str, Any]:
    """Parameters and buffers by name; an array that has two names comes once."""
    return dict({id(array): (name, array) for name, array in model.state_dict().items()}.values())
