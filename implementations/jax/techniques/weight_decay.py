"""Weight decay in JAX: the gradient of a penalty on the size of the parameters.

    E + (w/2) sum p^2        dE/dp + w p

Krogh and Hertz (1992), "A simple weight decay can improve generalization". It is added to the
gradient before the update rule, so that it passes through a momentum: as add_decayed_weights of
optax in front of sgd, and unlike adamw.
Every parameter that the update moves decays: biases, and batch norm's scale and shift, too.
"""

from collections.abc import Mapping

from jax import Array


def decayed(
    gradients: Mapping[str, Array], parameters: Mapping[str, Array], decay: float
) -> dict[str, Array]:
    """g <- g + w p, name by name; neither is changed."""
    return {name: g + decay * parameters[name] for name, g in gradients.items()}
