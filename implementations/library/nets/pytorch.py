"""Nets of torch.nn: images channels-first, kernels (out, in, height, width). See __init__.py."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.conventions import LENET_PADDING
from bench.errors import UserError
from bench.spec import Spec

ARCHITECTURES = ("mlp", "convnet", "lenet", "vgg", "resnet", "segnet")
UNBIASED = True
ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}
Layers = dict[str, nn.Module]


def build(spec: Spec, dtype: str) -> nn.Module:
    """Raises UserError for a SegNet whose way back is no layer of the library."""
    if spec.architecture in ("resnet", "segnet"):
        net = (ResNet if spec.architecture == "resnet" else SegNet)(spec)
    else:
        chain = {"mlp": _mlp, "convnet": _convnet, "lenet": _lenet, "vgg": _vgg}
        net = nn.Sequential(OrderedDict(chain[spec.architecture](spec)))
    return net.to(getattr(torch, dtype))


def _mlp(spec: Spec) -> Layers:
    norm, activation = spec.options["norm"], spec.options["activation"]
    layers: Layers = {"flatten": nn.Flatten()}
    for number in range(1, spec.options["layers"] + 1):
        shape, hidden = spec.shapes()[f"fc{number}/weight"], number < spec.options["layers"]
        layers[f"fc{number}"] = _linear(shape, bias=not (norm and hidden))
        if hidden and norm:
            layers[f"bn{number}"] = nn.BatchNorm1d(shape[1], *_constants(norm))
        if hidden:
            layers[f"{activation}{number}"] = ACTIVATIONS[activation]()
    return layers


def _lenet(spec: Spec) -> Layers:
    shapes, layers = spec.shapes(), {}
    for number in (1, 2):
        channels, filters = shapes[f"conv{number}/weight"][2:]
        layers[f"conv{number}"] = nn.Conv2d(channels, filters, 3, padding=LENET_PADDING)
        layers |= {f"relu{number}": nn.ReLU(), f"pool{number}": nn.MaxPool2d(2)}
    layers |= {"flatten": nn.Flatten(), "fc1": _linear(shapes["fc1/weight"])}
    return layers | {"relu3": nn.ReLU(), "fc2": _linear(shapes["fc2/weight"])}


def _convnet(spec: Spec) -> Layers:
    norm, activation = spec.options["norm"], ACTIVATIONS[spec.options["activation"]]
    layers: Layers = {}
    for number, block in enumerate(spec.options["blocks"], start=1):
        channels = spec.shapes()[f"conv{number}/weight"][2]
        names = f"conv{number}", f"bn{number}"
        sizes = channels, block.filters, block.kernel, block.stride, block.padding
        layers |= {**_convolution(*names, *sizes, norm), f"activation{number}": activation()}
        if block.pooling != "none":
            pool = nn.MaxPool2d if block.pooling == "max" else nn.AvgPool2d
            layers[f"pool{number}"] = pool(block.window)
    names = [f"fc{number}" for number in range(1, spec.options["dense"] + 1)]
    return layers | _dense(names, activation, spec)


def _vgg(spec: Spec) -> Layers:
    layers: Layers = {}
    for stage, kernels in enumerate(spec.options["stages"], start=1):
        for number, kernel in enumerate(kernels, start=1):
            name = f"{stage}_{number}"
            channels, filters = spec.shapes()[f"conv{name}/weight"][2:]
            one = f"conv{name}", f"bn{name}", channels, filters, kernel, 1, kernel // 2
            layers |= {**_convolution(*one, spec.options["norm"]), f"relu{name}": nn.ReLU()}
        layers[f"pool{stage}"] = nn.MaxPool2d(2)
    return layers | _dense(spec.options["dense"], nn.ReLU, spec)


class Block(nn.Module):
    def __init__(self, block: Any, channels: int, norm: Any) -> None:
        super().__init__()
        self.block, before = block, channels
        for number, one in enumerate(block.branch, start=1):
            sizes = channels, one.filters, one.kernel, one.stride, one.kernel // 2
            _own(self, _convolution(f"conv{number}", f"bn{number}", *sizes, norm))
            channels = one.filters
        if block.shortcut == "projection":
            sizes = before, channels, 1, block.stride, 0
            _own(self, _convolution("projection", "projection_bn", *sizes, norm))

    def forward(self, x: Tensor) -> Tensor:
        y, last = x, len(self.block.branch)
        for number in range(1, last + 1):
            y = _applied(self, f"conv{number}", f"bn{number}", y)
            if number < last:
                y = functional.relu(y)
        if self.block.shortcut == "projection":
            x = _applied(self, "projection", "projection_bn", x)
        elif self.block.shortcut == "identity" and x.shape != y.shape:
            x = x[:, :, :: self.block.stride, :: self.block.stride]
            x = functional.pad(x, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
        return functional.relu(y if self.block.shortcut == "none" else y + x)


class ResNet(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        stem, norm = spec.options["stem"], spec.options["norm"]
        sizes = spec.inputs["x"][2], stem.filters, stem.kernel, stem.stride, stem.kernel // 2
        _own(self, _convolution("conv1", "bn1", *sizes, norm))
        self.pool = nn.MaxPool2d(3, 2, padding=1) if spec.options["pooled"] else nn.Identity()
        channels, blocks = stem.filters, {}
        for block in spec.options["blocks"]:
            blocks[block.name] = Block(block, channels, norm)
            channels = block.filters
        self.names = tuple(blocks)
        _own(self, blocks)
        self.mean, self.fc = nn.AdaptiveAvgPool2d(1), _linear(spec.shapes()["fc/weight"])

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(functional.relu(_applied(self, "conv1", "bn1", x)))
        for name in self.names:
            x = getattr(self, name)(x)
        return self.fc(self.mean(x).flatten(1))


class SegNet(nn.Module):
    """With indices, or with the library's own enlargements; "fixed" is none of them."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        shapes, upsampling = spec.shapes(), spec.options["upsampling"]
        if upsampling == "fixed":
            raise UserError("PyTorch has no layer that unpools without an index: upsampling fixed")
        self.repeats, self.indexed = spec.options["convolutions"], upsampling == "indices"
        norms = {"conv": "bn", "decode": "decode_bn"}
        for level, repeat in enumerate(self.repeats, start=1):
            for part, number in ((p, n) for p in norms for n in range(1, repeat + 1)):
                name, norm_name = f"{part}{level}_{number}", f"{norms[part]}{level}_{number}"
                channels, filters = shapes[f"{name}/weight"][2:]
                sizes = channels, filters, 3, 1, 1
                _own(self, _convolution(name, norm_name, *sizes, spec.options["norm"]))
            width = shapes[f"conv{level}_{repeat}/weight"][3]
            setattr(self, f"up{level}", _upsampling(upsampling, width))
        self.pool = nn.MaxPool2d(2, return_indices=self.indexed)
        channels, classes = shapes["classifier/weight"][2:]
        self.classifier = nn.Conv2d(channels, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        indices = []
        for level, repeat in enumerate(self.repeats, start=1):
            for number in range(1, repeat + 1):
                name = f"{level}_{number}"
                x = functional.relu(_applied(self, f"conv{name}", f"bn{name}", x))
            x, *found = self.pool(x) if self.indexed else (self.pool(x),)
            indices.append(found)
        for level in range(len(self.repeats), 0, -1):
            x = getattr(self, f"up{level}")(x, *indices.pop())
            for number in range(1, self.repeats[level - 1] + 1):
                name = f"{level}_{number}"
                x = functional.relu(_applied(self, f"decode{name}", f"decode_bn{name}", x))
        return self.classifier(x)


def canonical(net: nn.Module) -> dict[str, Tensor]:
    """Parameters and running statistics by canonical name."""
    of_norms = {"weight": "scale", "bias": "shift", "running_var": "running_variance"}
    found = {}
    for path, module in net.named_modules():
        tensors = {**dict(module.named_parameters(recurse=False)), **module._buffers}
        tensors.pop("num_batches_tracked", None)
        norm = isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
        words = of_norms if norm else {}
        for part, tensor in tensors.items():
            found[f"{path.replace('.', '/')}/{words.get(part, part)}"] = tensor
    return found


def to_library(spec: Spec, name: str, array: np.ndarray) -> np.ndarray:
    """A parameter or a statistic from canonical layout. Flattened images lie channels-first."""
    layer, channels = _behind_images(spec)
    if name == f"{layer}/weight":
        pixels = array.reshape(-1, channels, array.shape[1])
        array = pixels.swapaxes(0, 1).reshape(array.shape)
    axes = (2, 3, 0, 1) if _transposed(name) else {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
    return np.array(array.transpose(axes), order="C")


def to_canonical(spec: Spec, name: str, array: np.ndarray) -> np.ndarray:
    """The way back."""
    axes = (2, 3, 0, 1) if _transposed(name) else {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[array.ndim]
    array, (layer, channels) = array.transpose(axes), _behind_images(spec)
    if name == f"{layer}/weight":
        pixels = array.reshape(channels, -1, array.shape[1])
        array = pixels.swapaxes(0, 1).reshape(array.shape)
    return np.array(array, order="C")


def _behind_images(spec: Spec) -> tuple[str, int]:
    """The dense layer that reads flattened images, and how many channels these have."""
    if spec.architecture == "mlp":
        return "fc1", spec.inputs["x"][-1]
    layer = spec.options["dense"][0] if spec.architecture == "vgg" else "fc1"
    *_, kernel = (shape for shape in spec.shapes().values() if len(shape) == 4)
    return layer, kernel[3]


def _transposed(name: str) -> bool:
    return name.startswith("up")


def _upsampling(name: str, width: int) -> nn.Module:
    if name == "indices":
        return nn.MaxUnpool2d(2)
    if name == "transposed":
        return nn.ConvTranspose2d(width, width, 2, 2, bias=False)
    return nn.Upsample(scale_factor=2, mode=name)


def _dense(names: Any, activation: type[nn.Module], spec: Spec) -> Layers:
    """Flattened images, then dense layers with an activation behind all but the last."""
    layers: Layers = {"flatten": nn.Flatten()}
    for name in names:
        layers[name] = _linear(spec.shapes()[f"{name}/weight"])
        if name != names[-1]:
            layers[f"{name}_activation"] = activation()
    return layers


def _own(net: nn.Module, modules: Mapping[str, nn.Module]) -> None:
    for name, module in modules.items():
        net.add_module(name, module)


def _convolution(
    name: str,
    norm_name: str,
    channels: int,
    filters: int,
    kernel: int,
    stride: int,
    padding: int,
    norm: Any,
) -> Layers:
    conv = nn.Conv2d(channels, filters, kernel, stride, padding, bias=norm is None)
    if norm is None:
        return {name: conv}
    return {name: conv, norm_name: nn.BatchNorm2d(filters, *_constants(norm))}


def _constants(norm: Any) -> tuple[float, float]:
    """Epsilon, and the weight of the new value."""
    return norm["epsilon"], 1 - norm["decay"]


def _linear(shape: tuple[int, ...], bias: bool = True) -> nn.Linear:
    inputs, outputs = shape
    return nn.Linear(inputs, outputs, bias=bias)


def _applied(net: nn.Module, name: str, norm_name: str, x: Tensor) -> Tensor:
    return getattr(net, norm_name, nn.Identity())(getattr(net, name)(x))
