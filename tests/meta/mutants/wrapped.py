"""Planted bugs that are the same in every framework: its own function, asked the wrong thing."""

import functools
from dataclasses import replace
from typing import Any


def batch_norm(honest: Any) -> dict[str, Any]:
    """Around techniques.batch_norm.batch_norm."""

    def asked(**wrong: Any) -> Any:
        names = ("x", "scale", "shift", "running_mean", "running_variance", "training")
        names += ("decay", "epsilon", "unbiased")

        @functools.wraps(honest)
        def ask(*given: Any, **named: Any) -> Any:
            arguments = {**dict(zip(names, given, strict=False)), **named}
            changes = {k: v(arguments[k]) if callable(v) else v for k, v in wrong.items()}
            return honest(**{**arguments, **changes})

        return ask

    return {
        "biased running variance": asked(unbiased=False),
        "decay of the new value": asked(decay=lambda decay: 1 - decay),
        "batch norm epsilon of 1e-3": asked(epsilon=1e-3),
        "frozen batch norm": asked(training=False),
        "batch norm that does not freeze": asked(training=True),
    }


def dropout(honest: Any) -> dict[str, Any]:
    """Around techniques.dropout.dropout."""

    def unscaled(x, mask, keep, form, training):
        return x * mask if training else x

    def rate_for_keep(x, mask, keep, form, training):
        return honest(x, mask, 1 - keep, form, training)

    def upside_down(x, mask, keep, form, training):
        return honest(x, 1 - mask, keep, form, training)

    return {
        "dropout never scaled": unscaled,
        "rate for keep": rate_for_keep,
        "deck dropout unscaled at test": unscaled,
        "mask put upside down": upside_down,
    }


def accumulation(honest: Any) -> dict[str, Any]:
    """Around techniques.accumulation.averaged."""

    def summed(parts, examples):
        return {name: len(parts) * mean for name, mean in honest(parts, examples).items()}

    def last_alone(parts, examples):
        return honest(parts[-1:], examples[-1:])

    def alike(parts, examples):
        return honest(parts, [1] * len(parts))

    return {
        "parts summed": summed,
        "the last part alone": last_alone,
        "parts weighted alike": alike,
    }


def weight_decay(honest: Any) -> dict[str, Any]:
    """Around techniques.weight_decay.decayed."""

    def twice(gradients, parameters, decay):
        return honest(gradients, parameters, 2 * decay)

    def without_shifts(gradients, parameters, decay):
        shifts = {name: g for name, g in gradients.items() if name.endswith("/shift")}
        return {**honest(gradients, parameters, decay), **shifts}

    return {"decay without its half": twice, "shifts do not decay": without_shifts}


def others(piecewise_constant: Any, exponential_decay: Any, average_pool: Any, affine: Any):
    """Around two schedules, average pooling and the affine augmentation."""

    def late(step, boundaries, rates):
        return piecewise_constant(max(step - 1, 0), boundaries, rates)

    def stairs(step, rate, decay, period):
        return exponential_decay(step // period * period, rate, decay, period)

    def summed(x, window, stride):
        return window * window * average_pool(x, window, stride)

    def other_way(x, angle, scale, shift):
        return affine(x, -angle, scale, shift)

    return {
        "schedule a step late": ("techniques.schedules.piecewise_constant", late),
        "decay in stairs": ("techniques.schedules.exponential_decay", stairs),
        "average pooling by the sum": ("layers.average_pool", summed),
        "rotation the other way": ("techniques.augmentation.affine", other_way),
    }


def residual(add: Any, identity_shortcut: Any, build: Any, relu: Any, average_pool: Any):
    """Around the sum and the shortcut of residual nets, and what builds one from its spec."""

    def activated(x, y):
        return add(relu(x), y)  # what follows leaves a sum of two that are not negative as it is

    def averaged(x, filters, stride):
        return identity_shortcut(average_pool(x, stride, stride), filters, 1)

    def later(spec, dtype):
        blocks = tuple(strided_later(block) for block in spec.options["blocks"])
        return build(replace(spec, options={**spec.options, "blocks": blocks}), dtype)

    def strided_later(block):
        first, *others = block.branch
        if first.kernel != 1:
            return block
        moved = replace(first, stride=1), replace(others[0], stride=first.stride), *others[1:]
        return replace(block, branch=moved)

    return {
        "activation before the addition": ("residual.add", activated),
        "shortcut of averages": ("residual.identity_shortcut", averaged),
        "stride on the 3x3 convolution": ("architectures.resnet.build", later),
    }


def segmentation(unpool: Any) -> dict[str, Any]:
    """Around the way back of a pooling that remembers."""

    def from_one(x, index, rows, columns):
        return unpool(x, (index + 1) % 4, rows, columns)

    def by_columns(x, index, rows, columns):
        return unpool(x, index % 2 * 2 + index // 2, rows, columns)

    return {
        "index off by one": ("segmentation.unpool", from_one),
        "index counted by columns": ("segmentation.unpool", by_columns),
    }


def patches(
    layers: Any,
    batch_norms: Any,
    dropouts: Any,
    schedules: Any,
    augmentation: Any,
    accumulations: Any,
    weight_decays: Any,
) -> dict[str, Any]:
    """Name -> (what is replaced, by what), for a framework's modules."""
    home = "techniques.batch_norm.batch_norm"
    found = {name: (home, bug) for name, bug in batch_norm(batch_norms.batch_norm).items()}
    home = "techniques.dropout.dropout"
    found |= {name: (home, bug) for name, bug in dropout(dropouts.dropout).items()}
    home = "techniques.accumulation.averaged"
    found |= {name: (home, bug) for name, bug in accumulation(accumulations.averaged).items()}
    home = "techniques.weight_decay.decayed"
    found |= {name: (home, bug) for name, bug in weight_decay(weight_decays.decayed).items()}
    rates = (schedules.piecewise_constant, schedules.exponential_decay)
    return found | others(*rates, layers.average_pool, augmentation.affine)
