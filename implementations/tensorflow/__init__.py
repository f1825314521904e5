"""TensorFlow: keras.Model, tf.nn primitives, tf.function and GradientTape."""
