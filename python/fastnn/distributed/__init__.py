"""Data-parallel training: several processes, each with its part of every batch, keep one model.

On the host they talk through MPI (mpi4py), on GPUs through NCCL (CuPy). Started alone, a program gets a group
of one, needs neither, and gives the bits that it gave without this package.
"""

from fastnn.distributed.averaging import DistributedOptimizer, optimizer
from fastnn.distributed.broadcast import broadcast_buffers, broadcast_parameters, broadcast_random_state
from fastnn.distributed.group import Group
from fastnn.distributed.guard import RankLostError
from fastnn.distributed.launch import init
from fastnn.distributed.sync_batch_norm import SyncBatchNorm

__all__ = [
    "DistributedOptimizer",
    "Group",
    "RankLostError",
    "SyncBatchNorm",
    "broadcast_buffers",
    "broadcast_parameters",
    "broadcast_random_state",
    "init",
    "optimizer",
]
