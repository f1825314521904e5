"""What is compared: models, optimizers, dtypes, and the batches and weights that both get."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bench import conventions, dataset, training, weights
from bench.conformance import nets
from bench.conformance.nets import NETS, Net
from bench.contract import State, Update
from bench.optimizers import Optimizer, adagrad, deck_adam, deck_momentum, momentum, sgd
from bench.scenes import digits
from bench.spec import Spec

OPTIMIZERS: dict[str, tuple[Optimizer, float]] = {
    # The rule and its learning rate: one at which 200 steps learn and do not diverge.
    "sgd": (sgd(), 0.05),
    "momentum": (momentum(conventions.MOMENTUM), 0.01),
    "deck_momentum": (deck_momentum(conventions.MOMENTUM), 0.01),
    "adagrad": (adagrad(conventions.ADAGRAD_EPSILON), 0.01),
    "adam": (conventions.usual_adam(), 1e-3),
    "deck_adam": (conventions.usual_adam(deck_adam), 1e-3),
}
# Every technique with an optimizer of the deck; float64 alone, since the deck's own nets show what
# float32 does. Batch norm goes without an adaptive one: a pixel that is the same in all images is a
# bias before batch norm, its weights' gradients vanish identically, and g / (sqrt(v) + eps) makes
# steps of their rounding.
TECHNIQUES = (
    ("sigmoid", "adagrad"),
    ("tanh", "deck_adam"),
    ("batch norm", "deck_momentum"),
    ("convolutional batch norm", "momentum"),
    ("deck dropout", "sgd"),
    ("inverted dropout", "adam"),
    ("accumulation", "sgd"),
    ("weight decay", "momentum"),
)
# Deep nets with batch norm, the optimizer, and the batch of the full length. Rounding grows with
# depth and shrinks with the batch: a unit in the last place of every weight of ResNet-20 under Adam
# becomes, in 50 steps, up to 2e-12 of a gradient at batches of 8, 6e-13 at 16 and 2e-13 at 32; with
# SGD at a rate of 0.1 it becomes as large as the gradient (python -m bench.conformance.rounding).
# Behind batch norm Adam has gradients to divide: photographs have no pixel that never changes.
DEEP = (("vgg", "momentum", 16), ("resnet", "adam", 32), ("segnet", "adam", 16))
SEED = 0
SCENES = 200
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
        return self.steps * self.batch_size * self.net.work

    @property
    def net(self) -> Net:
        return NETS[self.model]

    def spec(self) -> Spec:
        return self.net.spec()

    def update(self) -> Update:
        optimizer, _ = OPTIMIZERS[self.optimizer]
        return Update("cross_entropy", ("",), optimizer, weight_decay=self.net.decay)

    def initial(self) -> State:
        return weights.initial(self.spec(), SEED)

    @property
    def rate(self) -> float:
        return OPTIMIZERS[self.optimizer][1]

    def batches(self, data_dir: Path | None) -> Iterator[dict[str, np.ndarray]]:
        """Batches of real images in the order of the seed, with all that is drawn for the net."""
        if self.net.scenes:
            data = digits.prepare(SEED, SCENES, 1, self.spec().inputs["x"][0], data_dir)
        else:
            data = dataset.prepare(self.net.dataset, SEED, data_dir)
        given = training.batches(data, SEED, self.batch_size, self.steps, "float64")
        if self.spec().options.get("keep"):
            given = training.masked(self.spec(), SEED, given)
        for step, batch in enumerate(given):
            drawn = nets.draws(SEED, step, batch["x"].shape) if self.net.augmented else {}
            yield {**batch, **drawn}


def cases(length: Length) -> list[Case]:
    """short: a few steps, for tests and the smoke budget; full: 200 in float64, 50 of deep nets."""
    double, single = (200, 20) if length == "full" else (4, 2)
    lenet_batch, mlp_batch = (16, 64) if length == "full" else (8, 16)
    pairs = [("mlp", "sgd"), ("mlp", "momentum"), ("mlp", "adam"), ("lenet", "adam")]
    found = []
    for model, optimizer in pairs:
        size = lenet_batch if model == "lenet" else mlp_batch
        found.append(Case(model, optimizer, "float64", double, size))
        found.append(Case(model, optimizer, "float32", single, size))
    found += [Case(*pair, "float64", double, 16) for pair in TECHNIQUES]
    for model, optimizer, size in DEEP:
        steps, batch = (50, size) if length == "full" else (2, 8)
        found.append(Case(model, optimizer, "float64", steps, batch))
    return found
