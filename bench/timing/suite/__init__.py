"""Every timed net as a benchmark of pytest-benchmark: stored, listed and compared by its commands.

    make bench
    python -m pytest bench/timing/suite -k "lenet and pytorch"
    pytest-benchmark compare --group-by param:net,param:framework,param:phase

Each run is saved under .benchmarks/ with the machine and the commit. Frameworks are timed in worker
processes of their own (bench/timing/worker.py); the times are CPU seconds per call that a worker
measured. Runs of different minutes differ by what the machine did meanwhile: to judge a change,
take the gate (bench/timing/gate), which times both sides in turns.
"""
