# The report: from the summaries and the run folders to pages.


rule report:
    input:
        sources=plan.report_sources(),
        data=expand(rules.dataset.output.description, dataset=plan.datasets),
        tables=rules.tables.output,
        accounts=rules.accounts.output,
        verdicts=rules.verdicts.output,
        conformance=rules.conformance_summary.output,
        mutants=rules.mutants_summary.output,
        atlas=rules.atlas_summary.output,
        throughput=rules.throughput_summary.output,
    output:
        plan.reports / "index.html",
    log:
        plan.results / "logs" / "report.log",
    params:
        results=plan.results,
        reports=plan.reports,
    shell:
        "python -m bench.report --results {params.results} --out {params.reports}"
        " 2>&1 | tee -i {log} >&2"
