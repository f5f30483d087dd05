"""Prints the instruction set in use, and what a sum that shows fused multiply-adds gives.

With a = 1 + 2^-12 the product a a = 1 + 2^-11 + 2^-24 is no float32: rounded first, a a - (1 + 2^-11) is 0;
in one fused operation it is 2^-24.
"""

import numpy as np

import fastnn
import fastnn.functional as F

a = np.float32(1 + 2.0**-12)
x = np.tile(np.array([-(1 + 2.0**-11), a], np.float32), (64, 1))
weight = np.tile(np.array([1, a], np.float32), (64, 1))
values = sorted({float(v) for v in np.unique(F.linear(x, weight))})
print(fastnn.isa(), *(value.hex() for value in values))
