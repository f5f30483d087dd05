"""Operations on arrays, each with its backward: `relu` and `relu_backward`, and so on.

Arrays are `numpy.ndarray` of float32 or float64, one dtype in a call, with any strides; results are new
arrays of that dtype, or `out`. Names, order and defaults of arguments are those of `torch.nn.functional`;
only `dim` is called `axis`.
"""

from fastnn.functional.activation import relu, relu_backward
from fastnn.functional.batch_norm import batch_norm, batch_norm_backward, batch_norm_with_stats
from fastnn.functional.cross_entropy import cross_entropy, cross_entropy_with_grad
from fastnn.functional.dropout import dropout, dropout_backward
from fastnn.functional.layer_norm import layer_norm, layer_norm_backward, layer_norm_with_stats
from fastnn.functional.linear import linear, linear_backward
from fastnn.functional.softmax import log_softmax, log_softmax_backward, softmax, softmax_backward

__all__ = [
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_with_stats",
    "cross_entropy",
    "cross_entropy_with_grad",
    "dropout",
    "dropout_backward",
    "layer_norm",
    "layer_norm_backward",
    "layer_norm_with_stats",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "relu",
    "relu_backward",
    "softmax",
    "softmax_backward",
]
