"""A small, complete toolbox for autoencoders and variational autoencoders on
Fashion-MNIST.

The modules follow the flow of the data, and each imports only from those on its
left::

    data -> models -> losses -> train -> sample -> measure -> evidence -> zoo -> plots -> widgets

One unit is used throughout: nats per image, summed over pixels and latent
dimensions and averaged over images.
"""

__version__ = "0.1.0"
