"""Operations on arrays, each with its backward: `relu` and `relu_backward`, and so on.

Arrays are `numpy.ndarray` of float32 or float64, one dtype in a call, with any strides; results are new
arrays of that dtype, or `out`. Names, order and defaults of arguments are those of `torch.nn.functional`;
only `dim` is called `axis`.
"""

from fastnn.functional.activation import relu, relu_backward
from fastnn.functional.conv1d import conv1d, conv1d_backward
from fastnn.functional.conv2d import conv2d, conv2d_backward
from fastnn.functional.cross_entropy import cross_entropy, cross_entropy_with_grad
from fastnn.functional.dropout import dropout, dropout_backward
from fastnn.functional.im2col import col2im, im2col
from fastnn.functional.linear import linear, linear_backward
from fastnn.functional.pad import pad, pad_backward
from fastnn.functional.pool2d import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
    avg_pool2d,
    avg_pool2d_backward,
    global_avg_pool2d,
    global_max_pool2d,
    max_pool2d,
    max_pool2d_backward,
)
from fastnn.functional.softmax import log_softmax, log_softmax_backward, softmax, softmax_backward

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "col2im",
    "conv1d",
    "conv1d_backward",
    "conv2d",
    "conv2d_backward",
    "cross_entropy",
    "cross_entropy_with_grad",
    "dropout",
    "dropout_backward",
    "global_avg_pool2d",
    "global_max_pool2d",
    "im2col",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "pad",
    "pad_backward",
    "relu",
    "relu_backward",
    "softmax",
    "softmax_backward",
]
