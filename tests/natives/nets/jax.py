"""Nets of flax.linen. See tests/natives/nets/__init__.py."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen

from bench.spec import Spec
from tests.natives.nets import Answer, Arrays

UNBIASED = False
PARAMETERS = {"weight": "kernel", "bias": "bias", "scale": "scale", "shift": "bias"}
STATISTICS = {"running_mean": "mean", "running_variance": "var"}


def answer(spec: Spec, parameters: Arrays, buffers: Arrays, batch: Arrays) -> Answer:
    stages = spec.options.get("stages")
    net = VGG(spec.options["norm"], stages, _filters(spec)) if stages else _resnet(spec)
    learned, kept = _nested(parameters, PARAMETERS), _nested(buffers, STATISTICS)
    x, labels = jnp.asarray(batch["x"]), jnp.asarray(batch["y"])

    @jax.jit
    def still(x: Any) -> Any:
        return net.apply({"params": learned, "batch_stats": kept}, x, training=False)

    @jax.jit
    def loss(learned: Any) -> Any:
        variables = {"params": learned, "batch_stats": kept}
        logits, changed = net.apply(variables, x, training=True, mutable=["batch_stats"])
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), changed

    (value, changed), found = jax.value_and_grad(loss, has_aux=True)(learned)
    gradients = {name: _found(found, name, PARAMETERS) for name in parameters}
    moved = {name: _found(changed["batch_stats"], name, STATISTICS) for name in buffers}
    return Answer(np.asarray(still(x)), float(value), gradients, moved)


class Convolved(linen.Module):
    """Layers that own convolutions, each with batch norm behind it, where there is one."""

    norm: Any

    def convolved(self, name: str, norm_name: str, sizes: Any, x: Any, training: bool) -> Any:
        """sizes: filters, kernel, stride."""
        filters, kernel, stride = sizes
        x = linen.Conv(
            filters,
            (kernel, kernel),
            (stride, stride),
            padding=kernel // 2,
            use_bias=self.norm is None,
            dtype=jnp.float64,
            name=name,
        )(x)
        if self.norm is None:
            return x
        return linen.BatchNorm(
            use_running_average=not training,
            momentum=self.norm["decay"],
            epsilon=self.norm["epsilon"],
            use_fast_variance=False,
            dtype=jnp.float64,
            name=norm_name,
        )(x)


class VGG(Convolved):
    stages: Any
    filters: Any

    @linen.compact
    def __call__(self, x: Any, training: bool) -> Any:
        for stage, kernels in enumerate(self.stages, start=1):
            for number, kernel in enumerate(kernels, start=1):
                name = f"{stage}_{number}"
                sizes = self.filters[f"conv{name}"], kernel, 1
                x = linen.relu(self.convolved(f"conv{name}", f"bn{name}", sizes, x, training))
            x = linen.max_pool(x, (2, 2), (2, 2))
        return linen.Dense(self.filters["fc6"], dtype=jnp.float64, name="fc6")(
            x.reshape(len(x), -1)
        )


class Block(Convolved):
    block: Any

    @linen.compact
    def __call__(self, x: Any, training: bool) -> Any:
        y, stride, last = x, self.block.stride, len(self.block.branch)
        for number, one in enumerate(self.block.branch, start=1):
            sizes = one.filters, one.kernel, one.stride
            y = self.convolved(f"conv{number}", f"bn{number}", sizes, y, training)
            if number < last:
                y = linen.relu(y)
        if self.block.shortcut == "projection":
            sizes = self.block.filters, 1, stride
            x = self.convolved("projection", "projection_bn", sizes, x, training)
        elif self.block.shortcut == "identity":
            new = self.block.filters - x.shape[3]
            x = jnp.pad(x[:, ::stride, ::stride], ((0, 0), (0, 0), (0, 0), (0, new)))
        return linen.relu(y if self.block.shortcut == "none" else y + x)


class ResNet(Convolved):
    stem: Any
    pooled: bool
    blocks: Any
    classes: int

    @linen.compact
    def __call__(self, x: Any, training: bool) -> Any:
        sizes = self.stem.filters, self.stem.kernel, self.stem.stride
        x = linen.relu(self.convolved("conv1", "bn1", sizes, x, training))
        if self.pooled:
            rim: Any = ((1, 1), (1, 1))  # of -inf
            x = linen.max_pool(x, (3, 3), (2, 2), rim)
        for block in self.blocks:
            x = Block(self.norm, block, name=block.name)(x, training)
        return linen.Dense(self.classes, dtype=jnp.float64, name="fc")(x.mean((1, 2)))


def _filters(spec: Spec) -> dict[str, int]:
    weights = {name: shape for name, shape in spec.shapes().items() if name.endswith("/weight")}
    return {name.removesuffix("/weight"): shape[-1] for name, shape in weights.items()}


def _resnet(spec: Spec) -> ResNet:
    own = {name: spec.options[name] for name in ("norm", "stem", "pooled", "blocks")}
    return ResNet(**own, classes=spec.shapes()["fc/weight"][1])


def _nested(arrays: Arrays, words: dict[str, str]) -> dict[str, Any]:
    """{"stage1_block1": {"conv1": {"kernel": ...}}} of canonical names."""
    nested: dict[str, Any] = {}
    for name, array in arrays.items():
        *path, part = name.split("/")
        owner = nested
        for step in path:
            owner = owner.setdefault(step, {})
        owner[words[part]] = jnp.asarray(array)
    return nested


def _found(nested: Any, name: str, words: dict[str, str]) -> np.ndarray:
    *path, part = name.split("/")
    for step in path:
        nested = nested[step]
    return np.asarray(nested[words[part]])
