"""Nets of flax.linen. See tests/natives/nets/__init__.py."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from bench.spec import Spec
from implementations.library.nets import jax as nets
from tests.natives.nets import Answer, Arrays

UNBIASED, ARCHITECTURES = nets.UNBIASED, nets.ARCHITECTURES


def answer(spec: Spec, parameters: Arrays, buffers: Arrays, batch: Arrays) -> Answer:
    net = nets.build(spec, "float64")
    learned = nets.nested(parameters, nets.PARAMETERS)
    kept = nets.nested(buffers, nets.STATISTICS)
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
    gradients = {name: nets.named(found, name, nets.PARAMETERS) for name in parameters}
    statistics = changed.get("batch_stats", {})
    moved = {name: nets.named(statistics, name, nets.STATISTICS) for name in buffers}
    return Answer(np.asarray(still(x)), float(value), gradients, moved)
