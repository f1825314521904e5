"""Nets of flax.linen: the canonical layout throughout. See __init__.py."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax import linen

from bench.contract import Arrays
from bench.conventions import LENET_PADDING
from bench.spec import Spec

ARCHITECTURES = ("mlp", "convnet", "lenet", "vgg", "resnet")
UNBIASED = False
PARAMETERS = {"weight": "kernel", "bias": "bias", "scale": "scale", "shift": "bias"}
STATISTICS = {"running_mean": "mean", "running_variance": "var"}
ACTIVATIONS: Mapping[str, Any] = {
    "relu": linen.relu,
    "sigmoid": linen.sigmoid,
    "tanh": linen.tanh,
    "identity": lambda x: x,
}


def build(spec: Spec, dtype: str) -> "Net":
    net = {"mlp": MLP, "lenet": LeNet, "convnet": ConvNet, "vgg": VGG, "resnet": ResNet}
    return net[spec.architecture](spec, dtype)


class Net(linen.Module):
    """Layers under the names of a spec. A call takes images and whether it trains."""

    spec: Spec
    dtype: str

    def convolved(self, name: str, norm_name: str, sizes: Any, x: Any, training: bool) -> Any:
        """Filters, kernel, stride, padding; and batch norm behind it, where there is one."""
        filters, kernel, stride, padding = sizes
        norm = self.spec.options.get("norm")
        x = linen.Conv(
            filters,
            (kernel, kernel),
            (stride, stride),
            padding=padding,
            use_bias=norm is None,
            dtype=self.dtype,
            param_dtype=self.dtype,
            name=name,
        )(x)
        return self.normalized(norm_name, x, training) if norm else x

    def normalized(self, name: str, x: Any, training: bool) -> Any:
        norm = self.spec.options["norm"]
        return linen.BatchNorm(
            use_running_average=not training,
            momentum=norm["decay"],
            epsilon=norm["epsilon"],
            dtype=self.dtype,
            param_dtype=self.dtype,
            name=name,
        )(x)

    def dense(self, name: str, x: Any, bias: bool = True) -> Any:
        width, one = self.spec.shapes()[f"{name}/weight"][1], self.dtype
        return linen.Dense(width, use_bias=bias, dtype=one, param_dtype=one, name=name)(x)

    def dense_layers(self, names: Any, activation: Any, x: Any) -> Any:
        x = x.reshape(len(x), -1)
        for name in names[:-1]:
            x = activation(self.dense(name, x))
        return self.dense(names[-1], x)


class MLP(Net):
    @linen.compact
    def __call__(self, x: Any, training: bool) -> Any:
        options = self.spec.options
        activation, norm = ACTIVATIONS[options["activation"]], options["norm"]
        x = x.reshape(len(x), -1)
        for number in range(1, options["layers"]):
            x = self.dense(f"fc{number}", x, bias=not norm)
            x = self.normalized(f"bn{number}", x, training) if norm else x
            x = activation(x)
        return self.dense(f"fc{options['layers']}", x)


class LeNet(Net):
    @linen.compact
    def __call__(self, x: Any, training: bool) -> Any:
        for number in (1, 2):
            sizes = self.spec.shapes()[f"conv{number}/weight"][3], 3, 1, LENET_PADDING
            x = linen.relu(self.convolved(f"conv{number}", "", sizes, x, training))
            x = linen.max_pool(x, (2, 2), (2, 2))
        return self.dense_layers(("fc1", "fc2"), linen.relu, x)


class ConvNet(Net):
    @linen.compact
    def __call__(self, x: Any, training: bool) -> Any:
        activation = ACTIVATIONS[self.spec.options["activation"]]
        for number, block in enumerate(self.spec.options["blocks"], start=1):
            sizes = block.filters, block.kernel, block.stride, block.padding
            x = activation(self.convolved(f"conv{number}", f"bn{number}", sizes, x, training))
            if block.pooling != "none":
                pool = linen.max_pool if block.pooling == "max" else linen.avg_pool
                x = pool(x, (block.window, block.window), (block.window, block.window))
        names = [f"fc{number}" for number in range(1, self.spec.options["dense"] + 1)]
        return self.dense_layers(names, activation, x)


class VGG(Net):
    @linen.compact
    def __call__(self, x: Any, training: bool) -> Any:
        for stage, kernels in enumerate(self.spec.options["stages"], start=1):
            for number, kernel in enumerate(kernels, start=1):
                name = f"{stage}_{number}"
                sizes = self.spec.shapes()[f"conv{name}/weight"][3], kernel, 1, kernel // 2
                x = linen.relu(self.convolved(f"conv{name}", f"bn{name}", sizes, x, training))
            x = linen.max_pool(x, (2, 2), (2, 2))
        return self.dense_layers(self.spec.options["dense"], linen.relu, x)


class Block(Net):
    block: Any

    @linen.compact
    def __call__(self, x: Any, training: bool) -> Any:
        y, stride, last = x, self.block.stride, len(self.block.branch)
        for number, one in enumerate(self.block.branch, start=1):
            y = self.convolved(f"conv{number}", f"bn{number}", _sizes(one), y, training)
            y = linen.relu(y) if number < last else y
        if self.block.shortcut == "projection":
            sizes = _sizes(self.block.projection)
            x = self.convolved("projection", "projection_bn", sizes, x, training)
        elif self.block.shortcut == "identity" and x.shape != y.shape:
            new = self.block.filters - x.shape[3]
            x = jax.numpy.pad(x[:, ::stride, ::stride], ((0, 0), (0, 0), (0, 0), (0, new)))
        return linen.relu(y if self.block.shortcut == "none" else y + x)


class ResNet(Net):
    @linen.compact
    def __call__(self, x: Any, training: bool) -> Any:
        sizes = _sizes(self.spec.options["stem"])
        x = linen.relu(self.convolved("conv1", "bn1", sizes, x, training))
        if self.spec.options["pooled"]:
            rim: Any = ((1, 1), (1, 1))  # of -inf
            x = linen.max_pool(x, (3, 3), (2, 2), rim)
        for block in self.spec.options["blocks"]:
            x = Block(self.spec, self.dtype, block, name=block.name)(x, training)
        return self.dense("fc", x.mean((1, 2)))


def nested(arrays: Arrays, words: Mapping[str, str]) -> dict[str, Any]:
    """{"stage1_block1": {"conv1": {"kernel": ...}}} of canonical names."""
    found: dict[str, Any] = {}
    for name, array in arrays.items():
        *path, part = name.split("/")
        owner = found
        for step in path:
            owner = owner.setdefault(step, {})
        owner[words[part]] = array
    return found


def named(found: Any, name: str, words: Mapping[str, str]) -> np.ndarray:
    """The array of a canonical name."""
    *path, part = name.split("/")
    for step in path:
        found = found[step]
    return np.array(found[words[part]])


def _sizes(one: Any) -> tuple[int, int, int, int]:
    return one.filters, one.kernel, one.stride, one.kernel // 2
