"""Recurrent layers over sequences: axes, what is returned, and biases of a fresh layer."""

from typing import Any

import numpy as np

from implementations.atlas.recurrent import (
    HIDDEN,
    INPUTS,
    SEQUENCE,
    TANH,
    aligned_gru,
    aligned_lstm,
    gru_step,
    lstm_step,
)
from implementations.atlas.row import Answer, row


def unrolled() -> np.ndarray:
    """h' = tanh(W x + U h + b) from h = 0, all steps: (N, T, hidden)."""
    w, u, b = TANH["h"]
    h, steps = np.zeros((len(SEQUENCE), HIDDEN)), []
    for x in SEQUENCE.transpose(1, 0, 2):
        h = np.tanh(x @ w + h @ u + b)
        steps.append(h)
    return np.stack(steps, 1)


def plain(framework: str, aligned: bool) -> tuple[Any, Any]:
    """The plain recurrent layer with our weights, by default or by recipe; flax's parameters."""
    w, u, b = TANH["h"]
    if framework == "pytorch":
        import torch

        module = torch.nn.RNN(INPUTS, HIDDEN, dtype=torch.float64, batch_first=aligned)
        weights = {"weight_ih_l0": w.T, "weight_hh_l0": u.T, "bias_ih_l0": b, "bias_hh_l0": b * 0}
        module.load_state_dict({name: torch.from_numpy(a) for name, a in weights.items()})
        return module, None
    if framework == "tensorflow":
        import keras

        module = keras.layers.SimpleRNN(HIDDEN, dtype="float64", return_sequences=aligned)
        module.build((None, None, INPUTS))
        module.set_weights([w, u, b])
        return module, None
    from flax import linen

    module = linen.RNN(linen.SimpleCell(HIDDEN, param_dtype=np.float64))
    cell = {"i": {"kernel": w, "bias": b}, "h": {"kernel": u}}
    return module, {"params": {"cell": cell}}


def layer(framework: str, aligned: bool = True) -> Any:
    """From an array to the outputs of the plain recurrent layer."""
    module, parameters = plain(framework, aligned)
    if framework == "pytorch":
        import torch

        return lambda x: module(torch.from_numpy(x))[0].detach().numpy()
    if framework == "tensorflow":
        return lambda x: np.asarray(module(x))
    import jax

    apply: Any = jax.jit(module.apply)
    return lambda x: np.asarray(apply(parameters, x))


@row(
    "G6",
    "Recurrent layer: axis of time",
    {"pytorch": 0, "tensorflow": 1, "jax": 1},
    reference=unrolled,
)
def time_axis(framework: str) -> Answer:
    """Examples and steps have no names: with axes exchanged every example remembers the others."""
    sequences = (
        framework == "tensorflow"
    )  # it returns the last step alone (G12), which hides the axis
    run = layer(framework, aligned=sequences)
    x = np.zeros((4, 4, INPUTS))
    x[0, 1] = 1.0
    moved = np.abs(run(x) - run(np.zeros_like(x))).max(-1) > 1e-9
    # An input at position (0, 1) moves what comes after it in time: (1, 1) or (0, 2).
    recipe = "batch_first=True" if framework == "pytorch" else "as it is"
    return Answer(0 if moved[1, 1] else 1, recipe, layer(framework)(SEQUENCE))


@row(
    "G12",
    "Recurrent layer: what it returns",
    {"pytorch": "every step", "tensorflow": "the last step", "jax": "every step"},
    reference=unrolled,
)
def returned(framework: str) -> Answer:
    """The last step alone, or all of them: the next layer gets one axis less."""
    rank = layer(framework, aligned=False)(SEQUENCE).ndim
    recipe = "return_sequences=True" if framework == "tensorflow" else "as it is"
    return Answer(
        "every step" if rank == 3 else "the last step", recipe, layer(framework)(SEQUENCE)
    )


@row(
    "G13",
    "Plain recurrent layer: its function at 1",
    {"pytorch": np.tanh(1), "tensorflow": np.tanh(1), "jax": np.tanh(1)},
    reference=unrolled,
)
def plain_function(framework: str) -> Answer:
    """The hyperbolic tangent in all."""
    if framework == "pytorch":
        import torch

        cell = torch.nn.RNNCell(1, 1, bias=False)
        torch.nn.init.ones_(cell.weight_ih)
        default = float(cell(torch.ones(1, 1)))
    elif framework == "tensorflow":
        import keras

        cell = keras.layers.SimpleRNNCell(1, kernel_initializer="ones")
        default = float(cell(np.ones((1, 1)), [np.zeros((1, 1))])[0][0, 0])
    else:
        from flax import linen

        one = {"kernel": np.ones((1, 1)), "bias": np.zeros(1)}
        parameters = {"i": one, "h": {"kernel": np.ones((1, 1))}}
        applied = linen.SimpleCell(1).apply(
            {"params": parameters}, np.zeros((1, 1)), np.ones((1, 1))
        )
        default = float(np.asarray(applied[1])[0, 0])
    return Answer(default, "as it is", layer(framework)(SEQUENCE))


LENGTHS = np.array([5, 3])  # of SEQUENCE; what comes after is padding


