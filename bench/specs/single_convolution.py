"""One convolution alone, so that automatic differentiation is asked exactly the deck's question.

    x = conv(y, weight) + bias       y (height, width, channels), the layer's input
    E = sum_{b,i,j,c} cotangent_{bijc} sigma(x_{bijc})       sigma the logistic function

The cotangent is dE/dy of the layer's output in the deck's notation, drawn at random and handed in.
"""

from bench.spec import Spec, layer


def spec(
    size: int = 9,
    channels: int = 1,
    filters: int = 1,
    kernel: int = 3,
    stride: int = 1,
    padding: int = 0,
) -> Spec:
    out = (size + 2 * padding - kernel) // stride + 1
    shape = (kernel, kernel, channels, filters)
    return Spec(
        architecture="single_convolution",
        parameters=layer("conv", shape),
        parameter_count=kernel * kernel * channels * filters + filters,
        inputs={"x": (size, size, channels), "cotangent": (out, out, filters)},
        functions=("response",),
        objectives=("energy",),
        activations=dict.fromkeys(("conv", "sigmoid"), (out, out, filters)),
        options={"stride": stride, "padding": padding},
    )
