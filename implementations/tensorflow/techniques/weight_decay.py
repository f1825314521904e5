"""Weight decay in TensorFlow: the gradient of a penalty on the size of the parameters.

    E + (w/2) sum p^2        dE/dp + w p

Krogh and Hertz (1992), "A simple weight decay can improve generalization". It is added to the
gradient before the update rule, so that it passes through a momentum: as keras.regularizers.L2(w/2)
in the loss, and unlike the weight_decay of Keras's optimizers, which shrinks the weights beside it.
Every parameter that the update moves decays: biases, and batch norm's scale and shift, too.
"""

from collections.abc import Mapping

import tensorflow as tf


def decayed(
    gradients: Mapping[str, tf.Tensor], parameters: Mapping[str, tf.Variable], decay: float
) -> dict[str, tf.Tensor]:
    """g <- g + w p, name by name; neither is changed."""
    return {name: g + decay * parameters[name] for name, g in gradients.items()}
