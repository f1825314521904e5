"""Nets of keras.layers. See tests/natives/nets/__init__.py."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bench.spec import Spec
from implementations.library.nets import tensorflow as nets
from tests.natives.nets import Answer, Arrays

UNBIASED, ARCHITECTURES = nets.UNBIASED, nets.ARCHITECTURES


def answer(spec: Spec, parameters: Arrays, buffers: Arrays, batch: Arrays) -> Answer:
    net: Any = nets.build(spec, "float64")
    owned = nets.canonical(net)
    for name, variable in owned.items():
        variable.assign({**parameters, **buffers}[name])
    logits = np.asarray(net(batch["x"], training=False))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    with tf.GradientTape() as tape:
        value: Any = loss(batch["y"], net(batch["x"], training=True))
    found: Any = tape.gradient(value, {name: owned[name].value for name in parameters})
    gradients = {name: gradient.numpy() for name, gradient in found.items()}
    return Answer(logits, float(value), gradients, {n: np.asarray(owned[n]) for n in buffers})
