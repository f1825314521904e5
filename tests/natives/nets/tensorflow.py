"""Nets of keras.layers. See tests/natives/nets/__init__.py."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bench.spec import Spec
from tests.natives.nets import Answer, Arrays

UNBIASED = False
WORDS = {
    "kernel": "weight",
    "gamma": "scale",
    "beta": "shift",
    "moving_mean": "running_mean",
    "moving_variance": "running_variance",
}


def answer(spec: Spec, parameters: Arrays, buffers: Arrays, batch: Arrays) -> Answer:
    x = keras.Input(spec.inputs["x"], dtype="float64")
    y = _vgg(spec, x) if spec.architecture == "vgg" else _resnet(spec, x)
    net = keras.Model(x, y)
    owned = _canonical(net)
    for name, variable in owned.items():
        variable.assign({**parameters, **buffers}[name])
    logits = np.asarray(net(batch["x"], training=False))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    with tf.GradientTape() as tape:
        value: Any = loss(batch["y"], net(batch["x"], training=True))
    found: Any = tape.gradient(value, {name: owned[name].value for name in parameters})
    gradients = {name: gradient.numpy() for name, gradient in found.items()}
    return Answer(logits, float(value), gradients, {n: np.asarray(owned[n]) for n in buffers})


def _vgg(spec: Spec, x: Any) -> Any:
    for stage, kernels in enumerate(spec.options["stages"], start=1):
        for number, kernel in enumerate(kernels, start=1):
            name = f"{stage}_{number}"
            filters = spec.shapes()[f"conv{name}/weight"][3]
            x = _convolution(f"conv{name}", f"bn{name}", filters, kernel, 1, spec, x)
            x = keras.layers.ReLU(dtype="float64")(x)
        x = keras.layers.MaxPooling2D(2, dtype="float64")(x)
    return _dense("fc6", spec, keras.layers.Flatten(dtype="float64")(x))


def _resnet(spec: Spec, x: Any) -> Any:
    """Padded by layers of their own: padding="same" puts the odd zero of a stride at the end."""
    stem = spec.options["stem"]
    x = _convolution("conv1", "bn1", stem.filters, stem.kernel, stem.stride, spec, x)
    x = keras.layers.ReLU(dtype="float64")(x)
    if spec.options["pooled"]:
        x = keras.layers.ZeroPadding2D(1, dtype="float64")(x)  # behind a ReLU 0 never wins alone
        x = keras.layers.MaxPooling2D(3, 2, dtype="float64")(x)
    for block in spec.options["blocks"]:
        x = _block(block, spec, x)
    return _dense("fc", spec, keras.layers.GlobalAveragePooling2D(dtype="float64")(x))


def _block(block: Any, spec: Spec, x: Any) -> Any:
    y, last = x, len(block.branch)
    for number, one in enumerate(block.branch, start=1):
        names = f"{block.name}/conv{number}", f"{block.name}/bn{number}"
        y = _convolution(*names, one.filters, one.kernel, one.stride, spec, y)
        if number < last:
            y = keras.layers.ReLU(dtype="float64")(y)
    if block.shortcut == "projection":
        names = f"{block.name}/projection", f"{block.name}/projection_bn"
        x = _convolution(*names, block.filters, 1, block.stride, spec, x)
    elif block.shortcut == "identity":
        x = x[:, :: block.stride, :: block.stride]
        x = keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, block.filters - x.shape[3])))
    if block.shortcut != "none":
        y = keras.layers.Add(dtype="float64")([y, x])
    return keras.layers.ReLU(dtype="float64")(y)


def _convolution(
    name: str, norm_name: str, filters: int, kernel: int, stride: int, spec: Spec, x: Any
) -> Any:
    """A layer's name may hold no slash."""
    norm = spec.options["norm"]
    own: dict[str, Any] = {"dtype": "float64", "name": name.replace("/", ".")}
    x = keras.layers.ZeroPadding2D(kernel // 2, dtype="float64")(x)
    x = keras.layers.Conv2D(filters, kernel, stride, "valid", use_bias=norm is None, **own)(x)
    if norm is None:
        return x
    own["name"] = norm_name.replace("/", ".")
    return keras.layers.BatchNormalization(-1, norm["decay"], norm["epsilon"], **own)(x)


def _dense(name: str, spec: Spec, x: Any) -> Any:
    classes = spec.shapes()[f"{name}/weight"][1]
    return keras.layers.Dense(classes, name=name, dtype="float64")(x)


def _canonical(net: keras.Model) -> dict[str, keras.Variable]:
    """Weights and running statistics by canonical name."""
    return {
        f"{layer.name.replace('.', '/')}/{WORDS.get(variable.name, variable.name)}": variable
        for layer in net.layers
        for variable in layer.weights
    }
