"""Primitives that a native variant exchanges for faster ones.

A primitive stands in its folder as its equation says, and is marked there as exchangeable. Within

    with exchanged({layers.convolution: native.convolution}):
        ...

every call of it, however deep in a net, goes to the other one, which takes the same arguments and
computes the same. The choice belongs to the running thread and ends with the block, so that systems
of different variants do not meet; what a framework traces inside keeps what it was traced with.
"""

import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

Primitives = Mapping[Callable[..., Any], Callable[..., Any]]  # the written-out -> the faster
NONE: Primitives = MappingProxyType({})

P = ParamSpec("P")
R = TypeVar("R")

_chosen: ContextVar[Primitives] = ContextVar("exchanged primitives", default=NONE)


def exchangeable(primitive: Callable[P, R]) -> Callable[P, R]:
    """The primitive itself, unless exchanged() names another one for it.

    That other one may call it, for what it leaves to it: inside of it nothing is exchanged.
    """

    @functools.wraps(primitive)
    def call(*arguments: P.args, **named: P.kwargs) -> R:
        faster = _chosen.get().get(call)
        if faster is None:
            return primitive(*arguments, **named)
        token = _chosen.set(NONE)  # as exchanged() does, which would cost a small layer too much
        try:
            return faster(*arguments, **named)
        finally:
            _chosen.reset(token)

    return call


class exchanged:
    """Within the block, the primitives that are named go to those beside them; no other does.

    As a decorator, within every call. A class, since contextlib's generators would cost a small
    step more than all else that is around it.
    """

    __slots__ = ("primitives", "token")

    def __init__(self, primitives: Primitives) -> None:
        self.primitives = primitives

    def __enter__(self) -> None:
        self.token = _chosen.set(self.primitives)

    def __exit__(self, *error: object) -> None:
        _chosen.reset(self.token)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*arguments: P.args, **named: P.kwargs) -> R:
            with exchanged(self.primitives):  # one of its own: calls may meet
                return function(*arguments, **named)

        return call
