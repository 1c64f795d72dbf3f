"""The networks every backend builds, and the images each can take.

All four are the tutorial's. Layers in order (canonical parameter prefix in brackets):

* ``fcnet``: flatten, linear to ``hidden`` [fc1], ReLU, linear to classes [fc2].
* ``convnet``: conv 6@5x5 [conv1], ReLU, max pool 2, conv 16@5x5 [conv2], ReLU, max pool 2,
  linear 120 [fc1], ReLU, linear 84 [fc2], ReLU, linear to classes [fc3].
* ``lenet5``: conv 6@5x5 padded by 2 [conv1], sigmoid, average pool 2, conv 16@5x5 [conv2],
  sigmoid, average pool 2, conv 120@5x5 [conv3], linear 84 [fc1], linear to classes [fc2].
* ``resnet18``: conv 32@3x3, stride 3, padded by 1, no bias [conv1, bn1], ReLU, four residual
  blocks of 64, 128, 256 and 256 channels [block1 .. block4], global average pool, linear to
  classes [fc]. A block: conv 3x3 [conv1, bn1], ReLU, conv 3x3 [conv2, bn2], plus its input,
  ReLU; where the channels change the first convolution has stride 2 and the input passes a 1x1
  convolution of stride 2 [shortcut_conv, shortcut_bn]. Convolutions have no bias. Batch
  normalisation: epsilon 1e-5, running statistics moved by .1, running variance unbiased.
"""

from __future__ import annotations

NETWORKS = ("fcnet", "convnet", "lenet5", "resnet18")

SMALLEST_IMAGE = {"fcnet": 1, "convnet": 16, "lenet5": 28, "resnet18": 8}
"""The smallest side, in pixels, of an image that leaves every layer something to look at."""


def smallest_image(network: str) -> int:
    """The side images are enlarged to where they are smaller; a user's own network takes any."""
    return SMALLEST_IMAGE.get(network, 1)


def is_factory(network: str) -> bool:
    """Whether ``network`` names a user's own ``package.module:factory``."""
    module, _, factory = network.partition(":")
    return bool(factory) and all(part.isidentifier() for part in [*module.split("."), factory])
