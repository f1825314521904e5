"""A toy that asks of the contract what a GAN and inpainting will ask.

Two updates with optimizers of their own that move different parameters of one system, a function of
a function, a gradient with respect to an input, an update clipped by its global norm.
"""

from bench.spec import Spec, layer


def tiny_gan() -> Spec:
    """z (4,) -> generator -> (6,); discriminator (6,) -> one score.

    generator_loss      = -mean score(G(z))
    discriminator_loss  = mean score(G(z)) - mean score(x), reported as two terms
    real_loss           = -mean score(x), which knows nothing of the generator
    """
    return Spec(
        architecture="tiny_gan",
        home="tests.toys",
        parameters={
            **layer("generator/fc1", (4, 8)),
            **layer("generator/fc2", (8, 6)),
            **layer("discriminator/fc1", (6, 8)),
            **layer("discriminator/fc2", (8, 1)),
        },
        parameter_count=(4 * 8 + 8) + (8 * 6 + 6) + (6 * 8 + 8) + (8 + 1),
        inputs={"x": (6,), "z": (4,)},
        functions=("sample", "score"),
        objectives=("generator_loss", "discriminator_loss", "real_loss"),
        activations={
            "generator/fc1": (8,),
            "generator/fc2": (6,),
            "discriminator/fc1": (8,),
            "discriminator/fc2": (1,),
        },
    )
