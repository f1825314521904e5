"""Nets of torch.nn. See tests/natives/nets/__init__.py."""

import numpy as np
import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.library.nets import pytorch as nets
from tests.natives.nets import Answer, Arrays

UNBIASED, ARCHITECTURES = nets.UNBIASED, nets.ARCHITECTURES


def answer(spec: Spec, parameters: Arrays, buffers: Arrays, batch: Arrays) -> Answer:
    net = nets.build(spec, "float64")
    given, found = {**parameters, **buffers}, nets.canonical(net)
    with torch.no_grad():
        for name, tensor in found.items():
            tensor.copy_(torch.from_numpy(nets.to_library(spec, name, given[name])))
    x = batch["x"].transpose(0, 3, 1, 2) if batch["x"].ndim == 4 else batch["x"]
    images, labels = torch.from_numpy(np.array(x, order="C")), torch.from_numpy(batch["y"])
    with torch.no_grad():
        logits = net.eval()(images).numpy()
    loss = nn.CrossEntropyLoss()(net.train()(images), labels)
    loss.backward()
    gradients = {name: _array(spec, name, found[name].grad) for name in parameters}
    moved = {name: _array(spec, name, found[name]) for name in buffers}
    last = logits.transpose(0, 2, 3, 1) if logits.ndim == 4 else logits
    return Answer(last, loss.item(), gradients, moved)


def _array(spec: Spec, name: str, tensor: Tensor | None) -> np.ndarray:
    assert tensor is not None
    return nets.to_canonical(spec, name, tensor.detach().numpy())
