# The atlas: where the frameworks disagree, asked of what is installed. A new version asks anew.


rule atlas:
    input:
        sources=plan.atlas_sources(),
    output:
        records=plan.results / "atlas" / "{framework}.json",
    log:
        plan.results / "logs" / "atlas" / "{framework}.log",
    priority: lambda job: priorities[f"atlas/{job.framework}"]
    container:
        "docker-daemon://quatuor/{framework}:latest"
    params:
        arguments=f"--results {plan.results}",
        versions=lambda job: plan.atlas_versions(job.framework),
    shell:
        "python -m bench.atlas --framework {wildcards.framework} {params.arguments}"
        " --out {output.records} 2>&1 | tee -i {log} >&2"


rule atlas_summary:
    input:
        records=expand(rules.atlas.output.records, framework=plan.atlas_frameworks),
        sources=plan.summary_sources("atlas"),
    output:
        plan.results / "atlas.json",
    log:
        plan.results / "logs" / "atlas.log",
    params:
        results=plan.results,
    shell:
        "python -m bench.summaries --results {params.results} atlas 2>&1 | tee -i {log} >&2"
