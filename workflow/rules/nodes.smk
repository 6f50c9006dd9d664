"""Nodes: data, tokens, bases, stages and probe results, each under its id.

Times of files decide nothing: what is out of date is found by content (rules/run.smk).
"""


rule data:
    input:
        get_again("data"),
        get_inputs("data"),
    output:
        f"{RESULTS}/data/{{node}}/data.json",
    log:
        f"{RESULTS}/logs/data/{{node}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("data"),
    params:
        results=get_results,
        code=lambda w: wf.code("data", w.node),
    shell:
        "python -m lethe data {wildcards.node} --results {params.results:q} --code {params.code} &> {log:q}"


rule tokens:
    input:
        get_again("tokens"),
        get_inputs("tokens"),
    output:
        f"{RESULTS}/tokens/{{node}}/tokens.json",
    log:
        f"{RESULTS}/logs/tokens/{{node}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("tokens"),
    params:
        results=get_results,
        code=lambda w: wf.code("tokens", w.node),
    shell:
        "python -m lethe tokens {wildcards.node} --results {params.results:q} --code {params.code} &> {log:q}"


rule base:
    input:
        get_again("base"),
        get_inputs("base"),
    output:
        f"{RESULTS}/bases/{{node}}/base.json",
    log:
        f"{RESULTS}/logs/base/{{node}}.log",
    priority: 10
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("base"),
    params:
        results=get_results,
        code=lambda w: wf.code("base", w.node),
    shell:
        "LETHE_GPUS={resources.gpu} python -m lethe base {wildcards.node} --results {params.results:q} --code {params.code} &> {log:q}"


rule stage:
    input:
        get_again("stage"),
        get_inputs("stage"),
    output:
        f"{RESULTS}/stages/{{node}}/stage.json",
    log:
        f"{RESULTS}/logs/stage/{{node}}.log",
    priority: 5
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("stage"),
    params:
        results=get_results,
        code=lambda w: wf.code("stage", w.node),
    shell:
        "LETHE_GPUS={resources.gpu} python -m lethe stage {wildcards.node} --results {params.results:q} --code {params.code} &> {log:q}"


rule probe:
    input:
        get_again("probe"),
        get_inputs("probe"),
    output:
        f"{RESULTS}/scores/{{node}}/probe.json",
    log:
        f"{RESULTS}/logs/probe/{{node}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("probe"),
    params:
        results=get_results,
        code=lambda w: wf.code("probe", w.node),
    shell:
        "LETHE_GPUS={resources.gpu} python -m lethe probe {wildcards.node} --results {params.results:q} --code {params.code} &> {log:q}"


rule end_task:
    input:
        get_again("end_task"),
        get_inputs("end_task"),
    output:
        f"{RESULTS}/endtasks/{{node}}/end_task.json",
    log:
        f"{RESULTS}/logs/end_task/{{node}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("end_task"),
    params:
        results=get_results,
        code=lambda w: wf.code("end_task", w.node),
    shell:
        "LETHE_GPUS={resources.gpu} python -m lethe end_task {wildcards.node} --results {params.results:q} --code {params.code} &> {log:q}"
