"""PyTorch's own version of every technique. What each function is: tests/natives/__init__.py."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn, optim
from torch.nn import functional

UNALIGNED = {
    "optimize deck_adam": "epsilon is outside of the root, and no argument puts it inside",
}
TOLERANCES = {
    "clip_by_global_norm": 1e-5,  # limit / (norm + 1e-6)
}


def tensor(array: np.ndarray) -> Tensor:
    """In PyTorch's layout: channels first."""
    image = array.transpose(0, 3, 1, 2) if array.ndim == 4 else array
    return torch.from_numpy(np.array(image, order="C"))


def array(value: Tensor) -> np.ndarray:
    found = value.detach().numpy()
    return found.transpose(0, 2, 3, 1) if found.ndim == 4 else found


def batch_norm(
    x: np.ndarray,
    scale: np.ndarray,
    shift: np.ndarray,
    running_mean: np.ndarray,
    running_variance: np.ndarray,
    training: bool,
    decay: float,
    epsilon: float,
    unbiased: bool,
) -> tuple[np.ndarray, ...]:
    """momentum is the weight of the new value, and the running variance is the unbiased one."""
    before = torch.from_numpy(running_variance.copy())
    layer = (nn.BatchNorm2d if x.ndim == 4 else nn.BatchNorm1d)(
        x.shape[-1], eps=epsilon, momentum=1 - decay, dtype=torch.float64
    ).train(training)
    layer.load_state_dict(
        {
            "weight": tensor(scale),
            "bias": tensor(shift),
            "running_mean": tensor(running_mean),
            "running_var": before,
            "num_batches_tracked": torch.tensor(0),
        }
    )
    y = layer(tensor(x))
    variance = layer.running_var
    assert variance is not None
    assert layer.running_mean is not None
    if training and not unbiased:
        count = x.size // x.shape[-1]
        batch = (variance - decay * before) * ((count - 1) / count)
        variance = decay * before + batch
    return array(y), array(layer.running_mean), array(variance)


def batch_norm_gradient(
    x: np.ndarray, scale: np.ndarray, shift: np.ndarray, epsilon: float, delta: np.ndarray
) -> tuple[np.ndarray, ...]:
    inputs = [tensor(entry).requires_grad_() for entry in (x, scale, shift)]
    y = functional.batch_norm(
        inputs[0], None, None, inputs[1], inputs[2], training=True, eps=epsilon
    )
    y.backward(tensor(delta))
    return tuple(array(_gradient(entry)) for entry in inputs)


def dropout(x: np.ndarray, keep: float, seed: int) -> np.ndarray:
    """p is the probability of putting out."""
    torch.manual_seed(seed)
    return array(nn.Dropout(p=1 - keep).train()(tensor(x)))


def activation(name: str, x: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    modules = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "identity": nn.Identity}
    return _both(modules[name](), x, delta)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    scores = tensor(logits).requires_grad_()
    loss = nn.CrossEntropyLoss()(scores, torch.from_numpy(labels))
    loss.backward()
    return loss.item(), array(_gradient(scores))


