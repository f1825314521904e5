"""Nets of keras.layers: the canonical layout throughout. See __init__.py."""

from collections.abc import Sequence
from typing import Any

import keras

from bench.conventions import LENET_PADDING
from bench.spec import Spec

ARCHITECTURES = ("mlp", "convnet", "lenet", "vgg", "resnet")
UNBIASED = False
WORDS = {
    "kernel": "weight",
    "gamma": "scale",
    "beta": "shift",
    "moving_mean": "running_mean",
    "moving_variance": "running_variance",
}


def build(spec: Spec, dtype: str) -> keras.Model:
    return keras.Model(*_Writer(spec, dtype).net())


def canonical(net: keras.Model) -> dict[str, keras.Variable]:
    """Parameters and running statistics by canonical name."""
    return {
        f"{layer.name.replace('.', '/')}/{WORDS.get(variable.name, variable.name)}": variable
        for layer in net.layers
        for variable in layer.weights
    }


class _Writer:
    """Puts layers of one precision behind each other."""

    def __init__(self, spec: Spec, dtype: str) -> None:
        self.spec, self.dtype, self.shapes = spec, dtype, spec.shapes()
        self.norm: Any = spec.options.get("norm")

    def net(self) -> tuple[Any, Any]:
        """Input and logits."""
        x = keras.Input(self.spec.inputs["x"], dtype=self.dtype)
        return x, getattr(self, f"_{self.spec.architecture}")(x)

    def _mlp(self, x: Any) -> Any:
        x, depth = self._put("Flatten", x), self.spec.options["layers"]
        for number in range(1, depth + 1):
            hidden = number < depth
            x = self._dense(f"fc{number}", x, bias=not (hidden and self.norm))
            x = self._normalized(f"bn{number}", x) if hidden and self.norm else x
            x = self._activated(self.spec.options["activation"], x) if hidden else x
        return x

    def _lenet(self, x: Any) -> Any:
        for number in (1, 2):
            filters = self.shapes[f"conv{number}/weight"][3]
            sizes = filters, 3, 1, LENET_PADDING
            x = self._put("ReLU", self._convolution(f"conv{number}", "", sizes, x))
            x = self._put("MaxPooling2D", x, pool_size=2)
        x = self._put("ReLU", self._dense("fc1", self._put("Flatten", x)))
        return self._dense("fc2", x)

    def _convnet(self, x: Any) -> Any:
        activation = self.spec.options["activation"]
        for number, block in enumerate(self.spec.options["blocks"], start=1):
            sizes = block.filters, block.kernel, block.stride, block.padding
            x = self._convolution(f"conv{number}", f"bn{number}", sizes, x)
            x = self._activated(activation, x)
            if block.pooling != "none":
                pool = "MaxPooling2D" if block.pooling == "max" else "AveragePooling2D"
                x = self._put(pool, x, pool_size=block.window)
        names = [f"fc{number}" for number in range(1, self.spec.options["dense"] + 1)]
        return self._dense_layers(names, activation, x)

    def _vgg(self, x: Any) -> Any:
        for stage, kernels in enumerate(self.spec.options["stages"], start=1):
            for number, kernel in enumerate(kernels, start=1):
                name = f"{stage}_{number}"
                sizes = self.shapes[f"conv{name}/weight"][3], kernel, 1, kernel // 2
                x = self._convolution(f"conv{name}", f"bn{name}", sizes, x)
                x = self._put("ReLU", x)
            x = self._put("MaxPooling2D", x, pool_size=2)
        return self._dense_layers(self.spec.options["dense"], "relu", x)

    def _resnet(self, x: Any) -> Any:
        x = self._put("ReLU", self._of(self.spec.options["stem"], "conv1", "bn1", x))
        if self.spec.options["pooled"]:
            x = self._put("ZeroPadding2D", x, padding=1)  # behind a ReLU 0 never wins alone
            x = self._put("MaxPooling2D", x, pool_size=3, strides=2)
        for block in self.spec.options["blocks"]:
            x = self._block(block, x)
        return self._dense("fc", self._put("GlobalAveragePooling2D", x))

    def _block(self, block: Any, x: Any) -> Any:
        y, last = x, len(block.branch)
        for number, one in enumerate(block.branch, start=1):
            y = self._of(one, f"{block.name}/conv{number}", f"{block.name}/bn{number}", y)
            y = self._put("ReLU", y) if number < last else y
        if block.shortcut == "projection":
            names = f"{block.name}/projection", f"{block.name}/projection_bn"
            x = self._of(block.projection, *names, x)
        elif block.shortcut == "identity" and x.shape != y.shape:
            x = x[:, :: block.stride, :: block.stride]
            x = keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, block.filters - x.shape[3])))
        y = y if block.shortcut == "none" else self._put("Add", [y, x])
        return self._put("ReLU", y)

    def _of(self, one: Any, name: str, norm_name: str, x: Any) -> Any:
        sizes = one.filters, one.kernel, one.stride, one.kernel // 2
        return self._convolution(name, norm_name, sizes, x)

    def _convolution(
        self, name: str, norm_name: str, sizes: tuple[int, int, int, int], x: Any
    ) -> Any:
        """Filters, kernel, stride, padding; and batch norm behind it, where there is one.

        "same" is the library's word for as many zeros on every side, at stride 1. At stride 2 it
        would put the odd zero at the end: a layer of its own pads there.
        """
        filters, kernel, stride, padding = sizes
        same = stride == 1 and kernel == 2 * padding + 1
        if padding and not same:
            x = self._put("ZeroPadding2D", x, padding=padding)
        own = {"kernel_size": kernel, "strides": stride, "padding": "same" if same else "valid"}
        x = self._put("Conv2D", x, name, filters=filters, use_bias=not self.norm, **own)
        return self._normalized(norm_name, x) if self.norm else x

    def _normalized(self, name: str, x: Any) -> Any:
        own = {"momentum": self.norm["decay"], "epsilon": self.norm["epsilon"]}
        return self._put("BatchNormalization", x, name, **own)

    def _dense_layers(self, names: Sequence[str], activation: str, x: Any) -> Any:
        x = self._put("Flatten", x)
        for name in names:
            x = self._dense(name, x)
            x = x if name == names[-1] else self._activated(activation, x)
        return x

    def _dense(self, name: str, x: Any, bias: bool = True) -> Any:
        return self._put("Dense", x, name, units=self.shapes[f"{name}/weight"][1], use_bias=bias)

    def _activated(self, name: str, x: Any) -> Any:
        word = "linear" if name == "identity" else name
        return self._put("Activation", x, activation=word)

    def _put(self, layer: str, x: Any, name: str | None = None, **own: Any) -> Any:
        """A layer's name may hold no slash."""
        word = None if name is None else name.replace("/", ".")
        return getattr(keras.layers, layer)(name=word, dtype=self.dtype, **own)(x)
