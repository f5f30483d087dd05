"""Random changes of batches, as `ArrayLoader(transform=)` takes them, with the names of torchvision.

Each is called as `transform(x, y, rng)` with images x of shape (N, ..., H, W), and draws its numbers, one set
for each image, from `rng` alone: the same seed gives the same batches, for any number of threads. Arguments
are not changed.
"""

from fastnn.data.transforms.affine import RandomAffine, RandomRotation
from fastnn.data.transforms.compose import Compose
from fastnn.data.transforms.crop import RandomCrop
from fastnn.data.transforms.erasing import Cutout, RandomErasing
from fastnn.data.transforms.flip import RandomHorizontalFlip, RandomVerticalFlip
from fastnn.data.transforms.mixup import MixUp
from fastnn.data.transforms.to_float import ToFloat

__all__ = [
    "Compose",
    "Cutout",
    "MixUp",
    "RandomAffine",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
    "ToFloat",
]
