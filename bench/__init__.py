"""The framework-free half of Quatuor: contract, specs, data, claims, conformance, verdicts, report."""
