"""A few steps of a library's optimizer along gradients that are given, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np

START = np.array([1.0, -2.0])
GRADIENTS = np.array([[0.5, -1.0], [0.25, 0.125], [-0.75, 2.0], [1.5, 0.0625], [0.5, -0.5]])
RATE = 0.125  # exact in float32, in which Keras keeps it


def library(framework: str) -> Any:
    """The module of the optimizers."""
    if framework == "pytorch":
        import torch

        return torch.optim
    if framework == "tensorflow":
        import keras

        return keras.optimizers
    import optax

    return optax


def descend(
    framework: str,
    make: Callable[..., Any],
    gradients: np.ndarray = GRADIENTS,
    start: np.ndarray = START,
    before: Callable[[int, Any], None] = lambda step, optimizer: None,
) -> np.ndarray:
    """Where the optimizer ends. PyTorch's is made of a list of parameters, the others of nothing.

    `before` is called before each step, counted from 0 (not in JAX, whose step is compiled once).
    """
    if framework == "pytorch":
        import torch

        parameter = torch.nn.Parameter(torch.tensor(start))
        optimizer = make([parameter])
        for step, gradient in enumerate(gradients):
            before(step, optimizer)
            parameter.grad = torch.tensor(gradient)
            optimizer.step()
        return parameter.detach().numpy()
    if framework == "tensorflow":
        import keras
        import tensorflow as tf

        variable, optimizer = keras.Variable(start, dtype="float64"), make()
        optimizer.build([variable])
        for step, gradient in enumerate(gradients):
            before(step, optimizer)
            optimizer.apply([tf.constant(gradient)], [variable])
        return np.asarray(variable)
    import jax

    optimizer, point = make(), start
    state, update = optimizer.init(point), jax.jit(optimizer.update)
    for gradient in gradients:
        change, state = update(gradient, state, point)
        point = point + np.asarray(change)
    return point


def first_step(framework: str, make: Callable[..., Any], gradient: float) -> float:
    """By how much one step on a gradient of this size lowers a parameter of 1."""
    return 1 - float(descend(framework, make, np.array([[gradient]]), np.ones(1))[0])
