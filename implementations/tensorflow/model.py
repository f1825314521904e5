"""A net in TensorFlow: a keras.Model, of which this tells the variables by canonical name."""

from collections.abc import Iterator

import keras
import tensorflow as tf


def named_variables(layer: keras.layers.Layer) -> Iterator[tuple[str, tf.Variable]]:
    """Canonical names and variables: a variable's path does not know of nested models."""
    inner = getattr(layer, "layers", [])
    for part in inner:
        for name, variable in named_variables(part):
            yield f"{part.name}/{name}", variable
    if not inner:
        for variable in layer.variables:
            yield variable.name, variable.value
