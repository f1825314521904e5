"""The framework-free half: contract, specs, data, claims, conformance, verdicts, report."""
