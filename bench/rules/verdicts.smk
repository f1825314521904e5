# Summaries of all runs and jobs, and a verdict for each claim.


rule tables:
    input:
        sources=plan.summary_sources("runs", "costs", "timings"),
        indexes=plan.indexes,
    output:
        runs=plan.results / "runs.csv",
        costs=plan.results / "costs.csv",
        timings=plan.results / "timings.csv",
    log:
        plan.results / "logs" / "tables.log",
    params:
        results=plan.results,
    shell:
        "python -m bench.summaries --results {params.results} runs costs timings 2>&1 | tee -i {log} >&2"


rule accounts:
    input:
        sources=plan.summary_sources("accounts"),
        indexes=plan.indexes,
        choices=plan.choices,
        conformance=rules.conformance_summary.input.records,
        mutants=rules.mutants_summary.input.records,
        atlas=rules.atlas_summary.input.records,
        throughput=rules.throughput_summary.input.records,
    output:
        plan.results / "accounts.csv",
    log:
        plan.results / "logs" / "accounts.log",
    params:
        results=plan.results,
    shell:
        "python -m bench.summaries --results {params.results} accounts 2>&1 | tee -i {log} >&2"


rule verdicts:
    input:
        sources=plan.summary_sources("verdicts"),
        runs=rules.tables.output.runs,
    output:
        plan.results / "verdicts.json",
    log:
        plan.results / "logs" / "verdicts.log",
    params:
        results=plan.results,
    shell:
        "python -m bench.summaries --results {params.results} verdicts 2>&1 | tee -i {log} >&2"
