"""Four frameworks, one computation: the lock-step comparison with the NumPy reference."""
