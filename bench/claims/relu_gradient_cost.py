"""Is ReLU's gradient cheaper to compute than sigmoid's and tanh's? On the CPU clock.

Forward and backward pass are asked for one by one, so that neither hides in the other. The array
has 262,144 numbers, about those of LeNet-5's first feature map for 56 images: more than a cache
near the core holds, as in training. The smallest effect that matters is 10 %, log2 1.1 = 0.14. In a
pilot (all four frameworks, seeds 100 to 131, not used again) most deviations and A/A controls lay
below 0.05; at 0.1 nine seeds find 10 % beyond the threshold with a power of 0.95.
"""

import math

import numpy as np

from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import INFERENCE, System, Update
from bench.hypothesis import AtLeast, Hypothesis
from bench.optimizers import sgd
from bench.randomness import stream
from bench.specs import single_activation
from bench.systems import system_for
from bench.timing import turns

CHEAPEST, OTHERS = "relu", ("sigmoid", "tanh")
CONTROL = "relu again"
PASSES = ("backward", "forward")
TENTH = math.log2(1.1)
DEVIATION = 0.1


def _dearer(which: str, of: str, setting: str) -> Hypothesis:
    return Hypothesis(
        name=f"{which}, {of}",
        statement=f"{of} costs at least 10 % more CPU time than ReLU in the {which} pass.",
        rule=AtLeast(f"{which}_{of}", "turns", TENTH, TENTH, DEVIATION),
        setting=setting,
    )


CLAIM = Claim(
    name="relu_gradient_cost",
    title="ReLU's gradient is faster to compute",
    topic="activations",
    deck="ReLU : Gradients plus rapide à calculer",
    translation="ReLU: gradients that are faster to compute",
    compared=(
        "One activation alone, applied to normal random numbers in single precision. The backward "
        "pass takes the input, the activation's value and the gradient that arrives, as a "
        "framework's own does: δ [x > 0] for ReLU, δ y (1 - y) for sigmoid, δ (1 - y²) for tanh. "
        "Each is called in turns with the others, in an order that reverses from round to round; "
        "what is compared is the process's CPU time, paired by round. The forward pass, which the "
        "deck does not speak of, is a second setting. ReLU measured twice under two names shows "
        "how large a ratio is without a cause."
    ),
    arms={"turns": "ReLU, sigmoid and tanh by turns in one process"},
    metrics={
        **{
            f"{which}_{name}": f"log2 of CPU time, {name} / ReLU, {which} pass (1: twice as long)"
            for which in PASSES
            for name in OTHERS
        },
        **{
            f"{which}_control": f"log2 of CPU time, ReLU / ReLU, {which} pass: should be 0"
            for which in PASSES
        },
    },
    clocked=tuple(f"{which}_{name}" for which in PASSES for name in (*OTHERS, "control")),
    hypotheses=(
        _dearer("backward", "sigmoid", "the gradient, compared with sigmoid"),
        _dearer("backward", "tanh", "the gradient, compared with tanh"),
        _dearer("forward", "sigmoid", "the forward pass, compared with sigmoid"),
        _dearer("forward", "tanh", "the forward pass, compared with tanh"),
    ),
    budgets={
        "smoke": Budget((0,), 0, {"batch": 1, "size": 4096, "rounds": 2, "at_least": 0.001}),
        "standard": Budget((0,), 2, {"batch": 4, "size": 65_536, "rounds": 20, "at_least": 0.01}),
        "extended": Budget(
            tuple(range(10)), 0, {"batch": 4, "size": 65_536, "rounds": 40, "at_least": 0.03}
        ),
    },
    architectures=("single_activation",),
    figures=(
        Figure(
            series="costs",
            caption=(
                "CPU nanoseconds for each number of the array, by round. Lines that lie on each "
                "other cost the same; the two lines of ReLU show the noise."
            ),
            x="round",
            y="nanoseconds",
            hue="call",
            log="y",
        ),
    ),
)


def batch_of(activation: str, shape: tuple[int, int], seed: int) -> dict[str, np.ndarray]:
    """Input, value and gradients for one activation; the same numbers for all three."""
    draws = stream(seed, "relu_gradient_cost")
    x, delta = draws.standard_normal(shape), draws.standard_normal(shape)
    value = {
        "relu": lambda: np.maximum(x, 0.0),
        "sigmoid": lambda: 1.0 / (1.0 + np.exp(-x)),
        "tanh": lambda: np.tanh(x),
    }[activation]()
    return {"x": x, "value": value, "delta": delta, "cotangent": delta}


def run(job: Job) -> Outcome:
    """Measure both passes of the three activations by turns."""
    settings = job.settings
    shape = (settings["batch"], settings["size"])
    update = Update("energy", ("input:x",), sgd())
    systems: dict[str, tuple[System, object]] = {}
    for name in (CHEAPEST, *OTHERS):
        spec = single_activation.spec(settings["size"], name)
        system = system_for(job, spec, {"ask": update})
        systems[name] = system, system.stage(batch_of(name, shape, job.seed))

    settle = turns.settling(system for system, _ in systems.values())
    metrics: dict[str, float] = {}
    rows: list[dict[str, float | str]] = []
    for part, which in enumerate(PASSES):
        job.report(part / len(PASSES), f"{which} pass")
        calls = {
            name: lambda system=system, staged=staged, which=which: system.forward(
                which, staged, INFERENCE
            )
            for name, (system, staged) in systems.items()
        }
        calls[CONTROL] = calls[CHEAPEST]
        times = turns.measure(calls, settle, settings["rounds"], settings["at_least"])
        for name in OTHERS:
            metrics[f"{which}_{name}"] = turns.log2_ratio(times, name, CHEAPEST)
        metrics[f"{which}_control"] = turns.log2_ratio(times, CONTROL, CHEAPEST)
        rows += [
            {
                "call": f"{which}, {name}",
                "round": number,
                "nanoseconds": seconds / (shape[0] * shape[1]) * 1e9,
            }
            for name, taken in times.items()
            for number, seconds in enumerate(taken, start=1)
        ]
    return Outcome(metrics=metrics, series={"costs": rows})
