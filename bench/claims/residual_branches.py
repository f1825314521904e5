"""With a shortcut a block has to learn only what differs from its input: is that little, and new?

The nets, their images and the loss are those of residual_depth; all learn at a rate of 0.1, the
paper's, at which residual nets of 8 and 20 layers read the digits after 60 steps in a pilot (NumPy,
seeds 100 to 105, which are not used again). What is measured of a block is in
bench/instruments/residual.py.

"Small" is a word about the branch against its shortcut. With initial weights both are decided by
arithmetic: behind batch norm every branch has the size 1, and the shortcut, a sum of all branches
before it, grows with every block. So a deeper net has branches that are smaller by comparison
before it has learned anything, and what training adds is asked apart. He, Zhang, Ren and Sun (2016)
compare the branches' own sizes after 64,000 steps with weight decay, of which there is none here.

An effect of size is a fifth, log2 1.2 = 0.26 doublings, one of what is explained a tenth of the
variance. Deviations are the pilot's, rounded up. With them nine seeds find those effects with a
power of at least 0.93, but what is explained with 0.74: a fifth of the variance with 0.95.
"""

import math

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.claims.residual_depth import net
from bench.contract import Update
from bench.hypothesis import AtLeast, Difference, Hypothesis
from bench.instruments import residual
from bench.optimizers import momentum
from bench.systems import system_for

EFFECT, TENTH = math.log2(1.2), 0.1
SETTINGS = {"batch_size": 32, "learning_rate": 0.1}
DEPTHS = (8, 20)


def small(depth: int) -> Hypothesis:
    return Hypothesis(
        name=f"small, {depth} layers",
        statement=f"In a trained net of {depth} layers branches are smaller than their shortcuts.",
        rule=AtLeast("below", f"residual_{depth}", 0.0, EFFECT, deviation=0.2),
        setting=f"branches smaller than their shortcuts, {depth} layers",
    )


def shrunk(depth: int, deviation: float) -> Hypothesis:
    return Hypothesis(
        name=f"smaller by training, {depth} layers",
        statement=f"Training makes the branches of {depth} layers smaller against their shortcuts.",
        rule=AtLeast("shrunk", f"residual_{depth}", 0.0, EFFECT, deviation),
        setting=f"smaller than before training, {depth} layers",
    )


CLAIM = Claim(
    name="residual_branches",
    title="With a shortcut, convolutions learn something different from the previous layer",
    topic="residual nets",
    deck=(
        "Court-circuit sur les convolutions ⇒ impose aux nouvelles convolutions d'apprendre "
        "quelque chose de différent de la couche précédente"
    ),
    translation=(
        "Shortcut around the convolutions: the new convolutions are made to learn something "
        "different from the previous layer"
    ),
    compared=(
        "Residual nets of 8 and 20 layers learn digits for 60 steps. Before and after, one batch "
        "goes through them, and at every block the output of the branch is compared with what the "
        "shortcut brings: its size, and the share of it that is a mixture of the channels that "
        "came in. If a block learns a difference, its branch is small, gets smaller, and is "
        "smaller in deeper nets; if that is made different by the shortcut, less of it was there "
        "before than in a plain net of as many layers, trained alike."
    ),
    arms={
        "residual_8": "8 layers in 3 blocks, with shortcuts",
        "residual_20": "20 layers in 9 blocks, with shortcuts",
        "plain_20": "20 layers without shortcuts: a block's input stands for its shortcut",
        "residual_44": "44 layers in 21 blocks, with shortcuts (extended; no rule is about it)",
    },
    metrics={
        "below": "log2 of the shortcut's size over the branch's after training, mean of the blocks",
        "shrunk": "that, minus the same before training: halvings by training",
        "response": "log2 of the branch's deviation, mean of the blocks (0 before training)",
        "explained": "share of the branch that mixes its block's input, where the shape is kept",
        "train_loss": "mean cross-entropy of the last 20 steps, in nats",
    },
    hypotheses=(
        *map(small, DEPTHS),
        shrunk(8, 0.1),
        shrunk(20, 0.2),
        Hypothesis(
            name="more by training, 20 layers",
            statement="Training shrinks the branches of 20 layers more than those of 8 layers.",
            rule=Difference("shrunk", "residual_20", "residual_8", "greater", EFFECT, 0.15),
            setting="shrunk by training, 20 layers against 8",
        ),
        Hypothesis(
            name="smaller responses, 20 layers",
            statement="The branches of 20 layers have smaller responses than those of 8 layers.",
            rule=Difference("response", "residual_20", "residual_8", "less", EFFECT, 0.1),
            setting="their own size, 20 layers against 8",
        ),
        Hypothesis(
            name="different from its input",
            statement="Less of a residual net's branch mixes its input than of a plain net's.",
            rule=Difference("explained", "residual_20", "plain_20", "less", TENTH, 0.1),
            setting="different from its input, 20 layers against a plain net",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "steps": 2, "examples": 32}, arms=("residual_8",)),
        "standard": Budget(
            (0,),
            2,
            {**SETTINGS, "steps": 60, "examples": 128},
            arms=("residual_8", "residual_20", "plain_20"),
        ),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "steps": 500, "examples": 500}),
    },
    architectures=("resnet",),
    datasets=("mnist5k",),
    figures=tuple(
        Figure(series=quantity, caption=caption, x="block", y=quantity, hue="net")
        for quantity, caption in (
            ("ratio", "log2 of the branch's size over the shortcut's, by block."),
            ("response", "log2 of the branch's own deviation, by block."),
            ("explained", "Share of a branch that is a mixture of its block's input."),
        )
    ),
)


def run(job: Job) -> Outcome:
    """Look at every block of a net before and after its training."""
    settings, data = job.settings, residual.small(training.prepared(job))
    kind, _, depth = job.arm.partition("_")
    spec = net(kind, int(depth))
    update = Update("cross_entropy", ("",), momentum(conventions.MOMENTUM))
    system = system_for(job, spec, {training.TRAIN: update})
    system.load(weights.initial(spec, job.seed))
    chosen = slice(settings["examples"])
    seen = system.stage({"x": data.train_x[chosen], "y": data.train_y[chosen]})

    def look() -> list[residual.Added]:
        return residual.added(spec, {n: value for n, value, _ in system.trace("train", seen)})

    before = look()
    found = training.fit(
        system,
        training.drawn(data, job.seed, settings["batch_size"], settings["steps"]),
        settings["learning_rate"],
        lambda step: job.report(step / settings["steps"], f"step {step}"),
    )
    after = before if found.diverged else look()
    lost = math.nan if found.diverged else 0.0
    ratio, response, explained = (residual.mean(after, x) + lost for x in residual.QUANTITIES)
    looks = {"initial weights": before, "trained": after}
    return Outcome(
        metrics={
            "below": -ratio,
            "shrunk": residual.mean(before, "ratio") - ratio,
            "response": response,
            "explained": explained,
            "train_loss": found.final(),
        },
        series={
            quantity: [
                {"net": f"{job.arm}, {when}", "block": one.block, quantity: getattr(one, quantity)}
                for when, blocks in looks.items()
                for one in blocks
                if math.isfinite(getattr(one, quantity))
            ]
            for quantity in residual.QUANTITIES
        },
        record={"data": data.record},
    )
