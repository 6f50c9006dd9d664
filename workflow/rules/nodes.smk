"""Nodes: data, bases, stages and probe results, each under its id."""


rule data:
    output:
        f"{RESULTS}/data/{{node}}/data.json",
    log:
        f"{RESULTS}/logs/data/{{node}}.log",
    params:
        code=lambda w: wf.code("data"),
    resources:
        mem_mb=1000,
    shell:
        "{LETHE} data {wildcards.node} --results {RESULTS:q} --code {params.code} &> {log:q}"


rule base:
    input:
        lambda w: wf.inputs(w.node),
    output:
        f"{RESULTS}/bases/{{node}}/base.json",
    log:
        f"{RESULTS}/logs/base/{{node}}.log",
    params:
        code=lambda w: wf.code("base"),
    priority: 10
    resources:
        mem_mb=2000,
    shell:
        "{LETHE} base {wildcards.node} --results {RESULTS:q} --code {params.code}"
        " --snapshot-seconds {wf.study.snapshot_seconds} &> {log:q}"


rule stage:
    input:
        lambda w: wf.inputs(w.node),
    output:
        f"{RESULTS}/stages/{{node}}/stage.json",
    log:
        f"{RESULTS}/logs/stage/{{node}}.log",
    params:
        code=lambda w: wf.code("stage", w.node),
    priority: 5
    resources:
        mem_mb=2000,
    shell:
        "{LETHE} stage {wildcards.node} --results {RESULTS:q} --code {params.code}"
        " --snapshot-seconds {wf.study.snapshot_seconds} &> {log:q}"


rule probe:
    input:
        lambda w: wf.inputs(w.node),
    output:
        f"{RESULTS}/scores/{{node}}/probe.json",
    log:
        f"{RESULTS}/logs/probe/{{node}}.log",
    params:
        code=lambda w: wf.code("probe"),
    resources:
        mem_mb=2000,
    shell:
        "{LETHE} probe {wildcards.node} --results {RESULTS:q} --code {params.code} &> {log:q}"
