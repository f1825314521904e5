"""One family of techniques a file."""
