"""What a short step from a code changes in what is decoded."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from .images import inside
from .inputs import array, at_least, factor_of


def flips(
    decode_class: Callable[[Tensor], Tensor],
    codes: Tensor,
    step: float = 0.1,
    seed: int = 0,
) -> float:
    """The share of codes (N, D) that decode to another class after a short
    step.

    `decode_class` gives the class of what latent points decode to, (N, D) ->
    (N,). Every code takes one step in a random direction, `step` standard
    deviations of the codes long: all directions are alike after the linear map
    that gives the codes the identity as covariance. The step does not grow with
    D; the diameter of the cloud does, as sqrt(D). For a VAE pass sampled z: mu
    hardly varies in dimensions that it does not use.
    """
    after = stepped(codes, step, seed)
    classes = [decode_class(z) for z in (codes, after)]
    for found in classes:
        if found.shape != (len(codes),) or found.is_floating_point():
            raise ValueError(
                f"Expected one class for each of {len(codes)} codes, got "
                f"{found.dtype} of shape {tuple(found.shape)}; decode_class is "
                "to return integers."
            )
    return (classes[0] != classes[1]).float().mean().item()


def image_change(
    decode: Callable[[Tensor], Tensor],
    codes: Tensor,
    step: float = 0.1,
    seed: int = 0,
    frame: int = 0,
) -> float:
    """How fast the image changes along the steps of `flips`, in grey values per
    code-std.

    The root mean square, over codes (N, D) and over the pixels inside `frame`,
    of the change of `decode` (N, D) -> (N, *shape), divided by `step`: for a
    short step the directional derivative of the decoder.
    """
    after = stepped(codes, step, seed)
    images = [decode(z) for z in (codes, after)]
    for found in images:
        if not isinstance(found, Tensor) or found.shape[:1] != (len(codes),):
            raise ValueError(
                f"Expected decode to return {len(codes)} images, got "
                f"{getattr(found, 'shape', type(found).__name__)}."
            )
    change = inside(images[1], frame) - inside(images[0], frame)
    return change.square().mean().sqrt().item() / step


def stepped(codes: Tensor, step: float, seed: int) -> Tensor:
    """Each code (N, D) after `step` standard deviations of the codes in a
    random direction.
    """
    values = array(codes)
    if not step > 0:
        raise ValueError(f"Expected a step above 0, got {step}.")
    at_least(values.shape[1] + 1, values)
    # NumPy's generator, so that no seed gives the numbers that codes may have
    # been drawn from.
    direction = np.random.default_rng(seed).standard_normal(codes.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    change = torch.from_numpy(step * direction @ factor_of(values).T)
    return codes + change.to(codes.device, codes.dtype)
