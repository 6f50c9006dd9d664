"""Models and data of the hub and of packages: the only rule that uses the network; it runs locally."""


localrules:
    fetch,


rule fetch:
    input:
        get_again("fetch"),
    output:
        f"{RESULTS}/fetched/{{node}}/fetch.json",
    log:
        f"{RESULTS}/logs/fetched/{{node}}.log",
    priority: 100
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("fetch"),
    params:
        results=get_results,
    shell:
        "HF_HUB_OFFLINE=0 python -m lethe fetch {wildcards.node} --results {params.results:q} &> {log:q}"
