# Runs: one job a claim and framework. Finished runs live in the store, outside Snakemake's hands;
# the index, one row a run, is what it knows of. Where a claim searches a setting, that comes first,
# once, in one framework for all.


rule search:
    input:
        sources=lambda job: plan.sources(job.claim, plan.searcher),
        data=lambda job: plan.data_files(job.claim),
    output:
        choice=plan.results / "search" / "{claim}.json",
    log:
        plan.results / "logs" / "search" / "{claim}.log",
    priority: lambda job: priorities[f"search/{job.claim}"]
    container:
        f"docker-daemon://quatuor/{plan.searcher}:latest"
    params:
        arguments=lambda job: plan.search_arguments(job.claim, plan.searcher),
        versions=plan.versions(plan.searcher),
    shell:
        "python -m bench.search {params.arguments} --out {output.choice}"
        " 2>&1 | tee -i {log} >&2"


rule runs:
    input:
        sources=lambda job: plan.sources(job.claim, job.framework),
        data=lambda job: plan.data_files(job.claim),
        choice=lambda job: plan.choice(job.claim) or [],
    output:
        index=plan.results / "runs" / "{claim}" / "{framework}.csv",
    log:
        plan.results / "logs" / "runs" / "{claim}-{framework}.log",
    priority: lambda job: priorities[f"{job.claim}/{job.framework}"]
    container:
        "docker-daemon://quatuor/{framework}:latest"
    threads: lambda job: plan.cores(job.claim)
    params:
        arguments=lambda job: plan.arguments(job.claim, job.framework),
        versions=lambda job: plan.versions(job.framework),
    shell:
        "python -m bench.run {params.arguments} --index {output.index}"
        " 2>&1 | tee -i {log} >&2"
