"""Pictures compared pixel by pixel."""

import torch
from torch import Tensor

from ..data import Split, check_images, to_float


def inside(images: Tensor, frame: int) -> Tensor:
    """The pixels inside a frame of padding: (N, *shape) -> (N, P)."""
    if frame:
        images = images[..., frame:-frame, frame:-frame]
    return images.flatten(1)


def nearest_images(
    images: Tensor, reference: Split, batch_size: int = 500
) -> tuple[Tensor, Tensor]:
    """For each image, the nearest reference image: its index, and its distance.

    (N, *shape) -> (N,), (N,). The distance is the root mean square over the
    pixels inside the reference's frame, so 0 is a copy and 1 the distance from
    black to white. The class of the nearest image is a classifier that needs no
    training.
    """
    known = inside(to_float(check_images(reference.images)), reference.frame)
    images = to_float(check_images(images, reference.image_shape))
    if not torch.isfinite(images).all():
        raise ValueError("Expected finite images; some are NaN or infinite.")
    known_square = known.square().sum(1)
    indices, distances = [], []
    for part in inside(images, reference.frame).split(batch_size):
        part = part.to(known)
        # |a - b|^2 less |a|^2, which is the same for every b.
        nearest = (known_square - 2 * part @ known.T).argmin(dim=1)
        indices.append(nearest)
        distances.append((part - known[nearest]).square().mean(1).sqrt())
    return torch.cat(indices).cpu(), torch.cat(distances).cpu()
