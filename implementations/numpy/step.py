"""The training step of one update: forward, backward and the rule, in one object.

What does not change from step to step is put together once. Between the steps of a small net little
of Python is in the processor's caches: each look-up and each call less counts.
"""

from collections.abc import Callable, Mapping

import numpy as np

from bench.contract import Update
from implementations.exchange import Primitives, exchanged
from implementations.numpy.model import Model, leaves, on_tape
from implementations.numpy.probe import Probe, Tracer
from implementations.numpy.tape import Node, Tape, Workspace
from implementations.numpy.techniques import optimizers, weight_decay

Array = np.ndarray
Objective = Callable[[Model, Mapping[str, Node], Probe], dict[str, Node]]


class Step:
    """What an update moves, what its rule remembers (`slots`, by parameter), and the number of the
    steps that it made.

    parameters, buffers: all of the net. primitives: those that a native variant exchanges.
    workspace: of the arrays of the past step, whoever made it.
    """

    def __init__(
        self,
        rule: Update,
        objective: Objective,
        model: Model,
        parameters: Mapping[str, Array],
        buffers: Mapping[str, Array],
        primitives: Primitives,
        workspace: Workspace,
    ) -> None:
        self.rule, self.objective, self.workspace = rule, objective, workspace
        self.parameters, self.buffers, self.primitives = parameters, buffers, primitives
        # The nodes of the parameters are those of every step: their arrays stay where they are.
        wanted = frozenset(filter(rule.selects, parameters))
        self.model = on_tape(model, parameters, Tape(workspace), wanted)
        nodes: dict[str, Node] = dict(leaves(self.model))
        self.nodes = [nodes[name] for name in parameters]
        self.moved = {name: nodes[name] for name in parameters if name in wanted}
        self.inputs = rule.inputs()
        self.slots: dict[str, dict[str, Array]] = {}
        self.number = 0
        self.optimizer = getattr(optimizers, rule.optimizer.name)
        limits = rule.clip_global_norm, rule.weight_decay
        self.changes_gradients = bool(self.inputs) or limits != (None, None)

    def update(self, batch: Mapping[str, Array], learning_rate: float) -> dict[str, float]:
        """The whole step; the terms of the objective before it."""
        probe = Probe(self.rule.mode)
        if self.primitives:
            with exchanged(self.primitives):
                terms, gradients = self.backward(batch, probe)
                self.apply(gradients, learning_rate)
        else:
            terms, gradients = self.backward(batch, probe)
            self.apply(gradients, learning_rate)
        if probe.buffers:
            self.commit(probe.buffers)
        return terms

    def backward(
        self, batch: Mapping[str, Array], probe: Probe
    ) -> tuple[dict[str, float], dict[str, Array]]:
        """Terms, and gradients by the name of a parameter or "input:<entry>", valid until the next
        step."""
        self.workspace.reclaim()
        tape = Tape(self.workspace)
        for node in self.nodes:
            node.tape, node.gradient = tape, None
        inputs = {name: Node(array, tape, name in self.inputs) for name, array in batch.items()}
        terms = self.objective(self.model, inputs, probe)
        tape.backward(
            terms.values(), probe.activations.values() if isinstance(probe, Tracer) else ()
        )
        wanted = self.moved
        if self.inputs:
            wanted = {**wanted, **{f"input:{name}": inputs[name] for name in self.inputs}}
        gradients = {name: node.found() for name, node in wanted.items()}
        return {name: float(term.value) for name, term in terms.items()}, gradients

    def apply(self, gradients: dict[str, Array], learning_rate: float) -> None:
        """Clip and decay if the rule says so, and step the optimizer, one parameter at a time."""
        if self.changes_gradients:
            gradients = self._changed(gradients)
        number = self.number = self.number + 1
        step, constants = self.optimizer, self.rule.optimizer.constants
        parameters, slots = self.parameters, self.slots
        for name, gradient in gradients.items():
            step(parameters[name], gradient, slots[name], number, learning_rate, **constants)

    def commit(self, buffers: Mapping[str, Array]) -> None:
        """Take what some buffers became."""
        for name, array in buffers.items():
            self.buffers[name][...] = array

    def _changed(self, gradients: dict[str, Array]) -> dict[str, Array]:
        """What the optimizer is given: of parameters alone, clipped and decayed where it is
        asked."""
        rule = self.rule
        gradients = {name: g for name, g in gradients.items() if name in self.parameters}
        if gradients and rule.clip_global_norm is not None:
            gradients = optimizers.clip_by_global_norm(gradients, rule.clip_global_norm)
        if rule.weight_decay is not None:
            gradients = weight_decay.decayed(gradients, self.parameters, rule.weight_decay)
        return gradients
