"""One architecture a file: a container, build(), and the functions and objectives of its spec."""
