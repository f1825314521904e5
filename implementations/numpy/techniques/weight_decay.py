"""Weight decay in NumPy: the gradient of a penalty on the size of the parameters.

    E + (w/2) sum p^2        dE/dp + w p

Krogh and Hertz (1992), "A simple weight decay can improve generalization". It is added to the
gradient before the update rule, as a penalty in the loss is, so that it passes through a momentum.
Every parameter that the update moves decays: biases, and batch norm's scale and shift, too.
"""

from collections.abc import Mapping

import numpy as np


def decayed(
    gradients: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray], decay: float
) -> dict[str, np.ndarray]:
    """g <- g + w p, name by name; neither is changed."""
    return {name: g + decay * parameters[name] for name, g in gradients.items()}
