"""Operations on arrays, each with its backward: `relu` and `relu_backward`, and so on.

Arrays are `numpy.ndarray` of float32 or float64, one dtype in a call, with any strides; results are new
arrays of that dtype, or `out`. Objects that export memory of the host by `__array_interface__` or DLPack are
taken where they lie. Names, order and defaults of arguments are those of `torch.nn.functional`; only `dim` is
called `axis`.
"""

from fastnn.functional.activation import (
    hardsigmoid,
    hardsigmoid_backward,
    hardtanh,
    hardtanh_backward,
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu6,
    relu6_backward,
    relu_backward,
)
from fastnn.functional.activation_smooth import (
    elu,
    elu_backward,
    gelu,
    gelu_backward,
    logsigmoid,
    logsigmoid_backward,
    sigmoid,
    sigmoid_backward,
    silu,
    silu_backward,
    softplus,
    softplus_backward,
    tanh,
    tanh_backward,
)
from fastnn.functional.batch_norm import batch_norm, batch_norm_backward, batch_norm_with_stats
from fastnn.functional.binary_loss import (
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_with_grad,
    hinge_loss,
    hinge_loss_with_grad,
)
from fastnn.functional.class_loss import (
    multi_margin_loss,
    multi_margin_loss_with_grad,
    nll_loss,
    nll_loss_with_grad,
)
from fastnn.functional.conv1d import conv1d, conv1d_backward
from fastnn.functional.conv2d import conv2d, conv2d_backward
from fastnn.functional.cross_entropy import cross_entropy, cross_entropy_with_grad
from fastnn.functional.dropout import dropout, dropout2d, dropout2d_backward, dropout_backward
from fastnn.functional.grid_sample import (
    affine_grid,
    affine_grid_backward,
    grid_sample,
    grid_sample_backward,
)
from fastnn.functional.im2col import col2im, im2col
from fastnn.functional.layer_norm import layer_norm, layer_norm_backward, layer_norm_with_stats
from fastnn.functional.linear import linear, linear_backward
from fastnn.functional.loss import (
    huber_loss,
    huber_loss_with_grad,
    l1_loss,
    l1_loss_with_grad,
    mse_loss,
    mse_loss_with_grad,
    smooth_l1_loss,
    smooth_l1_loss_with_grad,
)
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
    "affine_grid",
    "affine_grid_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_with_stats",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_with_grad",
    "col2im",
    "conv1d",
    "conv1d_backward",
    "conv2d",
    "conv2d_backward",
    "cross_entropy",
    "cross_entropy_with_grad",
    "dropout",
    "dropout2d",
    "dropout2d_backward",
    "dropout_backward",
    "elu",
    "elu_backward",
    "gelu",
    "gelu_backward",
    "global_avg_pool2d",
    "global_max_pool2d",
    "grid_sample",
    "grid_sample_backward",
    "hardsigmoid",
    "hardsigmoid_backward",
    "hardtanh",
    "hardtanh_backward",
    "hinge_loss",
    "hinge_loss_with_grad",
    "huber_loss",
    "huber_loss_with_grad",
    "im2col",
    "l1_loss",
    "l1_loss_with_grad",
    "layer_norm",
    "layer_norm_backward",
    "layer_norm_with_stats",
    "leaky_relu",
    "leaky_relu_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "logsigmoid",
    "logsigmoid_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "mse_loss",
    "mse_loss_with_grad",
    "multi_margin_loss",
    "multi_margin_loss_with_grad",
    "nll_loss",
    "nll_loss_with_grad",
    "pad",
    "pad_backward",
    "relu",
    "relu6",
    "relu6_backward",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "smooth_l1_loss",
    "smooth_l1_loss_with_grad",
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_backward",
    "tanh",
    "tanh_backward",
]
