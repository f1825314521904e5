"""The reference: NumPy, with every gradient derived by hand and composed by a small tape."""