def max_pool(
    x: np.ndarray, window: int, stride: int, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return _both(nn.MaxPool2d(window, stride), x, delta)


def average_pool(
    x: np.ndarray, window: int, stride: int, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return _both(nn.AvgPool2d(window, stride), x, delta)


def unpool(x: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The size is handed over: 2 H' would be too small where H is odd."""

    def there_and_back(x: Tensor) -> Tensor:
        pooled, indices = nn.MaxPool2d(2, return_indices=True)(x)
        return nn.MaxUnpool2d(2)(pooled, indices, output_size=x.shape[2:])

    return _both(there_and_back, x, delta)


def upsample(upsampling: str, x: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _both(nn.Upsample(scale_factor=2, mode=upsampling), x, delta)


def transposed_convolution(
    x: np.ndarray, weight: np.ndarray, delta: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The kernel is (in, out, height, width)."""
    channels, filters = weight.shape[2:]
    layer = nn.ConvTranspose2d(channels, filters, 2, 2, bias=False, dtype=torch.float64)
    layer.weight.data = torch.from_numpy(weight.transpose(2, 3, 0, 1).copy())
    y, by_x = _both(layer, x, delta)
    return y, by_x, _gradient(layer.weight).numpy().transpose(2, 3, 0, 1)


def pixel_cross_entropy(
    logits: np.ndarray, labels: np.ndarray, weights: Sequence[float]
) -> tuple[float, np.ndarray]:
    """The library's mean is divided by the sum of the weights."""
    own = torch.tensor(weights, dtype=torch.float64)
    scores, classes = tensor(logits).requires_grad_(), torch.from_numpy(labels)
    loss = nn.CrossEntropyLoss(own)(scores, classes) * own[classes].mean()
    loss.backward()
    return loss.item(), array(_gradient(scores))


def optimize(
    rule: str,
    parameter: np.ndarray,
    gradients: Sequence[np.ndarray],
    rates: Sequence[float],
    **constants: float,
) -> np.ndarray:
    """The deck's momentum holds the rate of every step: SGD at rate 1 on gradients times rates."""
    value = nn.Parameter(tensor(parameter))
    library: optim.Optimizer
    if rule in ("sgd", "momentum", "deck_momentum"):
        library = optim.SGD([value], lr=1.0, momentum=constants.get("momentum", 0.0))
    elif rule == "adagrad":
        library = optim.Adagrad([value], lr=1.0, eps=constants["epsilon"])
    elif rule == "adam":
        betas = constants["beta1"], constants["beta2"]
        library = optim.Adam([value], lr=1.0, betas=betas, eps=constants["epsilon"])
    else:
        raise ValueError(rule)
    for gradient, rate in zip(gradients, rates, strict=True):
        held = rule == "deck_momentum"
        library.param_groups[0]["lr"] = 1.0 if held else rate
        value.grad = tensor(rate * gradient if held else gradient)
        library.step()
    return array(value)


def clip_by_global_norm(gradients: Mapping[str, np.ndarray], limit: float) -> dict[str, np.ndarray]:
    parameters = {name: nn.Parameter(torch.zeros(g.shape)) for name, g in gradients.items()}
    for name, parameter in parameters.items():
        parameter.data = tensor(gradients[name])
        parameter.grad = tensor(gradients[name])
    nn.utils.clip_grad_norm_(list(parameters.values()), limit)
    return {name: array(_gradient(parameter)) for name, parameter in parameters.items()}


def weight_decay(
    parameter: np.ndarray,
    gradients: Sequence[np.ndarray],
    rate: float,
    momentum: float,
    decay: float,
) -> np.ndarray:
    value = nn.Parameter(tensor(parameter))
    library = optim.SGD([value], lr=rate, momentum=momentum, weight_decay=decay)
    for gradient in gradients:
        value.grad = tensor(gradient)
        library.step()
    return array(value)


def accumulated(
    parameter: np.ndarray, gradients: Sequence[np.ndarray], parts: int, rate: float
) -> np.ndarray:
    """backward() adds to .grad: each loss is divided by the number of parts."""
    value = nn.Parameter(tensor(parameter))
    library = optim.SGD([value], lr=rate)
    for number, gradient in enumerate(gradients, start=1):
        loss = (value * tensor(gradient)).sum()
        (loss / parts).backward()
        if number % parts == 0:
            library.step()
            library.zero_grad()
    return array(value)


def piecewise_constant(
    steps: int, boundaries: Sequence[int], rates: Sequence[float]
) -> list[float]:
    """MultiStepLR knows one factor, so the rates must be a geometric sequence."""
    return _rates(
        steps,
        rates[0],
        optim.lr_scheduler.MultiStepLR,
        milestones=list(boundaries),
        gamma=rates[1] / rates[0],
    )


def exponential_decay(steps: int, rate: float, decay: float, period: float) -> list[float]:
    return _rates(steps, rate, optim.lr_scheduler.ExponentialLR, gamma=decay ** (1 / period))


def standardize(x: np.ndarray) -> np.ndarray:
    """torch.std_mean with correction=0: its default divides by m - 1."""
    given = tensor(x)
    others = [axis for axis in range(x.ndim) if axis != 1]
    deviation, mean = torch.std_mean(given, dim=others, correction=0, keepdim=True)
    return array((given - mean) / deviation)


def affine(x: np.ndarray, angle: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """affine_grid counts from -1 to 1, columns before rows."""
    half = (np.array(x.shape[1:3]) - 1) / 2
    cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
    back = np.stack([cosine, sine, -sine, cosine], axis=-1).reshape(-1, 2, 2)  # R(-angle) / scale
    offset = -np.einsum("bij,bj->bi", back, shift) / half
    matrix = back * half[None, None, :] / half[None, :, None]
    theta = np.concatenate([matrix[:, ::-1, ::-1], offset[:, ::-1, None]], axis=2)
    images = tensor(x)
    grid = functional.affine_grid(tensor(theta), list(images.shape), align_corners=True)
    return _sampled(images, grid)


def elastic(x: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    sides = np.array(x.shape[1:3])
    pixels = np.stack(np.meshgrid(*map(np.arange, sides), indexing="ij"), axis=-1)
    grid = 2 * (pixels + displacement) / (sides - 1) - 1
    return _sampled(tensor(x), torch.from_numpy(grid[..., ::-1].copy()))


def _sampled(images: Tensor, grid: Tensor) -> np.ndarray:
    return array(
        functional.grid_sample(
            images, grid, mode="bilinear", padding_mode="zeros", align_corners=True
        )
    )


def _both(
    module: Callable[[Tensor], Tensor], x: np.ndarray, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A function's value, and its gradient by x."""
    given = tensor(x).requires_grad_()
    y = module(given)
    y.backward(tensor(delta))
    return array(y), array(_gradient(given))


def _gradient(value: Tensor) -> Tensor:
    assert value.grad is not None
    return value.grad


def _rates(steps: int, rate: float, scheduler: Any, **settings: Any) -> list[float]:
    """A schedule moves after the optimizer did."""
    library = optim.SGD([nn.Parameter(torch.zeros(1))], lr=rate)
    schedule, found = scheduler(library, **settings), []
    for _ in range(steps):
        found.append(float(library.param_groups[0]["lr"]))
        library.step()
        schedule.step()
    return found
