"""What is compared: models, optimizers, dtypes, and the batches and weights that both get."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bench import conventions, dataset, weights
from bench.contract import Optimizer, State, Update, adam, momentum, sgd
from bench.randomness import batch_order
from bench.spec import Spec
from bench.specs import lenet, mlp

OPTIMIZERS: dict[str, tuple[Optimizer, float]] = {
    # The rule and its learning rate: one at which 200 steps learn and do not diverge.
    "sgd": (sgd(), 0.05),
    "momentum": (momentum(conventions.MOMENTUM), 0.01),
    "adam": (
        adam(conventions.ADAM_BETA1, conventions.ADAM_BETA2, conventions.ADAM_EPSILON),
        1e-3,
    ),
}
SPECS = {"lenet": lenet.spec, "mlp": mlp.spec}
# Millions of products an example in the forward pass: what a step costs, for the time left.
WORK = {"lenet": 16.6, "mlp": 0.11}
SEED = 0
Length = Literal["short", "full"]


@dataclass(frozen=True)
class Case:
    """One comparison. The learning rate falls to a tenth at half of the steps: a rule that folds it
    into its memory agrees with one that does not for as long as it stays the same."""

    model: str
    optimizer: str
    dtype: Literal["float32", "float64"]
    steps: int
    batch_size: int

    @property
    def name(self) -> str:
        return f"{self.model} {self.optimizer} {self.dtype}"

    @property
    def effort(self) -> float:
        """The cost of all steps, in any unit."""
        return self.steps * self.batch_size * WORK[self.model]

    def spec(self) -> Spec:
        return SPECS[self.model]()

    def update(self) -> Update:
        return Update("cross_entropy", ("",), OPTIMIZERS[self.optimizer][0])

    def initial(self) -> State:
        return weights.initial(self.spec(), SEED)

    def rate(self, step: int) -> float:
        rate = OPTIMIZERS[self.optimizer][1]
        return rate if step < self.steps // 2 else rate / 10

    def batches(self, data_dir: Path | None) -> Iterator[dict[str, np.ndarray]]:
        """Batches of real digits in the order of the seed, epoch after epoch."""
        data = dataset.prepare("mnist5k", SEED, data_dir)
        given, epoch = 0, 0
        while given < self.steps:
            for chosen in batch_order(SEED, epoch, len(data.train_y), self.batch_size):
                if given < self.steps:
                    yield {"x": data.train_x[chosen], "y": data.train_y[chosen]}
                given += 1
            epoch += 1


def cases(length: Length) -> list[Case]:
    """short: a few steps, for tests and the smoke budget; full: 200 in float64."""
    double, single = (200, 20) if length == "full" else (4, 2)
    lenet_batch, mlp_batch = (16, 64) if length == "full" else (8, 16)
    pairs = [("mlp", "sgd"), ("mlp", "momentum"), ("mlp", "adam"), ("lenet", "adam")]
    found = []
    for model, optimizer in pairs:
        size = lenet_batch if model == "lenet" else mlp_batch
        found.append(Case(model, optimizer, "float64", double, size))
        found.append(Case(model, optimizer, "float32", single, size))
    return found
