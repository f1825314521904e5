"""Nets of torch.nn. See tests/natives/nets/__init__.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.spec import Spec
from tests.natives.nets import Answer, Arrays

UNBIASED = True


def answer(spec: Spec, parameters: Arrays, buffers: Arrays, batch: Arrays) -> Answer:
    net = (VGG if spec.architecture == "vgg" else ResNet)(spec).double()
    given = {**parameters, **buffers}
    with torch.no_grad():
        for name, tensor in _canonical(net).items():
            tensor.copy_(_tensor(given[name]))
    x, labels = _tensor(batch["x"], images=True), torch.from_numpy(batch["y"])
    with torch.no_grad():
        logits = net.eval()(x).numpy()
    loss = nn.CrossEntropyLoss()(net.train()(x), labels)
    loss.backward()
    found = _canonical(net)
    gradients = {name: _array(_gradient(found[name])) for name in parameters}
    return Answer(logits, loss.item(), gradients, {name: _array(found[name]) for name in buffers})


class VGG(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        stages, norm = spec.options["stages"], spec.options["norm"]
        layers: dict[str, nn.Module] = {}
        for stage, kernels in enumerate(stages, start=1):
            for number, kernel in enumerate(kernels, start=1):
                name = f"{stage}_{number}"
                channels, filters = spec.shapes()[f"conv{name}/weight"][2:]
                one = f"conv{name}", f"bn{name}", channels, filters, kernel, 1
                layers |= {**_convolution(*one, norm), f"relu{name}": nn.ReLU()}
            layers[f"pool{stage}"] = nn.MaxPool2d(2)
        self.names = tuple(layers)
        _own(self, layers)
        features, classes = spec.shapes()["fc6/weight"]
        self.fc6 = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        for name in self.names:
            x = getattr(self, name)(x)
        return self.fc6(x.flatten(1))


class Block(nn.Module):
    def __init__(self, block: Any, channels: int, norm: Any) -> None:
        super().__init__()
        self.block, before = block, channels
        for number, one in enumerate(block.branch, start=1):
            sizes = channels, one.filters, one.kernel, one.stride
            _own(self, _convolution(f"conv{number}", f"bn{number}", *sizes, norm))
            channels = one.filters
        if block.shortcut == "projection":
            sizes = before, channels, 1, block.stride
            _own(self, _convolution("projection", "projection_bn", *sizes, norm))

    def forward(self, x: Tensor) -> Tensor:
        y, last = x, len(self.block.branch)
        for number in range(1, last + 1):
            y = _applied(self, f"conv{number}", f"bn{number}", y)
            if number < last:
                y = functional.relu(y)
        if self.block.shortcut == "projection":
            x = _applied(self, "projection", "projection_bn", x)
        elif self.block.shortcut == "identity":
            x = x[:, :, :: self.block.stride, :: self.block.stride]
            x = functional.pad(x, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
        return functional.relu(y if self.block.shortcut == "none" else y + x)


class ResNet(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        stem, norm = spec.options["stem"], spec.options["norm"]
        sizes = spec.inputs["x"][2], stem.filters, stem.kernel, stem.stride
        _own(self, _convolution("conv1", "bn1", *sizes, norm))
        self.pool = nn.MaxPool2d(3, 2, padding=1) if spec.options["pooled"] else nn.Identity()
        channels, blocks = stem.filters, {}
        for block in spec.options["blocks"]:
            blocks[block.name] = Block(block, channels, norm)
            channels = block.filters
        self.names = tuple(blocks)
        _own(self, blocks)
        features, classes = spec.shapes()["fc/weight"]
        self.mean, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(functional.relu(_applied(self, "conv1", "bn1", x)))
        for name in self.names:
            x = getattr(self, name)(x)
        return self.fc(self.mean(x).flatten(1))


def _own(net: nn.Module, modules: Mapping[str, nn.Module]) -> None:
    for name, module in modules.items():
        net.add_module(name, module)


def _convolution(
    name: str, norm_name: str, channels: int, filters: int, kernel: int, stride: int, norm: Any
) -> dict[str, nn.Module]:
    conv = nn.Conv2d(channels, filters, kernel, stride, kernel // 2, bias=norm is None)
    if norm is None:
        return {name: conv}
    after = nn.BatchNorm2d(filters, eps=norm["epsilon"], momentum=1 - norm["decay"])
    return {name: conv, norm_name: after}


def _applied(net: nn.Module, name: str, norm_name: str, x: Tensor) -> Tensor:
    return getattr(net, norm_name, nn.Identity())(getattr(net, name)(x))


def _canonical(net: nn.Module) -> dict[str, Tensor]:
    """Parameters and running statistics by canonical name."""
    of_norms = {"weight": "scale", "bias": "shift", "running_var": "running_variance"}
    found = {}
    for path, module in net.named_modules():
        tensors = {**dict(module.named_parameters(recurse=False)), **module._buffers}
        tensors.pop("num_batches_tracked", None)
        words = of_norms if isinstance(module, nn.BatchNorm2d) else {}
        for part, tensor in tensors.items():
            found[f"{path.replace('.', '/')}/{words.get(part, part)}"] = tensor
    return found


def _tensor(array: np.ndarray, images: bool = False) -> Tensor:
    axes = (0, 3, 1, 2) if images else {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
    return torch.from_numpy(np.array(array.transpose(axes), order="C"))


def _array(tensor: Tensor) -> np.ndarray:
    axes = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[tensor.ndim]
    return tensor.detach().numpy().transpose(axes)


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad
