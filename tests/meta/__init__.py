"""The tests are tested: bugs are planted one at a time, and conformance must turn red."""
