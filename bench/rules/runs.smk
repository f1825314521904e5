# Runs: one process a claim and framework, or one a framework for several claims (bench/sharing.py).
# Finished runs live in the store, outside Snakemake's hands; the index of a claim, one row a run, is
# what it knows of. Where a claim searches a setting, that comes first, once, in one framework for all.


rule search:
    input:
        sources=lambda job: plan.searching(*plan.searches.of(job)).sources,
        data=lambda job: plan.searching(*plan.searches.of(job)).data,
    output:
        [plan.choice(claim) for claim in plan.searches.written],
    log:
        plan.results / "logs" / "search" / f"{plan.searches.label}.log",
    priority: lambda job: priorities[plan.searching(*plan.searches.of(job)).name]
    container:
        f"docker-daemon://quatuor/{plan.searcher}:latest"
    params:
        jobs=lambda job: plan.searching(*plan.searches.of(job)).arguments,
        versions=plan.versions(plan.searcher),
    shell:
        "python -m bench.search {params.jobs} 2>&1 | tee -i {log} >&2"


# A rule for the claims that have a process each, and one for every process that claims share.
for share in plan.shares:

    rule:
        name:
            share.rule
        input:
            sources=lambda job, share=share: plan.process(share, job).sources,
            data=lambda job, share=share: plan.process(share, job).data,
            choices=lambda job, share=share: plan.process(share, job).choices,
        output:
            [plan.index(claim, "{framework}") for claim in share.written],
        log:
            plan.results / "logs" / "runs" / f"{share.label}-{{framework}}.log",
        wildcard_constraints:
            claim=share.pattern,
        priority: lambda job, share=share: priorities[plan.process(share, job).name]
        container:
            "docker-daemon://quatuor/{framework}:latest"
        threads: lambda job, share=share: plan.process(share, job).cores
        params:
            jobs=lambda job, share=share: plan.process(share, job).arguments,
            versions=lambda job: plan.versions(job.framework),
        shell:
            "python -m bench.run {params.jobs} 2>&1 | tee -i {log} >&2"
