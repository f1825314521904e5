"""How the rows compute: the same NumPy numbers into each framework's float64 tensors and back.

The leading underscore keeps this file out of the list of topics.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np


def functions(framework: str) -> Any:
    """The module that has sqrt, where, mean and their like."""
    names = {"pytorch": "torch", "tensorflow": "keras.ops", "jax": "jax.numpy"}
    return importlib.import_module(names[framework])


def value(framework: str, function: Callable[..., Any], *arguments: np.ndarray) -> np.ndarray:
    """The function of a framework's float64 tensors, as a NumPy array."""
    if framework == "pytorch":
        import torch

        return function(*(torch.tensor(a, dtype=torch.float64) for a in arguments)).detach().numpy()
    if framework == "tensorflow":
        import tensorflow as tf

        return np.asarray(function(*(tf.constant(a, tf.float64) for a in arguments)))
    import jax

    return np.asarray(jax.jit(function)(*arguments))


def derivative(framework: str, function: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    """Gradient of the sum of the function's values, in float64."""
    if framework == "pytorch":
        import torch

        point = torch.tensor(at, dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(function(point).sum(), point)[0].numpy()
    if framework == "tensorflow":
        import tensorflow as tf

        point = tf.constant(at, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(point)
            values = function(point)
        return np.asarray(tape.gradient(values, point))
    import jax

    return np.asarray(jax.jit(jax.grad(lambda x: function(x).sum()))(at))
