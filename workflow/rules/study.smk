"""A study: its long tables, metrics, tables and figures."""


# On a cluster these run on the login node: each takes seconds, on tables that are summarized.
# `collect` and `summarize` read and resample every item of the study, so they are submitted.
localrules:
    table,
    figure,
    claims,


rule collect:
    input:
        record=wf.record,
        probes=wf.probe_results(),
        end_tasks=wf.end_task_results(),
    output:
        scores=f"{STUDY}/scores.csv",
        outcomes=f"{STUDY}/items.csv.gz",
        stages=f"{STUDY}/stages.csv",
    log:
        f"{RESULTS}/logs/collect.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("collect"),
    params:
        results=get_results,
        code=lambda w: wf.code("collect"),
    shell:
        "python -m lethe collect {input.record:q} --results {params.results:q} --scores {output.scores:q}"
        " --items {output.outcomes:q} --stages {output.stages:q} &> {log:q}"


rule summarize:
    input:
        scores=rules.collect.output.scores,
        outcomes=rules.collect.output.outcomes,
    output:
        f"{STUDY}/metrics.csv",
    log:
        f"{RESULTS}/logs/summarize.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("summarize"),
    params:
        code=lambda w: wf.code("summarize"),
        seed=wf.study.seeds.bootstrap,
    shell:
        "python -m lethe summarize --scores {input.scores:q} --items {input.outcomes:q}"
        " --seed {params.seed} --out {output:q} &> {log:q}"


rule table:
    input:
        scores=rules.collect.output.scores,
        metrics=rules.summarize.output,
        stages=rules.collect.output.stages,
    output:
        multiext(f"{STUDY}/tables/{{name}}", ".csv", ".md", ".tex"),
    log:
        f"{RESULTS}/logs/table/{{name}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("table"),
    params:
        code=lambda w: wf.code("table", w.name),
        folder=lambda w, output: str(Path(output[0]).parent),
    shell:
        "python -m lethe table {wildcards.name} --scores {input.scores:q}"
        " --metrics {input.metrics:q} --stages {input.stages:q} --out {params.folder:q} &> {log:q}"


rule figure:
    input:
        scores=rules.collect.output.scores,
        metrics=rules.summarize.output,
        stages=rules.collect.output.stages,
    output:
        multiext(f"{STUDY}/figures/{{name}}", ".pdf", ".png", ".csv"),
    log:
        f"{RESULTS}/logs/figure/{{name}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("figure"),
    params:
        code=lambda w: wf.code("figure", w.name),
        folder=lambda w, output: str(Path(output[0]).parent),
    shell:
        "python -m lethe figure {wildcards.name} --scores {input.scores:q}"
        " --metrics {input.metrics:q} --stages {input.stages:q} --out {params.folder:q} &> {log:q}"


rule claims:
    input:
        scores=rules.collect.output.scores,
        metrics=rules.summarize.output,
        claims=wf.claims_record,
    output:
        multiext(f"{STUDY}/claims/claims", ".csv", ".md", ".tex"),
    log:
        f"{RESULTS}/logs/claims.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("claims"),
    params:
        code=lambda w: wf.code("claims"),
        folder=lambda w, output: str(Path(output[0]).parent),
    shell:
        "python -m lethe claims --scores {input.scores:q} --metrics {input.metrics:q}"
        " --claims {input.claims:q} --out {params.folder:q} &> {log:q}"
