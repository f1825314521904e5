# Runs: one process a claim and framework, or one a framework for all claims (bench/groups.py).
# Finished runs live in the store, outside Snakemake's hands; the index of a claim, one row a run, is
# what it knows of. Where a claim searches a setting, that comes first, once, in one framework for all.


rule search:
    input:
        sources=lambda job: plan.searching(**job).sources,
        data=lambda job: plan.searching(**job).data,
    output:
        [plan.choice(claim) for claim in plan.of_a_process(plan.searched)],
    log:
        plan.results / "logs" / "search" / f"{plan.label}.log",
    priority: lambda job: priorities[plan.searching(**job).name]
    container:
        f"docker-daemon://quatuor/{plan.searcher}:latest"
    params:
        jobs=lambda job: plan.searching(**job).arguments,
        versions=plan.versions(plan.searcher),
    shell:
        "python -m bench.search {params.jobs} 2>&1 | tee -i {log} >&2"


rule runs:
    input:
        sources=lambda job: plan.running(**job).sources,
        data=lambda job: plan.running(**job).data,
        choices=lambda job: plan.running(**job).choices,
    output:
        [plan.index(claim, "{framework}") for claim in plan.of_a_process(plan.claims)],
    log:
        plan.results / "logs" / "runs" / f"{plan.label}-{{framework}}.log",
    priority: lambda job: priorities[plan.running(**job).name]
    container:
        "docker-daemon://quatuor/{framework}:latest"
    threads: lambda job: plan.running(**job).cores
    params:
        jobs=lambda job: plan.running(**job).arguments,
        versions=lambda job: plan.versions(job.framework),
    shell:
        "python -m bench.run {params.jobs} 2>&1 | tee -i {log} >&2"
