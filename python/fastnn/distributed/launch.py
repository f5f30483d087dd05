"""From the way in which the program was started to its group."""

from __future__ import annotations

import os
import sys
from typing import Any

from fastnn._checks import as_float
from fastnn.backend import reason_unavailable
from fastnn.distributed.group import Group
from fastnn.runtime import get_num_threads, set_num_threads

BACKENDS = ("any", "mpi", "nccl")
# Where launchers tell how many they have started: MPICH and Intel MPI, Open MPI, MVAPICH.
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")

_group: Group | None = None


def init(backend: str = "any", timeout: float = 6.0) -> Group:
    """The group of all processes that `mpiexec` has started with this one; one alone without it.

    Parameters
    ----------
    backend : "any", "mpi" or "nccl"
        "any" is a process alone where it was started alone, and needs mpi4py only where it was not; arrays on
        a GPU go through NCCL. "mpi" always asks for mpi4py, "nccl" also for CuPy and a GPU.
    timeout : float
        Seconds without a heartbeat after which a rank counts as lost; at least 1.

    Returns
    -------
    Group
        Always the same one, however often it is called.

    Raises
    ------
    ImportError
        Without mpi4py, or an MPI for it.
    RuntimeError
        For "nccl" without CuPy or a GPU, naming what is missing; where MPI does not serve several threads.
    ValueError
        For another backend, or a timeout below 1.

    Notes
    -----
    In a group of several, the ranks on a machine share its cores evenly, unless FASTNN_NUM_THREADS says how
    many threads each of them takes or the launcher has bound them to cores of their own. An exception that
    nobody catches is shown once, by the rank that raised it, and ends all ranks; `sys.excepthook` is replaced
    for it. Where a rank dies or stops, all others raise `RankLostError` when they next wait for it.

    Examples
    --------
    >>> from fastnn import distributed
    >>> group = distributed.init()
    >>> group.rank, group.size
    (0, 1)
    """
    global _group
    if backend not in BACKENDS:
        raise ValueError(f"[init] expected backend to be one of {', '.join(BACKENDS)}, got {backend!r}")
    if not 1.0 <= as_float("init", "timeout", timeout) < float("inf"):
        raise ValueError(f"[init] expected timeout to be finite and >= 1, got {timeout}")
    if backend == "nccl" and (reason := reason_unavailable()):
        raise RuntimeError(f"[init] expected a GPU for backend 'nccl': {reason}")
    if _group is None:
        _group = _connect(timeout) if backend != "any" or _launched() else Group()
    return _group


def _launched() -> bool:
    several = any(os.environ.get(name, "1") not in ("", "0", "1") for name in SIZES)
    return several or "PMIX_RANK" in os.environ or "mpi4py.MPI" in sys.modules


def _connect(timeout: float) -> Group:
    world = _world()
    group = Group()
    if world.size == 1:
        return group
    from fastnn.distributed.ending import install
    from fastnn.distributed.guard import Guard
    from fastnn.distributed.mpi import MPIEngine

    guard = Guard(world.Dup(), timeout)
    group.rank, group.size = world.rank, world.size
    group._engine = engine = MPIEngine(world.Dup(), guard)
    install(world, guard)
    _share_machine(group)
    _share_memory(group, engine)
    return group


def _share_memory(group: Group, engine: Any) -> None:
    """From here on sums go through memory, where all ranks are on one machine and see a file of rank 0."""
    from fastnn.distributed.shared import SharedMemory

    if group.local_size == group.size:  # of one rank, so of all
        shared = SharedMemory(group)
        engine.shared = shared if shared.works() else None


def _world() -> Any:
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError("[init] needs mpi4py: pip install '.[mpi]' in the source tree") from error
    except RuntimeError as error:  # mpi4py is there, and no MPI that it could load
        raise ImportError("[init] needs an MPI for mpi4py: pip install mpich") from error
    if MPI.Query_thread() < MPI.THREAD_MULTIPLE:
        raise RuntimeError("[init] expected MPI with MPI_THREAD_MULTIPLE, for the heartbeat of each rank")
    return MPI.COMM_WORLD


def _share_machine(group: Group) -> None:
    """Number the ranks on this machine, and divide its cores among those that may use the same ones."""
    from mpi4py import MPI

    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    ranks = group.all_gather_object([MPI.Get_processor_name(), cores])
    here = [other for other in ranks if other[0] == MPI.Get_processor_name()]
    before = [other for other in ranks[: group.rank] if other[0] == MPI.Get_processor_name()]
    group.local_rank, group.local_size = len(before), len(here)
    if "FASTNN_NUM_THREADS" not in os.environ:
        rivals = sum(other[1] == cores for other in here)
        set_num_threads(max(1, get_num_threads() // rivals))
