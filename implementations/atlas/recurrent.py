"""Recurrent cells: one step of a cell from the same weights, and how sequences go in and out.

Gates are held by name here: input, forget, cell, output; reset, update, new.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from implementations.atlas.row import Answer, row

DRAWS = np.random.default_rng(7)
INPUTS, HIDDEN = 3, 2
X, H, C = (DRAWS.normal(size=(4, size)) for size in (INPUTS, HIDDEN, HIDDEN))
SEQUENCE = DRAWS.normal(size=(2, 5, INPUTS))  # (N, T, inputs)

Gates = Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]  # of x, of h, bias


def drawn(names: str) -> Gates:
    shapes = ((INPUTS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN,))
    return {name: tuple(DRAWS.normal(size=s) for s in shapes) for name in names}  # type: ignore[misc]


LSTM, GRU, TANH = drawn("ifco"), drawn("run"), drawn("h")


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm_step() -> np.ndarray:
    """c' = f c + i tanh(...), h' = o tanh(c'); h' and c' side by side."""
    i, f, g, o = (X @ w + H @ u + b for w, u, b in (LSTM[name] for name in "ifco"))
    c = sigmoid(f) * C + sigmoid(i) * np.tanh(g)
    return np.hstack([sigmoid(o) * np.tanh(c), c])


def gru_step(after: bool = True) -> np.ndarray:
    """n = tanh(W x + b + r * (U h)) or, before, U (r * h); h' = (1 - z) n + z h."""
    (wr, ur, br), (wz, uz, bz), (wn, un, bn) = (GRU[name] for name in "run")
    r, z = sigmoid(X @ wr + H @ ur + br), sigmoid(X @ wz + H @ uz + bz)
    n = np.tanh(X @ wn + bn + (r * (H @ un) if after else (r * H) @ un))
    return (1 - z) * n + z * H


def side_by_side(gates: Gates, order: str) -> list[np.ndarray]:
    """The weights of x, of h and the biases, gates in this order along the last axis."""
    return [np.concatenate([gates[name][part] for name in order], -1) for part in range(3)]


def torch_step(kind: str, gates: Gates, order: str) -> Any:
    """One step of a PyTorch cell on X, H, C; the second bias is zero."""
    import torch

    cell = getattr(torch.nn, f"{kind}Cell")(INPUTS, HIDDEN, dtype=torch.float64)
    w, u, b = map(torch.from_numpy, side_by_side(gates, order))
    cell.load_state_dict(
        {"weight_ih": w.T, "weight_hh": u.T, "bias_ih": b, "bias_hh": torch.zeros_like(b)}
    )
    x, h, c = map(torch.from_numpy, (X, H, C))
    with torch.no_grad():
        return cell(x, (h, c) if kind == "LSTM" else h)


def keras_step(kind: str, gates: Gates, order: str, **options: Any) -> Any:
    """One step of a Keras cell on X, H, C: its output and its list of states."""
    import keras

    cell = getattr(keras.layers, f"{kind}Cell")(HIDDEN, dtype="float64", **options)
    cell.build(X.shape)
    w, u, b = side_by_side(gates, order)
    if len(cell.get_weights()[2].shape) == 2:  # a GRU that resets after the product has two biases
        b = np.stack([b, np.zeros_like(b)])
    cell.set_weights([w, u, b])
    return cell(X, [H, C] if kind == "LSTM" else [H])


def flax_lstm_step(gates: Gates) -> Any:
    """One step of flax's LSTM on X, H, C: its carry and its output."""
    from flax import linen

    parameters = {}
    for ours, theirs in zip("ifco", "ifgo", strict=True):
        w, u, b = gates[ours]
        parameters[f"i{theirs}"] = {"kernel": w}
        parameters[f"h{theirs}"] = {"kernel": u, "bias": b}
    return linen.LSTMCell(HIDDEN).apply({"params": parameters}, (C, H), X)


def flax_gru_step(gates: Gates) -> np.ndarray:
    from flax import linen

    parameters: dict[str, Any] = {"hn": {"kernel": gates["n"][1], "bias": np.zeros(HIDDEN)}}
    for ours, theirs in zip("run", "rzn", strict=True):
        w, u, b = gates[ours]
        parameters[f"i{theirs}"] = {"kernel": w, "bias": b}
        if theirs != "n":
            parameters[f"h{theirs}"] = {"kernel": u}
    return np.asarray(linen.GRUCell(HIDDEN).apply({"params": parameters}, H, X)[0])


def aligned_lstm(framework: str) -> np.ndarray:
    if framework == "pytorch":
        return np.hstack([state.numpy() for state in torch_step("LSTM", LSTM, "ifco")])
    if framework == "tensorflow":
        return np.hstack([np.asarray(state) for state in keras_step("LSTM", LSTM, "ifco")[1]])
    c, h = flax_lstm_step(LSTM)[0]
    return np.hstack([np.asarray(h), np.asarray(c)])


def aligned_gru(framework: str) -> np.ndarray:
    if framework == "pytorch":
        return torch_step("GRU", GRU, "run").numpy()
    if framework == "tensorflow":
        return np.asarray(keras_step("GRU", GRU, "urn")[0])
    return flax_gru_step(GRU)


def only(names: str, opened: str, bias: float = 20.0) -> Gates:
    """Gates without weights, one of which has a bias."""
    zero = (np.zeros((INPUTS, HIDDEN)), np.zeros((HIDDEN, HIDDEN)))
    return {name: (*zero, np.full(HIDDEN, bias * (name == opened))) for name in names}


def lstm_order(step: Any) -> str:
    """The name of each block in turn, from what a bias of 20 in it does.

    With all gates at 1/2, c' = C/2: the forget gate makes it C, the candidate C/2 + 1/2, the output
    gate leaves c' and changes h', the input gate changes nothing.
    """
    order = ""
    for block in "1234":
        h, c = step(only("1234", block), "1234")
        if np.allclose(c, C):
            order += "f"
        elif np.allclose(c, C / 2 + 0.5):
            order += "c"
        else:
            order += "o" if np.allclose(h, np.tanh(C / 2)) else "i"
    return order


def gru_order(step: Any) -> str:
    """As lstm_order: the update gate keeps H, the new state adds 1/2, the reset changes nothing."""
    order = ""
    for block in "123":
        h = step(only("123", block), "123")
        order += "z" if np.allclose(h, H) else "n" if np.allclose(h, H / 2 + 0.5) else "r"
    return order


@row(
    "G1",
    "LSTM: order of the gates (input, forget, cell, output)",
    {"pytorch": "ifco", "tensorflow": "ifco", "jax": "by name"},
    reference=lstm_step,
)
def lstm_gates(framework: str) -> Answer:
    """Weights of other toolkits (ONNX: iofc) load without an error, into the wrong gates."""
    aligned = aligned_lstm(framework)
    if framework == "pytorch":

        def step(gates: Gates, order: str) -> Any:
            return [state.numpy() for state in torch_step("LSTM", gates, order)]

        return Answer(lstm_order(step), "blocks i, f, c, o along rows; weights (4H, in)", aligned)
    if framework == "tensorflow":

        def step(gates: Gates, order: str) -> Any:
            return [np.asarray(state) for state in keras_step("LSTM", gates, order)[1]]

        return Answer(
            lstm_order(step), "blocks i, f, c, o along columns; weights (in, 4H)", aligned
        )
    return Answer("by name", "ii, if, ig, io of x; hi, hf, hg, ho of h, with the biases", aligned)


@row(
    "G3",
    "GRU: order of the gates (reset, update z, new)",
    {"pytorch": "rzn", "tensorflow": "zrn", "jax": "by name"},
    reference=gru_step,
)
def gru_gates(framework: str) -> Answer:
    """Reset and update change places: transposed weights load and compute something else."""
    aligned = aligned_gru(framework)
    if framework == "pytorch":
        found = gru_order(lambda gates, order: torch_step("GRU", gates, order).numpy())
        return Answer(found, "blocks r, z, n along rows", aligned)
    if framework == "tensorflow":
        found = gru_order(lambda gates, order: np.asarray(keras_step("GRU", gates, order)[0]))
        return Answer(found, "blocks z, r, n along columns", aligned)
    return Answer("by name", "ir, iz, in with biases; hr, hz without; hn with", aligned)


@row(
    "G4",
    "GRU: the reset gate acts after the product with h",
    {"pytorch": True, "tensorflow": True, "jax": True},
    reference=gru_step,
)
def gru_reset(framework: str) -> Answer:
    """The paper's first version resets h before the product; old Keras weights are of that kind."""
    distances = [np.abs(aligned_gru(framework) - gru_step(after)).max() for after in (True, False)]
    recipe = "reset_after=True, the default" if framework == "tensorflow" else "as it is"
    return Answer(bool(distances[0] < distances[1]), recipe, aligned_gru(framework))


@row(
    "G5",
    "GRU: what an update gate of 1 does with h",
    {"pytorch": "keeps it", "tensorflow": "keeps it", "jax": "keeps it"},
    reference=gru_step,
)
def gru_update(framework: str) -> Answer:
    """Papers write it both ways, h' = (1 - z) n + z h and the other way round; libraries agree."""
    gates = only("run", "u")
    if framework == "pytorch":
        h = torch_step("GRU", gates, "run").numpy()
    elif framework == "tensorflow":
        h = np.asarray(keras_step("GRU", gates, "urn")[0])
    else:
        h = flax_gru_step(gates)
    return Answer(
        "keeps it" if np.allclose(h, H) else "replaces it", "as it is", aligned_gru(framework)
    )


@row(
    "G7",
    "LSTM: the output gate at 1",
    {"pytorch": 0.731059, "tensorflow": 0.731059, "jax": 0.731059},
    reference=lstm_step,
)
def gate_function(framework: str) -> Answer:
    """The logistic sigmoid in all; Keras before 2.3 had 0.2 x + 0.5, which gives 0.7."""
    gates = only("ifco", "o", bias=1.0)
    if framework == "pytorch":
        h, c = (np.asarray(state) for state in torch_step("LSTM", gates, "ifco"))
    elif framework == "tensorflow":
        h, c = (np.asarray(state) for state in keras_step("LSTM", gates, "ifco")[1])
    else:
        c, h = flax_lstm_step(gates)[0]
    return Answer(float(np.mean(h / np.tanh(c))), "as it is", aligned_lstm(framework))


@row(
    "G9",
    "LSTM: states in the order in which a cell returns them",
    {"pytorch": "h, c", "tensorflow": "h, c", "jax": "c, h"},
    reference=lstm_step,
)
def state_order(framework: str) -> Answer:
    """Both have the same shape: taken the wrong way round, a decoder starts from the cell state."""
    gates = only("ifco", "o", bias=-50.0)  # a closed output gate: h' is 0, c' is not
    if framework == "pytorch":
        first = np.asarray(torch_step("LSTM", gates, "ifco")[0])
    elif framework == "tensorflow":
        first = np.asarray(keras_step("LSTM", gates, "ifco")[1][0])
    else:
        first = np.asarray(flax_lstm_step(gates)[0][0])
    order = "h, c" if np.abs(first).max() < 1e-9 else "c, h"
    recipe = "c, h = carry" if framework == "jax" else "h, c = states"
    return Answer(order, recipe, aligned_lstm(framework))
