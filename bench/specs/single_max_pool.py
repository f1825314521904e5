"""One max-pooling layer alone: where does its gradient go?

    E = sum_{b,i,j,c} cotangent_{bijc} max_{a,d in window} x_{b, s i + a, s j + d, c}

No parameters: the gradient asked for is that of the input.
"""

from bench.spec import Spec


def spec(size: int = 8, channels: int = 3, window: int = 2, stride: int = 2) -> Spec:
    out = (size - window) // stride + 1
    return Spec(
        architecture="single_max_pool",
        parameters={},
        parameter_count=0,
        inputs={"x": (size, size, channels), "cotangent": (out, out, channels)},
        functions=("response",),
        objectives=("energy",),
        activations={"pool": (out, out, channels)},
        decisions=("pool",),
        options={"window": window, "stride": stride},
    )
