"""Makes the calls one after another and counts how they end."""

import resource
import signal
import sys
import warnings
from pathlib import Path
from random import Random

import numpy as np

import fastnn
from tests.fuzz import objects, recorded
from tests.fuzz.call import Call
from tests.fuzz.mutate import mutated

REFUSALS = (TypeError, ValueError, IndexError)
READY = "ready"
GOOD = ("accepted", "refused", "too large")
# No call may take more memory than this, and none may run longer.
MEMORY, SECONDS = 2**30, 60


class Calls:
    """Right calls of everything, and the wrong ones made of them, by number."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.by_name = {
            **recorded.function_calls(),
            **objects.layer_calls(),
            **objects.optimizer_calls(),
        }
        self.names = sorted(self.by_name)

    def __getitem__(self, number: int) -> Call:
        rng = Random(f"{self.seed}/{number}")
        return mutated(rng, rng.choice(self.by_name[rng.choice(self.names)]))


def limit_memory() -> None:
    """AddressSanitizer maps far more than it uses, and has a limit of its own."""
    if "asan" in Path("/proc/self/maps").read_text():
        return
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))


def read(result: object) -> None:
    """Every byte of what came back."""
    if isinstance(result, np.ndarray):
        result.tobytes()
    elif isinstance(result, (tuple, list)):
        for item in result:
            read(item)


def outcome(call: Call) -> str:
    """One of GOOD, or what should not have happened."""
    huge = call.is_huge()
    try:
        read(call.run(call.groups))
    except REFUSALS:
        return "refused"
    except MemoryError as error:
        return "too large" if huge else f"MemoryError of a small call: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        fastnn.set_num_threads(2)
    return "accepted"


def main() -> None:
    """Prints READY, then a line a call, written at once: where they end, the next call ended the process."""
    seed, first, count = map(int, sys.argv[1:])
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    calls = Calls(seed)
    fastnn.set_num_threads(2)
    limit_memory()
    print(READY, flush=True)
    for number in range(first, first + count):
        call = calls[number]
        signal.alarm(SECONDS)
        end = outcome(call)
        signal.alarm(0)
        print(end.replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
