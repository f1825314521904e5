"""Nets of each library's own layers, one file a framework, as a user of it writes them.

    build(spec, dtype)       the net, with whatever weights the library draws
    ARCHITECTURES            the specs of bench/specs that build() takes

Layers have the names of the spec, so that parameters and running statistics are found under their
canonical names. Keras and flax keep the biased variance of batch norm, PyTorch the unbiased one
(UNBIASED): no training step depends on it.
"""
