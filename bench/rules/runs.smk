# Runs: one job a claim and framework. Finished runs live in the store, outside Snakemake's hands;
# the index, one row a run, is what it knows of.


rule runs:
    input:
        sources=lambda job: plan.sources(job.claim, job.framework),
        data=lambda job: plan.data_files(job.claim),
    output:
        index=plan.results / "runs" / "{claim}" / "{framework}.csv",
    log:
        plan.results / "logs" / "runs" / "{claim}-{framework}.log",
    container:
        "docker-daemon://quatuor/{framework}:latest"
    params:
        arguments=lambda job: plan.arguments(job.claim, job.framework),
        versions=lambda job: plan.versions(job.framework),
    shell:
        "python -m bench.run {params.arguments} --index {output.index}"
        " 2>&1 | tee -i {log} >&2"
