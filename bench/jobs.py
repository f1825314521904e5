"""Several jobs in one process: their command line, and what one leaves to the next.

    python -m bench.run --framework jax --results results/smoke
        --claim lenet_accuracy --arms lenet --seeds 0 --index ...
        --claim max_pool_gradient --arms ties --seeds 0 --index ...

Every --claim begins a job; what stands before the first holds for all. The framework is imported
once, and each job finds the rest as in a process of its own: no module of the project is loaded
that is this job's affair, nothing is compiled, and what others cost is not counted as its.
"""

import argparse
import gc
import importlib
import itertools
import sys
import time
from collections.abc import Callable, Sequence

import implementations
from bench import closure, command, measure, systems, threads
from bench.errors import UserError, unknown
from bench.ledger import LEDGER, REST
from bench.measure import Past

SHARED = ("framework", "results", "device", "threads", "data_dir")

Compute = Callable[[argparse.Namespace, Past], None]


def parsed(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[argparse.Namespace]:
    """The jobs of a command line, in its order.

    Raises UserError where they differ in what a process has but one of.
    """
    begins = [n for n, word in enumerate(words) if word.partition("=")[0] == "--claim"]
    shared = words[: begins[0]] if begins else words
    own = [words[a:b] for a, b in itertools.pairwise([*begins, len(words)])] or [[]]
    jobs = [parser.parse_args([*shared, *part]) for part in own]
    for name in SHARED:
        if len({getattr(job, name) for job in jobs}) > 1:
            option = f"--{name.replace('_', '-')}"
            raise UserError(f"one process has one {option}: put it before the first --claim")
    return jobs


def computed(jobs: Sequence[argparse.Namespace], compute: Compute) -> int:
    """Compute one job after another; the exit code.

    A job that fails is told and stops no other, unless it is the only one, or the machine refuses.
    Raises UserError for an unknown framework.
    """
    framework = jobs[0].framework
    threads.pin(jobs[0].threads)
    if framework not in implementations.names():
        raise UserError(unknown("framework", framework, implementations.names()))
    importlib.import_module(f"implementations.{framework}.adapter")
    LEDGER.enter(REST)
    measure.release()
    gc.freeze()  # what the framework made when it was imported lives on: not to be walked again
    before, memory, past = closure.loaded(), measure.memory_mib(), Past()
    failed: list[str] = []
    for job in jobs:
        try:
            compute(job, past)
        except Exception as error:
            if len(jobs) == 1 or getattr(error, "errno", None) in command.REFUSALS:
                raise
            failed.append(job.claim)
            command.tell(f"{job.claim} failed in {job.framework}:", error)
        systems.close()
        LEDGER.take()  # of a job that failed, and of tidying up: no other job's
        closure.forget(closure.loaded() - before)
        measure.release()
        past = Past(time.process_time(), max(0.0, measure.memory_mib() - memory))
    if failed:
        told = f"{len(failed)} of {len(jobs)} claims failed in {framework}"
        others = "all others were computed"
        print(f"quatuor: {told}, {others}: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0
