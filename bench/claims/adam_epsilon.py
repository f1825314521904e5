"""Adam's epsilon inside the root, as the deck prints it, against outside, as it was published.

    published    p <- p - lr mhat / (sqrt(vhat) + eps)
    deck         p <- p - lr mhat /  sqrt(vhat + eps)

Where vhat is small the published form divides by eps, the deck's by sqrt(eps): for each eps < 1 the
deck's floor is the higher one. Since sqrt(v) + e lies between sqrt(v + e^2) and sqrt(2 (v + e^2)),
epsilon inside acts as its square root outside, up to a factor of 1.41 in the step: 1e-8 acts as
1e-4, and 1e-4 as 1e-2, which is more than most gradients' size.

The budget of 50 steps ends while the loss still falls fast. It was chosen after a pilot (seeds 100
to 102): at ε = 1e-4 the forms differed by 0.04 nat after 50 steps and by 0.03 after 150, which 9
seeds would not tell from the margin.

Both forms run at one learning rate, Adam's usual 1e-3: what is asked is what changes when one
formula is taken for the other, and a rate searched for each would hide it. Margin 0.02 nat; planned
for a deviation of 0.01 nat of the paired difference: with 9 seeds the power is 1.00.
"""

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Erratum, Figure, Job, Outcome
from bench.contract import Update
from bench.hypothesis import Hypothesis, Same
from bench.instruments import blocks
from bench.optimizers import Optimizer, adam, deck_adam
from bench.specs import mlp
from bench.systems import system_for

MARGIN, DEVIATION = 0.02, 0.01  # nat of training loss
SETTINGS = {"batch_size": 64, "learning_rate": 1e-3}
WINDOW = 20
PLACES = {"inside": deck_adam, "outside": adam}


def _same(name: str, epsilon: str) -> Hypothesis:
    return Hypothesis(
        name=name,
        statement=f"At ε = {epsilon} the printed form trains as the published one does.",
        rule=Same("train_loss", f"inside_{epsilon}", f"outside_{epsilon}", MARGIN, DEVIATION),
        setting=f"ε = {epsilon}",
    )


CLAIM = Claim(
    name="adam_epsilon",
    title="Adam with epsilon inside the root",
    topic="optimization",
    deck="Adam : Δw = α m̂ / √(v̂+ε)",
    translation="Adam: Δw = α m̂ / √(v̂+ε), epsilon inside the square root",
    compared=(
        "A perceptron is trained by Adam with ε inside the root, as printed, and outside, as "
        "published, at four sizes of ε, from the same weights on the same batches at the same "
        "learning rate. Compared is the training loss after a fixed number of steps, mean of the "
        "last 20."
    ),
    arms={
        "outside_1e-8": "published form, ε = 1e-8, the usual size",
        "inside_1e-8": "deck's form, ε = 1e-8",
        "outside_1e-6": "published form, ε = 1e-6",
        "inside_1e-6": "deck's form, ε = 1e-6",
        "outside_1e-4": "published form, ε = 1e-4",
        "inside_1e-4": "deck's form, ε = 1e-4",
        "outside_1e-2": "published form, ε = 1e-2",
        "inside_1e-2": "deck's form, ε = 1e-2",
    },
    metrics={"train_loss": "training loss in nat, mean of the last 20 steps"},
    hypotheses=(
        _same("epsilon 1e-8", "1e-8"),
        _same("epsilon 1e-6", "1e-6"),
        _same("epsilon 1e-4", "1e-4"),
        _same("epsilon 1e-2", "1e-2"),
        Hypothesis(
            name="outside, 1e-4 as 1e-8",
            statement="In the published form ε = 1e-4 trains as ε = 1e-8 does.",
            rule=Same("train_loss", "outside_1e-4", "outside_1e-8", MARGIN, DEVIATION),
            role="mended",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "steps": 2}, arms=("outside_1e-4", "inside_1e-4")),
        "standard": Budget((0,), 2, {**SETTINGS, "steps": 50}),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "steps": 300}),
    },
    architectures=("mlp",),
    datasets=("mnist5k",),
    errata=(
        Erratum(
            printed="Δw = α m̂ / √(v̂ + ε)",
            mended="Δw = α m̂ / (√v̂ + ε)",
            why=(
                "Kingma and Ba (2015), Algorithm 1, add ε to the root. Inside it acts as √ε: the "
                "usual 1e-8 as 1e-4, which changes little, but 1e-4 as 1e-2, which is larger than "
                "most gradients and slows the training."
            ),
            refuted_by="epsilon 1e-4",
            supported_by="outside, 1e-4 as 1e-8",
        ),
    ),
    figures=(
        Figure(
            "learning",
            "Training loss by place and size of epsilon, means of blocks of steps",
            y="loss",
            hue="arm",
            log="y",
        ),
    ),
)


def optimizer(arm: str) -> Optimizer:
    """The one an arm names: <place>_<epsilon>."""
    place, _, epsilon = arm.partition("_")
    return conventions.usual_adam(PLACES[place], float(epsilon))


def run(job: Job) -> Outcome:
    """One place and size of epsilon."""
    settings = job.settings
    data = training.prepared(job)
    spec = mlp.spec(widths=(64,))
    update = Update("cross_entropy", ("",), optimizer(job.arm))
    system = system_for(job, spec, {training.TRAIN: update})
    system.load(weights.initial(spec, job.seed))
    steps = settings["steps"]
    found = training.fit(
        system,
        training.batches(data, job.seed, settings["batch_size"], steps),
        settings["learning_rate"],
        lambda step: job.report(step / steps, job.arm),
    )
    return Outcome(
        metrics={"train_loss": found.final(WINDOW)},
        series={"learning": blocks.means(found.losses)},
    )
