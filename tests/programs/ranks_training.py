"""A training run in a group, as the first argument names it; rank 0 writes every step's weights to a file.

    mpiexec -n 2 python -m tests.programs.ranks_training CASE BATCH_SIZE_OF_A_RANK FILE [CHECKPOINT EPOCHS]

With a checkpoint, the run goes on from the file, if it is there, and ends after so many epochs.
"""

import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import fastnn
from fastnn import distributed, nn, optim, train
from fastnn.distributed import Group, SyncBatchNorm


def mlp(dtype: Any) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 16, dtype=dtype), nn.Tanh(), nn.Linear(16, 3, dtype=dtype))


def cnn(dtype: Any) -> nn.Sequential:
    """No shift ahead of batch norm: its gradient is but rounding errors, which Adam makes into steps."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False, dtype=dtype),
        nn.BatchNorm2d(4, dtype=dtype),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Residual(nn.Conv2d(4, 4, 3, padding=1, bias=False, dtype=dtype), nn.BatchNorm2d(4, dtype=dtype)),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(36, 8, bias=False, dtype=dtype),
        nn.BatchNorm1d(8, momentum=None, affine=False, dtype=dtype),
        nn.Tanh(),
        nn.Linear(8, 3, dtype=dtype),
    )


def plain(model: nn.Module, group: Group) -> nn.Module:
    return model


def with_dropout(model: nn.Module, group: Group) -> nn.Module:
    return nn.Sequential(*model.children(), nn.Dropout(0.3))


class Case(NamedTuple):
    """Where statistics are shared, the last batch of 32 holds 3 samples: of 4 ranks, one has none."""

    build: Callable[[Any], nn.Sequential]
    dtype: Any
    change: Callable[[nn.Module, Group], nn.Module]
    samples: int
    options: dict[str, Any]


synchronised = SyncBatchNorm.convert_sync_batchnorm
CASES = {
    "mlp float64": Case(mlp, np.float64, plain, 131, {"l2": 1e-3, "metrics": ["accuracy"]}),
    "mlp float32": Case(mlp, np.float32, plain, 131, {"clip_grad_norm": 0.1, "class_weight": "balanced"}),
    "cnn float64": Case(cnn, np.float64, synchronised, 164, {"validation": 0.2}),
    "cnn float32": Case(cnn, np.float32, synchronised, 164, {"validation": 0.2}),
    "local statistics": Case(
        cnn, np.float32, with_dropout, 131, {"validation": 0.2, "metrics": ["accuracy"]}
    ),
}


def trained(
    group: Group, case: str, batch_size: int, checkpoint: str = "", epochs: int = 3
) -> dict[str, Any]:
    """All weights after each step as rows, the history, and the weights at the end."""
    build, dtype, change, samples, options = CASES[case]
    fastnn.manual_seed(group.rank)  # fit has to give all ranks what rank 0 has
    model = change(build(dtype), group)
    shape = (6,) if build is mlp else (1, 6, 6)
    rng = np.random.default_rng(0)
    data = rng.standard_normal((samples, *shape)), rng.integers(0, 3, samples)
    optimizer = distributed.optimizer(optim.Adam(model.parameters(), lr=1e-2), group, bucket_bytes=600)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    steps: list[Any] = []

    def note(state: train.FitState) -> None:
        steps.append(np.concatenate([p.data.ravel() for p in state.model.parameters()]))

    callbacks: list[Any] = [train.LambdaCallback(on_batch_end=note)]
    callbacks += [train.EarlyStopping("val_loss")] if "validation" in options else []
    resume = None
    if checkpoint:
        callbacks += [train.ModelCheckpoint(checkpoint), train.CSVLogger(f"{checkpoint}.csv")]
        resume = checkpoint if os.path.exists(checkpoint) else None
        group.barrier()  # or a fast rank 0 saves before another has looked
    history = train.fit(
        model,
        nn.CrossEntropyLoss(reduction="sum" if case == "mlp float64" else "mean"),
        optimizer,
        data,
        epochs=epochs,
        batch_size=batch_size,
        scheduler=scheduler,
        callbacks=callbacks,
        resume=resume,
        **options,
    )
    figures = {f"history {name}": np.array(values) for name, values in history.items()}
    weights = {f"weights {name}": array for name, array in model.state_dict().items()}
    return {"steps": np.stack(steps), **figures, **weights}


def main(case: str, batch_size: str, path: str, checkpoint: str = "", epochs: str = "3") -> None:
    """Every rank has to hold the same bits in the end."""
    group = distributed.init()
    found = trained(group, case, int(batch_size), checkpoint, int(epochs))
    for name, array in found.items():
        rows = group.all_gather(array)
        assert rows.tobytes() == np.broadcast_to(rows[0], rows.shape).tobytes(), name
    if group.rank == 0:
        np.savez(path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
