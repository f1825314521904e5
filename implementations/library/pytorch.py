"""PyTorch as its user writes it: torch.nn, torch.optim.Adam, backward(), step().

"eager" is that and nothing else. "compiled" puts the net under torch.compile, whose default on a
CPU generates C++: it needs a C++ compiler (the one that CXX names, else g++, on macOS clang++) and
Python's headers. Without them build() raises UserError, and the form is absent.
"""

import os
import platform
import shutil
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # else every first optimizer of a process loads it, and 800 modules with it
from torch import nn

from bench.contract import Arrays, Config, Update, check_names
from bench.errors import UserError
from bench.spec import Spec
from implementations.library import RATE, check, check_batches
from implementations.library.nets import pytorch as nets
from implementations.pytorch.device import prepare

FORMS = ("eager", "compiled")


def build(spec: Spec, update: Update, config: Config, form: str, rate: float = RATE) -> "Loop":
    """Raises UserError for a net, an update or a form that it does not take."""
    check("PyTorch", nets.ARCHITECTURES, FORMS, spec, update, form)
    if form == "compiled":
        _check_compiler()
    return Loop(spec, update, config, form, rate)


class Loop:
    def __init__(self, spec: Spec, update: Update, config: Config, form: str, rate: float) -> None:
        self.spec, self.rate = spec, rate
        self.constants = update.optimizer.constants
        self.device, _ = prepare(config)
        self.dtype = config.dtype
        self.net = nets.build(spec, config.dtype).to(self.device)
        self.run: Any = torch.compile(self.net) if form == "compiled" else self.net
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = self._fresh_optimizer()
        self.batches: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.done = 0

    def load(self, parameters: Arrays) -> None:
        check_names("parameters", self.spec.shapes(), parameters)
        buffers = {name: np.full(b.shape, b.initial) for name, b in self.spec.buffers.items()}
        given, owned = {**parameters, **buffers}, nets.canonical(self.net)
        with torch.no_grad():
            for name, tensor in owned.items():
                tensor.copy_(torch.from_numpy(nets.to_library(self.spec, name, given[name])))
        self.optimizer = self._fresh_optimizer()
        self.done = 0

    def stage(self, batches: Sequence[Arrays]) -> None:
        check_batches(self.spec, batches)
        self.batches, self.done = [self._staged(batch) for batch in batches], 0

    def steps(self, count: int) -> None:
        self.net.train()
        for _ in range(count):
            x, y = self.batches[self.done % len(self.batches)]
            self.optimizer.zero_grad()
            loss = self.loss(self.run(x), y)
            loss.backward()
            self.optimizer.step()
            self.done += 1

    def synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def found(self) -> dict[str, np.ndarray]:
        owned = nets.canonical(self.net)
        arrays = {name: owned[name].detach().cpu().numpy() for name in self.spec.parameters}
        return {name: nets.to_canonical(self.spec, name, a) for name, a in arrays.items()}

    def close(self) -> None:
        self.batches = []
        del self.net, self.run, self.optimizer

    def _fresh_optimizer(self) -> torch.optim.Adam:
        """Its default of several parameters at once, or of a fused kernel, is its own choice."""
        betas = self.constants["beta1"], self.constants["beta2"]
        return torch.optim.Adam(self.net.parameters(), self.rate, betas, self.constants["epsilon"])

    def _staged(self, batch: Arrays) -> tuple[torch.Tensor, torch.Tensor]:
        x = batch["x"].transpose(0, 3, 1, 2) if batch["x"].ndim == 4 else batch["x"]
        images = torch.from_numpy(np.array(x, self.dtype, order="C"))
        labels = torch.from_numpy(batch["y"].astype(np.int64))
        return images.to(self.device), labels.to(self.device)


def _check_compiler() -> None:
    """Raise UserError unless torch.compile will find what it calls."""
    compiler = os.environ.get("CXX") or ("clang++" if platform.system() == "Darwin" else "g++")
    if shutil.which(compiler) is None:
        raise UserError(
            f"torch.compile needs a C++ compiler, and there is no {compiler}: "
            "install one, name it in CXX, or leave out the form compiled"
        )
    headers = Path(sysconfig.get_paths()["include"])
    if not (headers / "Python.h").exists():
        raise UserError(
            f"torch.compile needs Python's headers, and there is no Python.h in {headers}: "
            "install them, or leave out the form compiled"
        )
