"""The training step of one update: forward, backward and the rule, in one object.

What does not change from step to step is put together once. Between the steps of a small net little
of Python is in the processor's caches: each look-up and each call less counts.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from bench.contract import Update
from implementations.exchange import Primitives, exchanged
from implementations.pytorch import native
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import optimizers, weight_decay

Tensors = Mapping[str, Tensor]
Objective = Callable[[nn.Module, Tensors, Probe], dict[str, Tensor]]


class Step:
    """What an update moves, what its rule remembers (`slots`, by parameter), and the number of the
    steps that it made.

    parameters, buffers: all of the net. primitives: those that a native variant exchanges, whose
    rule takes all parameters in one call.
    """

    def __init__(
        self,
        rule: Update,
        objective: Objective,
        model: nn.Module,
        parameters: Tensors,
        buffers: Tensors,
        primitives: Primitives,
    ) -> None:
        self.rule, self.objective, self.model = rule, objective, model
        self.parameters, self.buffers, self.primitives = parameters, buffers, primitives
        self.moved = {name: p for name, p in parameters.items() if rule.selects(name)}
        self.inputs = rule.inputs()
        self.slots: dict[str, dict[str, Tensor]] = {}
        self.number = 0
        self.optimizer = getattr(optimizers, rule.optimizer.name)
        limits = rule.clip_global_norm, rule.weight_decay
        self.changes_gradients = bool(self.inputs) or limits != (None, None)

    def update(self, batch: Tensors, learning_rate: float) -> dict[str, Tensor]:
        """The whole step; the terms of the objective before it."""
        probe = Probe(self.rule.mode)
        if self.primitives:
            with exchanged(self.primitives):
                terms, gradients = self.backward(batch, probe)
                self._apply_at_once(gradients, learning_rate)
        else:
            terms, gradients = self.backward(batch, probe)
            self.apply(gradients, learning_rate)
        if probe.buffers:
            self.commit(probe.buffers)
        return terms

    def backward(self, batch: Tensors, probe: Probe) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Terms, and gradients by the name of a parameter or "input:<entry>".

        The terms are not detached: what their graph kept was let go of by the backward pass.
        """
        wanted = self.moved
        if self.inputs:
            inputs = {name: batch[name].detach().requires_grad_() for name in self.inputs}
            batch = {**batch, **inputs}
            wanted = {**wanted, **{f"input:{name}": x for name, x in inputs.items()}}
        if not wanted:  # no backward pass would let go of a graph
            with torch.no_grad():
                return self.objective(self.model, batch, probe), {}
        terms = self.objective(self.model, batch, probe)
        return terms, self.gradients(terms, wanted)

    def apply(self, gradients: dict[str, Tensor], learning_rate: float) -> None:
        """Clip and decay if the rule says so, and step the optimizer, one parameter at a time."""
        if self.changes_gradients:
            gradients = self._changed(gradients)
        number = self.number = self.number + 1
        step, constants = self.optimizer, self.rule.optimizer.constants
        parameters, slots = self.moved, self.slots
        for name, gradient in gradients.items():
            step(parameters[name], gradient, slots[name], number, learning_rate, **constants)

    def commit(self, buffers: Tensors) -> None:
        """Take what some buffers became."""
        for name, tensor in buffers.items():
            self.buffers[name].copy_(tensor)

    @staticmethod
    def gradients(terms: Tensors, wanted: Tensors) -> dict[str, Tensor]:
        """Of the sum of the terms; zero where it does not depend on what is wanted."""
        first, *others = terms.values()
        objective = torch.stack([first, *others]).sum() if others else first
        found = torch.autograd.grad(objective, list(wanted.values()), allow_unused=True)
        return {
            name: torch.zeros_like(source) if gradient is None else gradient
            for (name, source), gradient in zip(wanted.items(), found, strict=True)
        }

    def _apply_at_once(self, gradients: dict[str, Tensor], learning_rate: float) -> None:
        """As apply(), all parameters in one call."""
        if self.changes_gradients:
            gradients = self._changed(gradients)
        self.number += 1
        if gradients:
            getattr(native, self.rule.optimizer.name)(
                [self.moved[name] for name in gradients],
                [native.laid_out(gradient) for gradient in gradients.values()],
                [self.slots[name] for name in gradients],
                self.number,
                learning_rate,
                **self.rule.optimizer.constants,
            )

    def _changed(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        """What the optimizer is given: of parameters alone, clipped and decayed where it is
        asked."""
        rule = self.rule
        gradients = {name: g for name, g in gradients.items() if name in self.parameters}
        if gradients and rule.clip_global_norm is not None:
            gradients = optimizers.clip_by_global_norm(gradients, rule.clip_global_norm)
        if rule.weight_decay is not None:
            gradients = weight_decay.decayed(gradients, self.parameters, rule.weight_decay)
        return gradients
