"""JAX: pure functions over a pytree, jit and grad."""

import jax

jax.config.update("jax_enable_x64", True)  # before any array is made: float64 would become float32
