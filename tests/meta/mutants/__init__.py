"""The planted bugs, one file a framework, the same names in each.

PATCHES maps a mutant's name to what is replaced: ("layers.dense", replacement). A replacement takes
the place of a function of the framework's folder while a system is built and run.
"""
