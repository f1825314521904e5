"""TensorFlow: keras.Model, tf.nn primitives, tf.function and GradientTape."""

from bench.quiet import quiet

with quiet():
    import tensorflow  # noqa: F401  loaded here first, for its notices
