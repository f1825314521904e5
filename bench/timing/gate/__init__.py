"""The regression gate: is this commit slower than that one, beyond what the clock's noise explains?

    python -m bench.timing.gate main        # or: make bench-compare BASE=main

Both commits are checked out side by side (checkouts.py). For every benchmark, a training step of a
net in a framework's form (benchmarks.py), pairs of fresh processes, one a side, take turns on one
processor (pairs.py). The interval of the ratio of their CPU times judges (intervals.py):
instruction counts, where valgrind is there, are told beside it (instructions.py).

How often it is wrong is measured by repeating the command itself (proof.py); the figures stand in
results/reference/gate.json.
"""

from bench.closure import ROOT

TRIALS = ROOT / "results" / "reference" / "gate.json"  # how often it is wrong (proof.py)
