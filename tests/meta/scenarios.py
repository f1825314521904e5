"""The smallest comparisons that should kill a mutant; each takes a second or less.

A scenario compares a framework with the NumPy reference and answers with every quantity and its
largest deviation. One whose excess is above 1 is red.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from bench import systems, weights
from bench.conformance import explain, lockstep
from bench.conformance.cases import Case
from bench.conformance.lockstep import Quantity
from bench.conformance.tolerances import tolerance
from bench.contract import INFERENCE, Config, State, Update
from bench.optimizers import sgd
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import mlp, resnet, single_convolution, single_max_pool

Quantities = Mapping[str, Quantity]
Scenario = Callable[[ModuleType, ModuleType, str], Quantities]


@dataclass(frozen=True)
class Lockstep:
    """A few steps of training; the learning rate falls half-way."""

    case: Case

    def __call__(self, reference: ModuleType, adapter: ModuleType, framework: str) -> Quantities:
        return lockstep.compare(reference, adapter, self.case, framework).quantities


@dataclass(frozen=True)
class Once:
    """One question: outputs and gradients of a spec on given arrays."""

    spec: Callable[[], Spec]
    arrays: Callable[[Spec, np.random.Generator], dict[str, np.ndarray]]
    function: str
    objective: str
    wrt: tuple[str, ...]

    def __call__(self, reference: ModuleType, adapter: ModuleType, framework: str) -> Quantities:
        spec = self.spec()
        batch = self.arrays(spec, stream(0, "mutants"))
        ours, theirs = (self._ask(module, spec, batch) for module in (reference, adapter))
        net = max(float(np.abs(array).max()) for array in ours["gradient"].values())
        found: dict[str, Quantity] = {}
        for name in ours:
            rule = tolerance("float64", name, "sgd", net)
            found[name] = Quantity(rule.limit)
            pairs = explain.pairs(ours[name], theirs[name])
            found[name].note(0, {t: rule.deviation(a, b) for t, a, b in pairs})
        return found

    def _ask(self, module: ModuleType, spec: Spec, batch: Mapping[str, np.ndarray]):
        update = Update(self.objective, self.wrt, sgd())
        system = systems.build(module, spec, {"ask": update}, Config(dtype="float64"))
        initial = weights.initial(spec, 0).parameters
        # Small biases: a bias that is exactly zero hides what is done with it.
        draws = stream(0, "mutant biases")
        system.load(
            State({n: a + 0.01 * draws.normal(size=a.shape) * (a == 0) for n, a in initial.items()})
            if self.wrt != BLANK
            else State(initial)
        )
        staged = system.stage(batch)
        answer = system.differentiate("ask", staged)
        outputs = system.evaluate(self.function, staged, INFERENCE).outputs
        loss = {name: np.array(term) for name, term in answer.terms.items()}
        return {"loss": loss, "output": outputs, "gradient": answer.gradients}


BLANK = ("fc1/", "fc2/", "fc3/")


def normal(spec: Spec, draws: np.random.Generator) -> dict[str, np.ndarray]:
    return {name: draws.normal(size=(2, *shape)) for name, shape in spec.inputs.items()}


def tied(spec: Spec, draws: np.random.Generator) -> dict[str, np.ndarray]:
    arrays = normal(spec, draws)
    return {**arrays, "x": draws.integers(0, 2, arrays["x"].shape).astype(float)}


def blank(spec: Spec, draws: np.random.Generator) -> dict[str, np.ndarray]:
    """Images of zeros on zero biases: every ReLU sits exactly at its kink."""
    return {"x": np.zeros((4, *spec.inputs["x"])), "y": draws.integers(0, 10, 4)}


def extreme(spec: Spec, draws: np.random.Generator) -> dict[str, np.ndarray]:
    """Logits so far apart that probabilities fall below what some losses clip at."""
    x = 100 * draws.normal(size=(4, *spec.inputs["x"]))
    return {"x": x, "y": draws.integers(0, 10, 4)}


def masked() -> Spec:
    return mlp.spec(widths=(32, 16), dropout="deck", keep_hidden=0.5)


def ones(spec: Spec, draws: np.random.Generator) -> dict[str, np.ndarray]:
    """Nothing is put out: what is seen is what dropout does at the test."""
    masks = {name: np.ones((4, *spec.inputs[name])) for name in spec.inputs if "dropout/" in name}
    return {"x": draws.normal(size=(4, *spec.inputs["x"])), "y": draws.integers(0, 10, 4), **masks}


def strided() -> Spec:
    return single_convolution.spec(size=8, channels=2, filters=3, kernel=3, stride=2, padding=1)


def residual() -> Spec:
    """Pixels of x around a basic block, a projection around a bottleneck, both of stride 2."""
    one = resnet.Convolution
    blocks = (
        resnet.Block("stage1_block1", (one(3, 3, 2), one(3, 3)), "identity"),
        resnet.Block("stage2_block1", (one(2, 1, 2), one(2, 3), one(5, 1)), "projection"),
    )
    return resnet.net((16, 16, 1), 3, one(2, 3), False, blocks)


def labeled(spec: Spec, draws: np.random.Generator) -> dict[str, np.ndarray]:
    return {"x": draws.normal(size=(4, *spec.inputs["x"])), "y": draws.integers(0, 3, 4)}


ALL = ("", "input:x")
SCENARIOS: dict[str, Scenario] = {
    "mlp, sgd": Lockstep(Case("mlp", "sgd", "float64", 4, 8)),
    "mlp, momentum": Lockstep(Case("mlp", "momentum", "float64", 4, 8)),
    "mlp, adam": Lockstep(Case("mlp", "adam", "float64", 4, 8)),
    "lenet, adam": Lockstep(Case("lenet", "adam", "float64", 2, 2)),
    "sigmoid": Lockstep(Case("sigmoid", "adagrad", "float64", 4, 8)),
    "tanh": Lockstep(Case("tanh", "deck_adam", "float64", 4, 8)),
    "batch norm": Lockstep(Case("batch norm", "deck_momentum", "float64", 4, 8)),
    "convolutional batch norm": Lockstep(
        Case("convolutional batch norm", "momentum", "float64", 2, 4)
    ),
    "deck dropout": Lockstep(Case("deck dropout", "sgd", "float64", 2, 8)),
    "inverted dropout": Lockstep(Case("inverted dropout", "adam", "float64", 2, 8)),
    "accumulation": Lockstep(Case("accumulation", "sgd", "float64", 2, 8)),
    "weight decay": Lockstep(Case("weight decay", "momentum", "float64", 4, 8)),
    "deck dropout at test": Once(masked, ones, "logits", "cross_entropy", ("",)),
    "strided convolution": Once(strided, normal, "response", "energy", ALL),
    "tied pooling": Once(single_max_pool.spec, tied, "response", "energy", ("input:x",)),
    "blank images": Once(mlp.spec, blank, "logits", "cross_entropy", BLANK),
    "segnet": Lockstep(Case("segnet", "adam", "float64", 2, 4)),
    "residual net": Once(residual, labeled, "logits", "cross_entropy", ("",)),
    "extreme logits": Once(mlp.spec, extreme, "logits", "cross_entropy", ("",)),
}
