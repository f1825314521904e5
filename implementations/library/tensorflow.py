"""TensorFlow as its user writes it: keras.layers, compile(), fit().

"fit" leaves it to Keras whether XLA compiles the step: not where there is a CPU alone. "fit_xla"
has it compiled, which is one argument of compile().

A call of fit() costs some milliseconds beside its steps, once: it is to be timed over many.

Keras's Adam is not Algorithm 1: it adds epsilon to the root of the second moment before that is
corrected, so that after t steps epsilon counts 1 / sqrt(1 - beta2^t) times as much, 32 times in the
first; no one number makes up for it. And it raises beta2 to the power t in float32. On LeNet, where
gradients shrink within few batches, the first alone leads 4.1e-5 of the way off after four steps
and 1.7e-4 after eight, computed in float64, the second 7e-6: together what fit() is found to
deviate by. bench/timing/checked.py tells it from rounding, 3.7e-7, and so calls it wrong.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bench.contract import Arrays, Config, Update, check_names
from bench.spec import Spec
from implementations.library import RATE, check, check_batches
from implementations.library.nets import tensorflow as nets
from implementations.tensorflow.device import prepare

FORMS = ("fit", "fit_xla")


def build(spec: Spec, update: Update, config: Config, form: str, rate: float = RATE) -> "Loop":
    """Raises UserError for a net, an update or a form that it does not take."""
    check("Keras", nets.ARCHITECTURES, FORMS, spec, update, form)
    return Loop(spec, update, config, form, rate)


class Loop:
    def __init__(self, spec: Spec, update: Update, config: Config, form: str, rate: float) -> None:
        self.spec, self.dtype = spec, config.dtype
        self.device, _ = prepare(config)
        with tf.device(self.device):
            self.net: Any = nets.build(spec, config.dtype)
            constants = update.optimizer.constants
            self.net.compile(
                keras.optimizers.Adam(
                    rate, constants["beta1"], constants["beta2"], constants["epsilon"]
                ),
                keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype=config.dtype),
                jit_compile="auto" if form == "fit" else True,
            )
            self.net.optimizer.build(self.net.trainable_variables)
        self.batches: list[tf.data.Dataset] = []
        self.done = 0

    def load(self, parameters: Arrays) -> None:
        check_names("parameters", self.spec.shapes(), parameters)
        buffers = {name: np.full(b.shape, b.initial) for name, b in self.spec.buffers.items()}
        for name, variable in nets.canonical(self.net).items():
            variable.assign({**parameters, **buffers}[name])
        for variable in self.net.optimizer.variables:
            if variable.name != "learning_rate":
                variable.assign(np.zeros(variable.shape))
        self.done = 0

    def stage(self, batches: Sequence[Arrays]) -> None:
        """One data set for each batch to begin with: fit() begins every data set at its start."""
        check_batches(self.spec, batches)
        with tf.device(self.device):
            images = [tf.constant(batch["x"].astype(self.dtype)) for batch in batches]
            labels = [tf.constant(batch["y"].astype(np.int64)) for batch in batches]
            self.batches = [
                tf.data.Dataset.from_tensor_slices(
                    (tf.stack(images[n:] + images[:n]), tf.stack(labels[n:] + labels[:n]))
                ).repeat()
                for n in range(len(batches))
            ]
        self.done = 0

    def steps(self, count: int) -> None:
        batches = self.batches[self.done % len(self.batches)]
        with tf.device(self.device):
            self.net.fit(batches, steps_per_epoch=count, epochs=1, verbose=0, shuffle=False)
        self.done += count

    def synchronize(self) -> None:
        if self.device.startswith("/GPU"):
            tf.test.experimental.sync_devices()

    def found(self) -> dict[str, np.ndarray]:
        owned = nets.canonical(self.net)
        return {name: owned[name].numpy().copy() for name in self.spec.parameters}

    def close(self) -> None:
        self.batches = []
        del self.net
        keras.backend.clear_session()
