# Timing: all nets in every framework and form, in turns. Such a job has the machine to itself:
# Snakemake cuts the threads that it asks for down to all that there are.


rule throughput:
    input:
        sources=plan.timing_sources(),
    output:
        records=plan.timings,
    log:
        plan.results / "logs" / "throughput" / "together.log",
    priority: lambda job: priorities[costs.TIMING]
    threads: 10000
    params:
        arguments=plan.timing_arguments(),
        versions=plan.all_versions(),
    shell:
        "python -m bench.timing.throughput {params.arguments} 2>&1 | tee -i {log} >&2"


rule throughput_summary:
    input:
        records=plan.timings,
        sources=plan.summary_sources("throughput"),
    output:
        plan.results / "throughput.json",
    log:
        plan.results / "logs" / "throughput.log",
    params:
        results=plan.results,
    shell:
        "python -m bench.summaries --results {params.results} throughput 2>&1 | tee -i {log} >&2"
