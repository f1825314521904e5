"""Activations in NumPy, each with its derivative, derived by hand.

f_gradient(x, value, delta) = delta f'(x) is the backward pass by itself, entry by entry, where
value = f(x) and delta is the gradient by it: it is given what the forward pass leaves. All arrays
are of one shape.
"""

import numpy as np

from implementations.exchange import exchangeable
from implementations.numpy.tape import Node


@exchangeable
def relu(x: Node) -> Node:
    """max(x, 0). dE/dx = delta where x > 0, else 0: the derivative at 0 is 0."""
    value = x.tape.workspace.empty(x.value.shape, x.value.dtype)
    np.maximum(x.value, 0, out=value)

    def backward(delta: np.ndarray) -> None:
        x.add_gradient(relu_gradient(x.value, value, delta))

    return x.tape.output(value, (x,), backward)


def relu_gradient(x: np.ndarray, value: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """delta where x > 0, else 0."""
    return delta * (x > 0)


def sigmoid(x: Node) -> Node:
    """s = 1 / (1 + exp(-x)). dE/dx = delta s (1 - s)."""
    # exp of minus the absolute value cannot overflow.
    small = np.exp(-np.abs(x.value))
    value = np.where(x.value >= 0, 1 / (1 + small), small / (1 + small))

    def backward(delta: np.ndarray) -> None:
        x.add_gradient(sigmoid_gradient(x.value, value, delta))

    return x.tape.output(value, (x,), backward)


def sigmoid_gradient(x: np.ndarray, value: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """delta s (1 - s), s the value."""
    return delta * value * (1 - value)


def tanh(x: Node) -> Node:
    """t = (exp(x) - exp(-x)) / (exp(x) + exp(-x)). dE/dx = delta (1 - t^2)."""
    value = np.tanh(x.value)

    def backward(delta: np.ndarray) -> None:
        x.add_gradient(tanh_gradient(x.value, value, delta))

    return x.tape.output(value, (x,), backward)


def tanh_gradient(x: np.ndarray, value: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """delta (1 - t^2), t the value."""
    return delta * (1 - value * value)


def identity(x: Node) -> Node:
    """x: a net without an activation. dE/dx = delta."""

    def backward(delta: np.ndarray) -> None:
        x.add_gradient(identity_gradient(x.value, x.value, delta))

    return x.tape.output(x.value, (x,), backward)


def identity_gradient(x: np.ndarray, value: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """delta."""
    return delta
