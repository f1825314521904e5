"""The tests mirror bench/ and implementations/; tests/meta breaks things on purpose."""