def masked(framework: str) -> tuple[np.ndarray, np.ndarray]:
    """Every output (N, T, hidden) and the state at the end (N, hidden), the lengths being told."""
    module, parameters = plain(framework, True)
    if framework == "pytorch":
        import torch
        from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

        lengths = torch.from_numpy(LENGTHS)
        packed = pack_padded_sequence(torch.from_numpy(SEQUENCE), lengths, batch_first=True)
        outputs, state = module(packed)
        padded = pad_packed_sequence(outputs, batch_first=True)[0]
        return padded.detach().numpy(), state[0].detach().numpy()
    if framework == "tensorflow":
        mask = np.arange(SEQUENCE.shape[1]) < LENGTHS[:, None]
        outputs = np.asarray(module(SEQUENCE, mask=mask))
        return outputs, outputs[:, -1]
    run: Any = module.apply
    state, outputs = run(parameters, SEQUENCE, seq_lengths=LENGTHS, return_carry=True)
    return np.asarray(outputs), np.asarray(state)


@row(
    "G8",
    "Recurrent layer that is told the lengths: outputs after the end of a sequence",
    {"pytorch": "zeros", "tensorflow": "the last one again", "jax": "go on over the padding"},
    reference=lambda: unrolled()[[0, 1], LENGTHS - 1],
)
def padded(framework: str) -> Answer:
    """States agree, outputs do not: a loss over all of them counts what nobody masked."""
    outputs, state = masked(framework)
    last, after = outputs[1, LENGTHS[1] - 1], outputs[1, LENGTHS[1] :]
    if np.allclose(after, 0):
        default = "zeros"
    else:
        default = "the last one again" if np.allclose(after, last) else "go on over the padding"
    recipe = {
        "pytorch": "pack_padded_sequence(x, lengths, batch_first=True), then the state returned",
        "tensorflow": "layer(x, mask=mask), the last output",
        "jax": "RNN(cell)(x, seq_lengths=lengths, return_carry=True), the carry",
    }[framework]
    return Answer(default, recipe, state)


def fresh(framework: str, kind: str, hidden: int) -> dict[str, Any]:
    """The biases of a fresh cell, by name."""
    if framework == "pytorch":
        import torch

        cell = getattr(torch.nn, f"{kind}Cell")(INPUTS, hidden)
        return {n: p.detach().numpy() for n, p in cell.named_parameters() if "bias" in n}
    if framework == "tensorflow":
        import keras

        cell = getattr(keras.layers, f"{kind}Cell")(hidden)
        cell.build((None, INPUTS))
        return {"bias": np.asarray(cell.bias)}
    import jax
    from flax import linen

    none = linen.initializers.zeros  # of the kernels, which would take a second to draw
    module = getattr(linen, f"{kind}Cell")(hidden, kernel_init=none, recurrent_kernel_init=none)
    x = np.zeros((1, INPUTS))
    carry = module.initialize_carry(jax.random.key(0), x.shape)
    tree = jax.jit(module.init)(jax.random.key(0), carry, x)["params"]
    return {name: np.asarray(part["bias"]) for name, part in tree.items() if "bias" in part}


def count(biases: dict[str, np.ndarray], hidden: int) -> int:
    return sum(bias.size for bias in biases.values()) // hidden


@row(
    "G2",
    "LSTM: biases a hidden unit",
    {"pytorch": 8, "tensorflow": 4, "jax": 4},
    reference=lstm_step,
)
def lstm_biases(framework: str) -> Answer:
    """Two biases that are only ever added: counts differ, and weight decay acts on both."""
    default = count(fresh(framework, "LSTM", 5), 5)
    recipe = "bias_hh = 0, and keep it so" if framework == "pytorch" else "as it is"
    return Answer(default, recipe, aligned_lstm(framework))


@row(
    "G11",
    "GRU: biases a hidden unit",
    {"pytorch": 6, "tensorflow": 6, "jax": 4},
    reference=gru_step,
)
def gru_biases(framework: str) -> Answer:
    """The reset gate multiplies the second bias of the new state: it is no sum with the first."""
    default = count(fresh(framework, "GRU", 5), 5)
    recipe = {
        "pytorch": "bias_hh = 0, or in its n-block what flax has in hn",
        "tensorflow": "second row of the bias 0, or in its n-block what flax has in hn",
        "jax": "sum both biases of r and of z; that of n stays apart, in hn",
    }[framework]
    return Answer(default, recipe, aligned_gru(framework))


@row(
    "G10",
    "LSTM: bias of the forget gate in a fresh cell, mean over 400 units",
    {"pytorch": 0.0, "tensorflow": 1.0, "jax": 0.0},
    reference=lstm_step,
    decimals=2,
)
def forget_bias(framework: str) -> Answer:
    """At 1 a fresh cell remembers, at 0 it halves its memory at every step."""
    hidden = 400
    found = fresh(framework, "LSTM", hidden)
    if framework == "jax":
        default = float(found["hf"].mean())
    else:
        default = sum(float(bias[hidden : 2 * hidden].mean()) for bias in found.values())
    recipe = {
        "pytorch": "fill bias_ih[H:2H] with 1 and bias_hh with 0",
        "tensorflow": "as it is, or unit_forget_bias=False for 0",
        "jax": "add 1 to hf/bias",
    }[framework]
    return Answer(default, recipe, aligned_lstm(framework))
