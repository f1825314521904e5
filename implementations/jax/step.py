"""The training step as one program: what apply() and update() compile for an update.

The state goes in and comes out as lists, in the order of the spec: the entries of a dictionary
would be sorted by name at every call. The number of steps made is an entry of it, on the device:
what is new at every step would have to be put there at every step.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
from jax import Array

from bench.contract import Update
from bench.spec import Spec
from implementations.jax.probe import Probe, Witness
from implementations.jax.techniques import optimizers, weight_decay

Leaves = Mapping[str, Array]
Objective = Callable[[Any, Leaves, Probe], dict[str, Array]]


class Step:
    """Of one update: the names of what it moves, and its pure functions.

    model: makes the net, a pytree, of all its leaves.
    """

    def __init__(
        self, rule: Update, objective: Objective, spec: Spec, model: Callable[[Leaves], Any]
    ) -> None:
        self.rule, self.objective, self.model = rule, objective, model
        self.parameters, self.buffers = tuple(spec.parameters), tuple(spec.buffers)
        self.moved = tuple(filter(rule.selects, spec.parameters))
        kept = optimizers.SLOTS[rule.optimizer.name]
        self.slots = {f"{n}/{slot}": spec.parameters[n].shape for n in self.moved for slot in kept}

    def backward(self, leaves: Leaves, batch: Leaves, probe: Probe) -> Any:
        """Terms, gradients by the name of a parameter or "input:<entry>", and what was noted.

        leaves: of the whole net.
        """
        rule = self.rule
        wanted = {name: leaves[name] for name in self.moved}
        wanted |= {f"input:{name}": batch[name] for name in rule.inputs()}

        def objective(wanted: Leaves) -> Any:
            inputs = {name: wanted[f"input:{name}"] for name in rule.inputs()}
            terms = self.objective(self.model({**leaves, **wanted}), {**batch, **inputs}, probe)
            return sum(terms.values()), (terms, *self.noted(probe))

        gradients, (terms, *told) = jax.grad(objective, has_aux=True)(wanted)
        return terms, gradients, *told

    def apply(
        self,
        parameters: list[Array],
        slots: list[Array],
        count: Array,
        gradients: Leaves,
        rate: Array,
    ) -> tuple[list[Array], list[Array], Array]:
        """Clip and decay if the rule says so, and step the optimizer.

        count: float64, the steps made before.
        """
        rule, count = self.rule, count + 1
        now = dict(zip(self.parameters, parameters, strict=True))
        former = dict(zip(self.slots, slots, strict=True))
        own = {name: gradients[name] for name in self.moved}
        if rule.clip_global_norm is not None:
            own = optimizers.clip_by_global_norm(own, rule.clip_global_norm)
        if rule.weight_decay is not None:
            own = weight_decay.decayed(own, now, rule.weight_decay)
        apply = getattr(optimizers, rule.optimizer.name)
        constants, names = rule.optimizer.constants, optimizers.SLOTS[rule.optimizer.name]
        for name in self.moved:
            remembered = {slot: former[f"{name}/{slot}"] for slot in names}
            now[name], kept = apply(now[name], own[name], remembered, count, rate, **constants)
            former |= {f"{name}/{slot}": array for slot, array in kept.items()}
        return list(now.values()), list(former.values()), count

    def update(
        self,
        parameters: list[Array],
        buffers: list[Array],
        slots: list[Array],
        count: Array,
        batch: Leaves,
        rate: Array,
    ) -> tuple[list[Array], list[Array], list[Array], Array, dict[str, Array]]:
        """Forward, backward and apply(); the terms come last. It may be given the state for good:
        all of it comes out again."""
        running = dict(zip(self.buffers, buffers, strict=True))
        leaves = {**dict(zip(self.parameters, parameters, strict=True)), **running}
        terms, gradients, *_, became = self.backward(leaves, batch, Probe(self.rule.mode))
        parameters, slots, count = self.apply(parameters, slots, count, gradients, rate)
        return parameters, list({**running, **became}.values()), slots, count, terms

    @staticmethod
    def noted(probe: Probe) -> tuple[dict[str, Array], ...]:
        """Decisions, margins, and what the buffers become."""
        if isinstance(probe, Witness):
            return probe.decisions, probe.margins, probe.buffers
        return {}, {}, probe.buffers
