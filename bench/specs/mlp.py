"""The multilayer perceptron.

    x (28, 28, 1) -> flatten -> 784
    fc1  784 -> 128    relu1
    fc2  128 -> 64     relu2
    fc3  64 -> 10      logits
    loss = -(1/B) sum_b log softmax(logits_b)[y_b]

Rumelhart, Hinton and Williams (1986), "Learning representations by back-propagating errors".
"""

from bench.spec import Spec, layer


def spec() -> Spec:
    return Spec(
        architecture="mlp",
        parameters={
            **layer("fc1", (784, 128)),
            **layer("fc2", (128, 64)),
            **layer("fc3", (64, 10)),
        },
        parameter_count=109_386,
        inputs={"x": (28, 28, 1), "y": ()},
        functions=("logits",),
        objectives=("cross_entropy",),
        activations=("fc1", "relu1", "fc2", "relu2", "logits"),
    )
