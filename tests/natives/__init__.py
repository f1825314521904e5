"""Every technique as the framework's own library offers it, one file a framework.

A technique of implementations/ is written out; here stands what a user of the framework would call,
with its settings aligned. tests/implementations/suite_natives_*.py compare the two. Arrays are
NumPy float64 in canonical layout, going in and coming out. The same functions in each file:

    batch_norm(x, scale, shift, running_mean, running_variance, training, decay, epsilon, unbiased)
                                              -> y, new running mean, new running variance
    batch_norm_gradient(x, scale, shift, epsilon, delta)
                                              -> gradients by x, scale, shift in training
    dropout(x, keep, seed)                    -> what the layer's training leaves of x
    activation(name, x, delta)                -> value, gradient by x
    cross_entropy(logits, labels)             -> mean loss, gradient by the logits
    max_pool(x, window, stride, delta)        -> y, gradient by x
    average_pool(x, window, stride, delta)    -> y, gradient by x
    unpool(x, delta)                          -> y, gradient by x: 2x2 pooling and its way back,
                                                 by indices
    upsample(upsampling, x, delta)            -> y, gradient by x: "nearest" or "bilinear"
    transposed_convolution(x, weight, delta)  -> y, gradients by x and by weight
    pixel_cross_entropy(logits, labels, weights)
                                              -> mean of weighted losses, gradient by the logits
    optimize(rule, parameter, gradients, rates, **constants)
                                              -> the parameter after a step with each gradient
    clip_by_global_norm(gradients, limit)     -> clipped gradients, by name
    weight_decay(parameter, gradients, rate, momentum, decay)
                                              -> the parameter after a step with each gradient
    accumulated(parameter, gradients, parts, rate)
                                              -> the parameter after a step of plain descent with
                                                 the mean of every so many gradients
    piecewise_constant(steps, boundaries, rates)
                                              -> the rate at each of the steps 0, 1, ...
    exponential_decay(steps, rate, decay, period)
                                              -> the same
    standardize(x)                            -> x by its own mean and deviation in each channel
    affine(x, angle, scale, shift)            -> images, as techniques/augmentation.py defines them
    elastic(x, displacement)                  -> the same

UNALIGNED names what the library cannot be made to compute, with the reason: "optimize deck_adam".
TOLERANCES names what it computes less exactly than 1e-12, with what can be asked, and a reason.
"""
