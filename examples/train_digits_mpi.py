"""Train the classifier of `train_digits.py` on several processes, which share every batch.

    mpiexec -n 2 python examples/train_digits_mpi.py     # pip install '.[demo,mpi]' brings mpiexec
    python examples/train_digits_mpi.py                  # the same script on one

What it takes: a group, an optimizer and a loader that know it, and a rank 0 that prints. A batch of 32 is cut
into parts of 32 / P, so that any number of processes trains with the same batches.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from digits import costs, draw, draw_misread, load_parts, results, shifted
from train_digits import inputs, make_model, make_scaler, parse

import fastnn
from fastnn import distributed, nn, optim, train
from fastnn.data import ArrayLoader


def main(argv: Sequence[str] | None = None) -> int:
    """Train on all ranks; print and draw on rank 0."""
    options = parse(argv)
    group = distributed.init()
    if options.threads is not None:
        fastnn.set_num_threads(options.threads)
    fastnn.manual_seed(options.seed)
    parts = load_parts(options.seed)
    scaler = make_scaler(parts["training"].scans)
    batches = ArrayLoader(
        parts["training"].scans,
        parts["training"].labels,
        max(options.batch_size // group.size, 1),
        shuffle=True,
        seed=options.seed,
        transform=lambda scans, labels, rng: (inputs(scaler, shifted(scans, rng)), labels),
        shard=group,
    )
    model = make_model(options.hidden)
    optimizer = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    began = time.perf_counter()
    history = train.fit(
        model,
        nn.CrossEntropyLoss(label_smoothing=0.1),
        distributed.optimizer(optimizer, group),
        batches,
        validation=(inputs(scaler, parts["validation"].scans), parts["validation"].labels),
        epochs=options.epochs,
        metrics=["accuracy"],
    )
    seconds = time.perf_counter() - began
    if group.rank == 0:
        logits = {name: train.predict(model, inputs(scaler, part.scans)) for name, part in parts.items()}
        print(results(parts, logits))
        print()
        print(costs(model, history, len(batches), seconds))
        print(f"{'ranks':<11}{group.size}, {batches.batch_size} samples of a batch each")
        draw(history, options.out, {"misread_digits.png": draw_misread(parts["test"], logits["test"])})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
