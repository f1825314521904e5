"""The contract in PyTorch: see bench/contract.py."""

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.contract import Arrays, Config, Evaluation, Gradients, Mode, State, Update
from bench.spec import Spec, check_batch, check_state
from implementations.exchange import NONE, exchanged
from implementations.pytorch import native
from implementations.pytorch.device import environment, prepare
from implementations.pytorch.probe import Probe, Tracer, Witness
from implementations.pytorch.step import Step
from implementations.pytorch.techniques import accumulation, optimizers

__all__ = ["System", "build", "environment"]


def build(spec: Spec, updates: Mapping[str, Update], config: Config) -> "System":
    return System(spec, updates, config)


class System:
    def __init__(self, spec: Spec, updates: Mapping[str, Update], config: Config) -> None:
        self.spec, self.updates = spec, updates
        self.device, _ = prepare(config)
        self.dtype = getattr(torch, config.dtype)
        self.native = config.variant == "native"
        self.primitives = native.PRIMITIVES if self.native else NONE
        if self.native and self.device.type == "cpu":
            native.keep_freed_memory()
        self.architecture = importlib.import_module(spec.players("pytorch"))
        self.model = self.architecture.build(spec, config.dtype)
        layout = native.MEMORY_FORMAT if self.native else torch.contiguous_format
        self.model.to(self.device, memory_format=layout)
        # In the spec's order: a module's own is that in which its layers were registered.
        parameters = _slashed(self.model.named_parameters())
        self.parameters = {name: parameters[name] for name in spec.parameters}
        buffers = _slashed(self.model.named_buffers())
        self.buffers = {name: buffers[name] for name in spec.buffers}
        net = self.model, self.parameters, self.buffers, self.primitives
        self.steps = {
            key: Step(update, getattr(self.architecture, update.objective), *net)
            for key, update in updates.items()
        }
        self.terms: dict[str, Tensor] = {}
        self.outputs: dict[str, Tensor] = {}

    # --- state ------------------------------------------------------------------------------

    def load(self, state: State) -> None:
        check_state(self.spec, self.updates, optimizers.SLOTS, state)
        with torch.no_grad():
            for name, tensor in self.parameters.items():
                tensor.copy_(self._to_framework(name, state.parameters[name]))
        for name, buffer in self.spec.buffers.items():
            initial = np.full(buffer.shape, buffer.initial)
            self.buffers[name].copy_(self._input(state.buffers.get(name, initial)))
        shapes = self.spec.shapes()
        for key, step in self.steps.items():
            step.number = state.step.get(key, 0)
            given = state.optimizer.get(key, {})
            step.slots = {
                name: {
                    slot: self._to_framework(
                        name, given.get(f"{name}/{slot}", np.zeros(shapes[name]))
                    )
                    for slot in optimizers.SLOTS[step.rule.optimizer.name]
                }
                for name in step.moved
            }

    def export(self) -> State:
        optimizer = {
            key: {
                f"{name}/{slot}": self._to_canonical(name, tensor)
                for name, slots in step.slots.items()
                for slot, tensor in slots.items()
            }
            for key, step in self.steps.items()
        }
        return State(
            parameters={name: self._to_canonical(name, t) for name, t in self.parameters.items()},
            buffers={name: _array(tensor) for name, tensor in self.buffers.items()},
            optimizer=optimizer,
            step={key: step.number for key, step in self.steps.items()},
        )

    def stage(self, batch: Arrays) -> dict[str, Tensor]:
        check_batch(self.spec, batch)
        return self.place(batch)

    def place(self, batch: Arrays) -> dict[str, Tensor]:
        return {name: self._input(array) for name, array in batch.items()}

    # --- questions --------------------------------------------------------------------------

    def evaluate(
        self,
        function: str,
        batch: Mapping[str, Tensor],
        mode: Mode,
        decisions: Arrays | None = None,
    ) -> Evaluation:
        probe = Probe(mode) if decisions is None else Witness(mode, self._choices(decisions))
        with torch.no_grad():
            outputs = getattr(self.architecture, function)(self.model, batch, probe)
        return self._evaluation(outputs, probe)

    def forward(self, function: str, batch: Mapping[str, Tensor], mode: Mode) -> None:
        with torch.no_grad(), exchanged(self.primitives):
            self.outputs = getattr(self.architecture, function)(self.model, batch, Probe(mode))

    def differentiate(
        self, update: str, batch: Mapping[str, Tensor], decisions: Arrays | None = None
    ) -> Gradients:
        mode = self.updates[update].mode
        probe = Probe(mode) if decisions is None else Witness(mode, self._choices(decisions))
        terms, gradients = self.steps[update].backward(batch, probe)
        return Gradients(
            terms={name: term.item() for name, term in terms.items()},
            gradients={name: self._to_canonical(name, g) for name, g in gradients.items()},
            evaluation=self._evaluation({}, probe),
        )

    def trace(
        self, update: str, batch: Mapping[str, Tensor]
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        step, tracer = self.steps[update], Tracer(self.updates[update].mode)
        terms = step.objective(self.model, batch, tracer)
        gradients = step.gradients(terms, tracer.activations)
        for name in self.spec.activations:
            yield name, _array(tracer.activations[name]), _array(gradients[name])

    # --- steps ------------------------------------------------------------------------------

    def average(self, parts: Sequence[Gradients], examples: Sequence[int]) -> Gradients:
        def averaged(given: Iterator[Mapping[str, Any]]) -> dict[str, np.ndarray]:
            # Element by element: the canonical layout serves as well as PyTorch's own.
            place = {"dtype": self.dtype, "device": self.device}
            tensors = [{n: torch.tensor(a, **place) for n, a in part.items()} for part in given]
            means = accumulation.averaged(tensors, examples)
            return {name: mean.cpu().numpy() for name, mean in means.items()}

        terms = averaged(part.terms for part in parts)
        gradients = averaged(part.by_parameters() for part in parts)
        buffers = averaged(part.evaluation.buffers for part in parts)
        means = {name: float(term) for name, term in terms.items()}
        return Gradients(means, gradients, Evaluation({}, buffers=buffers))

    def apply(self, update: str, gradients: Gradients, learning_rate: float) -> None:
        step, buffers = self.steps[update], gradients.evaluation.buffers
        by_name = gradients.by_parameters().items()
        own = {n: self._to_framework(n, a) for n, a in by_name if n in self.parameters}
        step.apply(own, learning_rate)
        step.commit({name: self._input(array) for name, array in buffers.items()})

    def update(self, update: str, batch: Mapping[str, Tensor], learning_rate: float) -> None:
        self.terms = self.steps[update].update(batch, learning_rate)

    def read(self) -> Mapping[str, float]:
        return {name: term.item() for name, term in self.terms.items()}

    def collect(self) -> Arrays:
        return {name: _array(output) for name, output in self.outputs.items()}

    def synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def close(self) -> None:
        self.parameters, self.buffers, self.steps = {}, {}, {}
        self.terms, self.outputs = {}, {}
        del self.model

    # --- inside -----------------------------------------------------------------------------

    def _evaluation(self, outputs: Mapping[str, Tensor], probe: Probe) -> Evaluation:
        arrays = {name: _array(x) for name, x in outputs.items()}
        buffers = {name: _array(x) for name, x in {**self.buffers, **probe.buffers}.items()}
        if not isinstance(probe, Witness):
            return Evaluation(outputs=arrays, buffers=buffers)
        return Evaluation(
            outputs=arrays,
            buffers=buffers,
            decisions={name: _array(x).astype(np.int8) for name, x in probe.decisions.items()},
            margins={name: _array(x) for name, x in probe.margins.items()},
        )

    def _choices(self, decisions: Arrays) -> dict[str, Tensor]:
        return {
            name: torch.from_numpy(array.astype(np.int64).transpose(0, 3, 1, 2)).to(self.device)
            for name, array in decisions.items()
        }

    def _input(self, array: np.ndarray) -> Tensor:
        # Of one that may not be written into a copy: PyTorch knows no such tensors.
        whole = np.ascontiguousarray(array) if array.flags.writeable else array.copy()
        tensor = torch.from_numpy(whole)
        if tensor.ndim == 4:
            tensor = self._laid_out(tensor.permute(0, 3, 1, 2))
        dtype = self.dtype if tensor.is_floating_point() else torch.int64
        return tensor.to(self.device, dtype)

    def _to_framework(self, name: str, array: np.ndarray) -> Tensor:
        layout = self.spec.parameters[name].layout
        axes = {"convolution": (3, 2, 0, 1), "dense": (1, 0), "vector": (0,)}[layout]
        tensor = torch.tensor(array.transpose(axes), dtype=self.dtype, device=self.device)
        return self._laid_out(tensor)

    def _laid_out(self, tensor: Tensor) -> Tensor:
        """In one order of memory, that of the variant."""
        return native.laid_out(tensor) if self.native else tensor.contiguous()

    def _to_canonical(self, name: str, tensor: Tensor) -> np.ndarray:
        if name.startswith("input:"):
            return _array(tensor)
        layout = self.spec.parameters[name].layout
        axes = {"convolution": (2, 3, 1, 0), "dense": (1, 0), "vector": (0,)}[layout]
        return np.ascontiguousarray(tensor.detach().cpu().numpy().transpose(axes)).copy()


def _slashed(named: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    """By canonical names: PyTorch's have dots."""
    return {name.replace(".", "/"): tensor for name, tensor in named}


def _array(tensor: Tensor) -> np.ndarray:
    """Canonical layout of a batch entry or activation: rank 4 is an image."""
    array = tensor.detach().cpu().numpy()
    return (array.transpose(0, 2, 3, 1) if array.ndim == 4 else array).copy()
