"""The native variant in NumPy: what is faster than what is written out, and computes the same.

PRIMITIVES are exchanged by the adapter for the written-out ones of the same names, where equations,
shapes and words stand; what they leave, they hand on to those. What makes them faster:

* A batch goes through a layer in blocks of images that stay in the cache, into arrays of the
  workspace or into the gradient that came.
* A vector of channels is repeated along the rows of an image: inner loops run over a whole row and
  not over a few channels. The few classes of a pixel, and the one channel of a gray image, are
  outer loops for the same reason.
* Less is copied and multiplied: many channels are convolved by minimal filtering, few without a
  matrix of patches, the patches of a gradient serve two products, and pooling comes before the ReLU
  that is written before it.
* Entries are chosen by a product with 0 or 1: no processor guesses the next entry of a mask.
"""

from implementations.exchange import Primitives
from implementations.numpy import layers as written_out
from implementations.numpy import segmentation as written_out_segmentation
from implementations.numpy.native import (
    activations,
    batch_norm,
    convolution,
    layers,
    optimizers,
    segmentation,
)
from implementations.numpy.techniques import activations as written_out_activations
from implementations.numpy.techniques import batch_norm as written_out_norm
from implementations.numpy.techniques import optimizers as written_out_optimizers

PRIMITIVES: Primitives = {
    written_out.convolution: convolution.convolution,
    written_out.max_pool: layers.max_pool,
    written_out_activations.relu: activations.relu,
    written_out_norm.batch_norm: batch_norm.batch_norm,
    written_out_segmentation.max_pool_indices: segmentation.max_pool_indices,
    written_out_segmentation.unpool: segmentation.unpool,
    written_out_segmentation.pixel_cross_entropy: segmentation.pixel_cross_entropy,
    written_out_optimizers.adam: optimizers.adam,
}
