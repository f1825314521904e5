"""Jobs for tests of claims: NumPy's adapter, the settings of a budget and what a test changes."""

from typing import Any

from bench.claim import Claim, Job
from implementations.numpy import adapter


def job(claim: Claim, arm: str, seed: int = 0, budget: str = "smoke", **settings: Any) -> Job:
    return Job(
        framework="numpy",
        adapter=adapter,
        arm=arm,
        seed=seed,
        settings={**claim.budgets[budget].settings, **settings},
        device="cpu",
        threads=1,
        data_dir=None,
        report=lambda fraction, text: None,
    )
