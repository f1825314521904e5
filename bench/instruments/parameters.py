"""Parameters as a framework has built them, not as a spec foretells them."""

import numpy as np

from bench import systems
from bench.claim import Job
from bench.contract import Config, State, Update
from bench.optimizers import sgd
from bench.spec import Spec


def counted(job: Job, spec: Spec) -> dict[str, int]:
    """Numbers in each parameter of a net that the framework has built, filled and gives back.

    The net is let go at once: at 224 pixels it may have a hundred million parameters.
    """
    config = Config(device=job.device, threads=job.threads)
    update = Update("cross_entropy", ("",), sgd())
    system = systems.build(job.adapter, spec, {"train": update}, config)
    system.load(State({name: np.zeros(shape, "f4") for name, shape in spec.shapes().items()}))
    found = {name: int(np.size(array)) for name, array in system.export().parameters.items()}
    system.close()
    return found
