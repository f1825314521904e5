"""PyTorch: nn.Module, explicit primitives, autograd."""
