# The whole reproduction, in the order of the path that a claim takes:
#
#   data          bench/rules/data.smk         data sets, checked
#   runs          bench/rules/runs.smk         claim x framework, arms and seeds inside
#   conformance   bench/rules/conformance.smk  each framework beside the NumPy reference; mutants
#   atlas         bench/rules/atlas.smk        what each framework does by default, row by row
#   timing        bench/rules/timing.smk       how fast each framework computes each net, in turns
#   verdicts      bench/rules/verdicts.smk     summaries, and a verdict for each claim
#   report        bench/rules/report.smk       pages for a reader
#
#   snakemake --cores 2                          the standard budget
#   snakemake --cores 2 --config budget=smoke    minutes, no verdicts
#   snakemake --cores 2 conformance              the lock-step comparison, mutants and atlas alone

import sys

from bench import costs, start


configfile: f"config/{config.get('budget', 'standard')}.yaml"


# Images built from docker/Dockerfile, for --software-deployment-method apptainer. Computing jobs name
# their framework's.
container: "docker-daemon://quatuor/reporter:latest"


plan = start.prepare(
    config, workflow.is_main_process, sys.argv, workflow.resource_settings.cores
)
priorities = costs.priorities(plan)


onstart:
    start.record(plan)


wildcard_constraints:
    claim="[a-z0-9_]+",
    framework="[a-z0-9_]+",
    dataset="[a-z0-9_]+",


include: "bench/rules/data.smk"
include: "bench/rules/runs.smk"
include: "bench/rules/conformance.smk"
include: "bench/rules/atlas.smk"
include: "bench/rules/timing.smk"
include: "bench/rules/verdicts.smk"
include: "bench/rules/report.smk"


# What lies between is asked for too: Snakemake does not miss it where a summary of it exists.
rule all:
    default_target: True
    input:
        rules.report.input.data,
        plan.choices,
        rules.tables.input.indexes,
        rules.conformance_summary.input.records,
        rules.mutants_summary.input.records,
        rules.atlas_summary.input.records,
        rules.throughput_summary.input.records,
        rules.tables.output,
        rules.accounts.output,
        rules.verdicts.output,
        rules.conformance_summary.output,
        rules.mutants_summary.output,
        rules.atlas_summary.output,
        rules.throughput_summary.output,
        rules.report.output,


rule conformance:
    input:
        rules.conformance_summary.input.records,
        rules.mutants_summary.input.records,
        rules.atlas_summary.input.records,
        rules.conformance_summary.output,
        rules.mutants_summary.output,
        rules.atlas_summary.output,
