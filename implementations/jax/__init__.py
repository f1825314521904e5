"""JAX: pure functions over a pytree, jit and grad."""
