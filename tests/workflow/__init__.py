"""The README's commands, run in a copy of the tree: what a user sees and what is left behind."""
