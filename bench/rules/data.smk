# Data sets: found or fetched, checked against their checksums, described.


rule dataset:
    input:
        "bench/dataset.py",
        "bench/files.py",
        "bench/idx.py",
        "bench/datasets/{dataset}.py",
    output:
        description=plan.results / "data" / "{dataset}.json",
    log:
        plan.results / "logs" / "data" / "{dataset}.log",
    priority: priorities["data"]
    params:
        where=plan.data_arguments(),
    shell:
        "python -m bench.dataset --check {wildcards.dataset} {params.where}"
        " --out {output.description} 2>&1 | tee -i {log} >&2"
