"""Dropout in its two forms, of given masks. How masks are drawn: suite_draws.py.

pytest tests/implementations/suite_dropout.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from bench.contract import INFERENCE, TRAINING, Config, Mode, State
from bench.errors import UserError
from bench.spec import Spec
from bench.specs import mlp
from tests.implementations.systems import built, close, drawn, initial


def identity(form: str, keep: float) -> Spec:
    return mlp.spec((8,), (), 8, dropout=form, keep_input=keep)


@pytest.mark.parametrize("form", ["deck", "inverted"])
def test_dropout_by_its_table(adapter: ModuleType, form: str) -> None:
    spec = identity(form, 0.75)
    system, batch = adapter.build(spec, {}, Config(dtype="float64")), drawn(spec)
    system.load(State({"fc1/weight": np.eye(8), "fc1/bias": np.zeros(8)}))
    kept = batch["x"] * batch["dropout/input"]
    expected = {
        TRAINING: kept if form == "deck" else kept / 0.75,
        INFERENCE: 0.75 * batch["x"] if form == "deck" else batch["x"],
    }
    for mode, y in expected.items():
        close(system.evaluate("logits", system.stage(batch), mode).outputs["logits"], y)


@pytest.mark.parametrize("mode", [TRAINING, INFERENCE], ids=["training", "inference"])
def test_both_forms_are_one_net(adapter: ModuleType, mode: Mode) -> None:
    """x mask W is x mask / p times p W, and p x W is x times p W."""
    specs = {form: mlp.spec((9,), (8, 6), 3, "relu", None, form, 0.8, 0.5) for form in mlp.FORMS}
    parameters = dict(initial(specs["deck"]).parameters)
    logits = []
    for form, spec in specs.items():
        system = built(adapter, spec)
        if form == "inverted":
            keeps = {"fc1": 0.8, "fc2": 0.5, "fc3": 0.5}
            for layer, keep in keeps.items():
                parameters[f"{layer}/weight"] = keep * parameters[f"{layer}/weight"]
        system.load(State(parameters))
        batch = system.stage(drawn(spec))
        logits.append(system.evaluate("logits", batch, mode).outputs["logits"])
    close(logits[1], logits[0])


def test_dropout_refuses_bad_input(adapter: ModuleType) -> None:
    spec = identity("deck", 0.5)
    for option, message in (({"keep": {"input": 1.5}}, "keep"), ({"dropout": "decks"}, "deck")):
        system = built(adapter, replace(spec, options={**spec.options, **option}))
        batch = system.stage(drawn(spec))
        with pytest.raises(UserError, match=message):
            system.evaluate("logits", batch, TRAINING)
