"""Does batch norm need fewer iterations? At the best rate of each, and at rates that are given.

The net without batch norm starts from He's weights: a worse start would be a handicap that batch
norm is then praised for (the extended budget has that arm). Its own best rate is the best of five
for each net by training loss; low and high give both nets one rate, an end of what was usable in a
pilot (NumPy, seeds 100 to 114, not used again). An effect of 25 % of the iterations, log2 1.25 =
0.32, is found by nine seeds with a power of 0.79 at the given rates, whose deviation was 0.3,
and of 0.47 at the best ones, whose deviation was 0.45; there 50 % are found with 0.9.
"""

import math

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome, Search
from bench.contract import Update
from bench.hypothesis import Difference, Hypothesis
from bench.instruments.curves import smoothed
from bench.optimizers import momentum
from bench.spec import Spec
from bench.specs import convnet
from bench.specs.convnet import Block
from bench.systems import system_for

EFFECT = math.log2(1.25)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
BLOCKS = (
    Block(8, 3, stride=2, padding=1, pooling="none"),
    Block(8, 3, stride=2, padding=1, pooling="none"),
    Block(16, 3, padding=1, pooling="none"),
    Block(16, 3, padding=1, pooling="none"),
)
NETS = {"plain": "without batch norm", "norm": "with batch norm"}
GIVEN = {"low": "low_rate", "high": "high_rate"}  # arms at a rate that both nets are given
EXTENDED = ("plain_small", "norm_small", "plain_sigmoid", "norm_sigmoid")
SETTINGS = {
    "batch_size": 32,
    "target": 0.5,
    "learning_rate": 0.03,
    "low_rate": 0.003,
    "high_rate": 0.1,
}


def _fewer(ending: str, statement: str, setting: str, deviation: float) -> Hypothesis:
    return Hypothesis(
        name=setting,
        statement=f"{statement}, the net with batch norm needs fewer iterations.",
        rule=Difference("log2_steps", f"norm{ending}", f"plain{ending}", "less", EFFECT, deviation),
        setting=setting,
    )


CLAIM = Claim(
    name="batch_norm_iterations",
    title="Batch norm learns in fewer iterations",
    topic="batch normalization",
    deck="Batch normalization : Apprentissage plus rapide (en nombre d'itération)",
    translation="Batch normalization: faster learning (in the number of iterations)",
    compared=(
        "A net of four 3x3 convolutions and one fully connected layer, with batch norm between "
        "each convolution and its ReLU, and without. Counted are the iterations until the mean "
        "training loss of the last 10 batches is at most 0.5; a run that never gets there counts "
        "as the horizon. Both nets start from the same He weights and see the same batches. Each "
        "has its own best rate of five; then both are given one low rate, and one high rate."
    ),
    arms={
        **{name: f"{what}, at its own best rate" for name, what in NETS.items()},
        **{
            f"{name}_{which}": f"{what}, at a {which} rate that both are given"
            for which in GIVEN
            for name, what in NETS.items()
        },
        **{
            f"{name}_small": f"{what}, weights of deviation 0.01 (extended; no rule is about it)"
            for name, what in NETS.items()
        },
        **{
            f"{name}_sigmoid": f"{what}, sigmoid for ReLU (extended; no rule is about it)"
            for name, what in NETS.items()
        },
    },
    metrics={
        "log2_steps": "log2 of the iterations to the target (1 more: twice as many)",
        "reached": "1 if the target was reached within the horizon",
        "train_loss": "mean training loss over all iterations: what the search makes small",
    },
    censored={"log2_steps": "reached"},
    hypotheses=(
        _fewer("", "Each at its best rate", "each at its best rate", 0.45),
        _fewer("_low", "At a low rate", "both at a low rate", 0.3),
        _fewer("_high", "At a high rate", "both at a high rate", 0.3),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "horizon": 12}, arms=("plain", "norm")),
        "standard": Budget(
            (0,),
            2,
            {**SETTINGS, "horizon": 120},
            arms=("plain", "norm", "plain_low", "norm_low", "plain_high", "norm_high"),
        ),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "horizon": 600}),
    },
    architectures=("convnet",),
    datasets=("mnist5k",),
    search=Search(
        grid=dict.fromkeys(("plain", "norm", *EXTENDED), RATES),
        metric="train_loss",
        seeds=(9001, 9002, 9003, 9004),
    ),
    figures=(
        Figure(
            series="losses",
            caption=(
                "Training loss by iteration (mean of 10 batches). The band is the range over seeds."
            ),
            log="y",
        ),
    ),
)


def net(norm: bool, activation: str = "relu") -> Spec:
    """Four convolutions, with batch norm or without."""
    constants = conventions.BATCH_NORM if norm else None
    return convnet.spec(blocks=BLOCKS, dense=(), activation=activation, norm=constants)


def run(job: Job) -> Outcome:
    """Train one net over the whole horizon and see when it reached the target."""
    settings = job.settings
    name, _, variant = job.arm.partition("_")
    spec = net(name == "norm", "sigmoid" if variant == "sigmoid" else "relu")
    initializer = {"small": "constant_small_normal", "sigmoid": "glorot_normal"}.get(variant)
    update = Update("cross_entropy", ("",), momentum(conventions.MOMENTUM))
    system = system_for(job, spec, {training.TRAIN: update})
    system.load(weights.initial(spec, job.seed, initializer))
    data = training.prepared(job)
    horizon = settings["horizon"]
    found = training.fit(
        system,
        training.batches(data, job.seed, settings["batch_size"], horizon),
        settings[GIVEN.get(variant, "learning_rate")],
        lambda step: job.report(step / horizon, NETS[name]),
    )
    arrival = found.steps_to(settings["target"])
    return Outcome(
        metrics={**arrival.metrics(), "train_loss": found.final(horizon)},
        series={
            "losses": [
                {"arm": job.arm, "step": step, "loss": loss}
                for step, loss in smoothed(found.losses)
            ]
        },
        record={"data": data.record, "steps": arrival.steps},
    )
