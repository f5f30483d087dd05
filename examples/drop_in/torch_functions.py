"""Operations of fastnn as nodes of PyTorch's tape: `torch.autograd.Function` around `op` and `op_backward`.

    python examples/drop_in/torch_functions.py

Tensors on the CPU are read where they lie; `detach` takes them off the tape for the time of a call.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

import fastnn.functional as F


class Conv2d(torch.autograd.Function):
    """A convolution: what its backward needs are its inputs, so the tape keeps them."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, padding: int) -> Any:
        """Planes (N, C, H, W) with filters (O, C, kH, kW)."""
        ctx.save_for_backward(x, weight)
        ctx.padding = padding
        return torch.from_numpy(F.conv2d(x.detach(), weight.detach(), bias.detach(), padding=padding))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Any) -> Any:
        """Only the gradients that the tape asks for are computed."""
        x, weight = (saved.detach() for saved in ctx.saved_tensors)
        needs = ctx.needs_input_grad[:3]
        grads = F.conv2d_backward(grad_y, x, weight, padding=ctx.padding, needs=needs)
        return (*(None if grad is None else torch.from_numpy(grad) for grad in grads), None)


class MaxPool2d(torch.autograd.Function):
    """A pooling: its backward needs the places of the maxima, which the forward returns as well."""

    @staticmethod
    def forward(ctx: Any, x: Any, kernel_size: int) -> Any:
        """The maximum of each window of planes (N, C, H, W)."""
        y, ctx.indices = F.max_pool2d(x.detach(), kernel_size, return_indices=True)
        ctx.shape, ctx.kernel_size = x.shape, kernel_size
        return torch.from_numpy(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Any) -> Any:
        """The gradient by x, and none by the size of the window."""
        return torch.from_numpy(F.max_pool2d_backward(grad_y, ctx.indices, ctx.shape, ctx.kernel_size)), None


class ConvNet(torch.nn.Module):
    """Two convolutions of fastnn in a model of PyTorch, whose parameters and optimizers stay its own."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(1, channels, 3, padding=1)
        self.second = torch.nn.Conv2d(channels, channels, 3, padding=1)
        self.last = torch.nn.Linear(channels * 16, 10)

    def forward(self, x: Any) -> Any:
        """The logits of planes (N, 1, 8, 8)."""
        for layer in (self.first, self.second):
            x = torch.relu(Conv2d.apply(x, layer.weight, layer.bias, 1))
        return self.last(MaxPool2d.apply(x, 2).flatten(1))


def main() -> int:
    """Fit random planes, to see that the gradients arrive."""
    torch.manual_seed(0)
    model = ConvNet()
    x, labels = torch.randn(32, 1, 8, 8), torch.randint(10, (32,))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(51):
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            print(f"step {step:>3}  loss {loss.item():.4f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
