# Conformance: each framework in lock-step with the NumPy reference, and the planted bugs that the
# comparison must catch.


rule lockstep:
    input:
        sources=lambda job: plan.conformance_sources(job.framework),
        data=plan.conformance_data(),
    output:
        records=plan.results / "conformance" / "{framework}.json",
    log:
        plan.results / "logs" / "conformance" / "{framework}.log",
    priority: lambda job: priorities[f"conformance/{job.framework}"]
    container:
        "docker-daemon://quatuor/{framework}:latest"
    params:
        arguments=plan.conformance_arguments(),
        versions=lambda job: plan.versions(job.framework),
    shell:
        "python -m bench.conformance --framework {wildcards.framework} {params.arguments}"
        " --out {output.records} 2>&1 | tee -i {log} >&2"


rule mutants:
    input:
        sources=lambda job: plan.mutant_sources(job.framework),
    output:
        records=plan.results / "mutants" / "{framework}.json",
    log:
        plan.results / "logs" / "mutants" / "{framework}.log",
    priority: lambda job: priorities[f"mutants/{job.framework}"]
    container:
        "docker-daemon://quatuor/{framework}:latest"
    params:
        arguments=f"--results {plan.results}",
        versions=lambda job: plan.versions(job.framework),
    shell:
        "python -m tests.meta.kill --framework {wildcards.framework} {params.arguments}"
        " --out {output.records} 2>&1 | tee -i {log} >&2"


rule conformance_summary:
    input:
        records=expand(rules.lockstep.output.records, framework=plan.judged_frameworks),
        sources=plan.summary_sources("conformance"),
    output:
        plan.results / "conformance.json",
    log:
        plan.results / "logs" / "conformance.log",
    params:
        results=plan.results,
    shell:
        "python -m bench.summaries --results {params.results} conformance 2>&1 | tee -i {log} >&2"


rule mutants_summary:
    input:
        records=expand(rules.mutants.output.records, framework=plan.judged_frameworks),
        sources=plan.summary_sources("mutants"),
    output:
        plan.results / "mutants.json",
    log:
        plan.results / "logs" / "mutants.log",
    params:
        results=plan.results,
    shell:
        "python -m bench.summaries --results {params.results} mutants 2>&1 | tee -i {log} >&2"
