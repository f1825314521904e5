"""The deck's LeNet.

    x (28, 28, 1)
    conv1  3x3, 1 -> 64, padding 1      relu1   pool1 2x2, stride 2   -> (14, 14, 64)
    conv2  3x3, 64 -> 128, padding 1    relu2   pool2 2x2, stride 2   -> (7, 7, 128)
    flatten in (height, width, channel) order -> 6272
    fc1    6272 -> 256                  relu3
    fc2    256 -> 10                    logits
    loss = -(1/B) sum_b log softmax(logits_b)[y_b]

After LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
recognition", in the widths of the course deck. 1,682,954 parameters, 95.6 % of them in fc1 and fc2.
"""

from bench import ranges
from bench.spec import Spec, layer


def spec() -> Spec:
    return Spec(
        architecture="lenet",
        parameters={
            **layer("conv1", (3, 3, 1, 64)),
            **layer("conv2", (3, 3, 64, 128)),
            **layer("fc1", (6272, 256)),
            **layer("fc2", (256, 10)),
        },
        parameter_count=1_682_954,
        inputs={"x": (28, 28, 1), "y": ()},
        functions=("logits",),
        objectives=("cross_entropy",),
        activations={
            **dict.fromkeys(("conv1", "relu1"), (28, 28, 64)),
            "pool1": (14, 14, 64),
            **dict.fromkeys(("conv2", "relu2"), (14, 14, 128)),
            "pool2": (7, 7, 128),
            **dict.fromkeys(("fc1", "relu3"), (256,)),
            "logits": (10,),
        },
        decisions=("pool1", "pool2"),
        ranges={"y": ranges.labels(10)},
    )
