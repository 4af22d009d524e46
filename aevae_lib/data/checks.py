"""What images and labels have to be: checked, padded, scaled."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def as_images(images: Tensor | np.ndarray) -> Tensor:
    """The images as a tensor, or a `TypeError` that says what is wanted."""
    if isinstance(images, np.ndarray):
        images = torch.as_tensor(images)
    if not isinstance(images, Tensor):
        given = type(images).__name__
        parts = {"Split": ".images", "DataSet": ".train.images"}
        hint = f" Take its {parts[given]}." if given in parts else ""
        raise TypeError(
            f"Expected images as a tensor or a NumPy array, got {given}.{hint}"
        )
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise TypeError(
            "Expected images in uint8 (0 to 255) or floating (taken as they "
            f"are), got {images.dtype}."
        )
    return images


def check_images(
    images: Tensor | np.ndarray, image_shape: Sequence[int] | None = None
) -> Tensor:
    """The images, if they are uint8 (N, channels, height, width) or floating
    (N, *shape), and of the image shape that is asked for; else `TypeError` or
    `ValueError`.
    """
    images = as_images(images)
    shape, least = tuple(images.shape), 2 if images.is_floating_point() else 4
    wanted = image_shape or ("channels", "height", "width")
    fits = shape[1:] == tuple(wanted) if image_shape else len(shape) >= least
    if not fits or not len(images):
        raise ValueError(
            f"Expected images of shape (N, {', '.join(map(str, wanted))}), N > "
            f"0, got {shape}. data.pad() turns (N, 28, 28) into (N, 1, 32, 32)."
        )
    return images


def check_labels(
    labels: Tensor | np.ndarray | Sequence[int],
    n: int,
    classes: int | Sequence[str] | None = None,
) -> Tensor:
    """n labels as int64, of any integer type before, each below the number of
    classes if that is given; else `TypeError` or `ValueError`.
    """
    if not isinstance(labels, Tensor):
        labels = torch.as_tensor(np.asarray(labels))
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise TypeError(f"Expected integers as labels, got {labels.dtype}.")
    if labels.shape != (n,):
        raise ValueError(
            f"Expected a label for each of {n:,} images, got labels of shape "
            f"{tuple(labels.shape)}."
        )
    labels = labels.long()
    count = len(classes) if isinstance(classes, Sequence) else classes
    if n and (labels.min() < 0 or (count and labels.max() >= count)):
        raise ValueError(
            f"Expected labels from 0{f' to {count - 1}' if count else ''}, got "
            f"{labels.min()} to {labels.max()}."
        )
    return labels


def numbered(labels: Tensor) -> tuple[str, ...]:
    """Names for classes that have none: "0", "1", up to the largest label."""
    return tuple(map(str, range(1 + max(labels.tolist(), default=-1))))


def pad(images: Tensor | np.ndarray, frame: int = 2) -> Tensor:
    """`frame` black pixels on every side: (N, height, width) or (N, channels,
    height, width) -> (N, channels, height + 2 frame, width + 2 frame).

    Raises `ValueError` for another shape, and for sides in multiples of 8, as
    the networks want them, that would not stay so: they are framed already.
    """
    images = as_images(images)
    shape = tuple(images.shape)
    framed = any(side % 8 == 0 and 2 * frame % 8 for side in shape[-2:])
    if len(shape) not in (3, 4) or framed or frame < 0:
        raise ValueError(
            "Expected images of shape (N, height, width) or (N, channels, "
            f"height, width), not framed yet, got shape {shape} for a frame of "
            f"{frame}."
        )
    return F.pad(images[:, None] if len(shape) == 3 else images, (frame,) * 4)


def to_float(images: Tensor) -> Tensor:
    """Values of 0..255 in [0, 1]; floating images as they are."""
    images = as_images(images)
    return images.float() / 255 if images.dtype == torch.uint8 else images
