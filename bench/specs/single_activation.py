"""One activation alone: its value, and its derivative times a gradient, each to be asked by itself.

    forward    y = f(x)                         function "forward", output "value"
    backward   dE/dx = delta f'(x)              function "backward", output "gradient"
    E = sum_{bi} cotangent_{bi} f(x_{bi})       objective "energy"

backward takes x, the value f(x) and delta from the batch, as a framework's own backward does, and
computes nothing of the forward pass again.
"""

from bench import ranges
from bench.spec import Spec
from bench.specs.mlp import ACTIVATIONS


def spec(size: int = 64, activation: str = "relu") -> Spec:
    """Raises UserError for an unknown activation."""
    ranges.choice("activation", activation, ACTIVATIONS)
    return Spec(
        architecture="single_activation",
        parameters={},
        parameter_count=0,
        inputs=dict.fromkeys(("x", "value", "delta", "cotangent"), (size,)),
        functions=("forward", "backward"),
        objectives=("energy",),
        activations={"activation": (size,)},
        options={"activation": activation},
    )
