"""Computes gradients in the workers of a multiprocessing pool: pool_workers.py fork|spawn|forkserver."""

import multiprocessing
import sys
import warnings

from tests.programs.work import gradients


def main() -> None:
    wanted = gradients(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context(sys.argv[1]).Pool(3) as pool:
            results = pool.map(gradients, [1, 2, 3] * 4, chunksize=1)
    print(results == [wanted] * 12)


if __name__ == "__main__":
    main()
