"""A study: its long tables, metrics, tables, figures and report."""


# On a cluster these run on the login node: each takes seconds, on tables that are summarized.
# `collect` and `summarize` read and resample every item of the study, `questions` and `report` read
# them, so they are submitted.
localrules:
    table,
    figure,
    claims,
    all,


rule collect:
    input:
        get_again("collect"),
        record=get_read("collect", wf.record),
        probes=get_read("collect", wf.probe_results()),
        end_tasks=get_read("collect", wf.end_task_results()),
    output:
        scores=f"{STUDY}/scores.csv",
        stages=f"{STUDY}/stages.csv",
        manifest=f"{STUDY}/collect.json",
    log:
        f"{RESULTS}/logs/collect.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("collect"),
    params:
        results=get_results,
        code=lambda w: wf.code("collect"),
        # Files of sets that have not changed stay as they are, so Snakemake must not remove them.
        outcomes=f"{STUDY}/items",
    shell:
        "python -m lethe collect {input.record:q} --results {params.results:q} --code {params.code}"
        " --scores {output.scores:q} --items {params.outcomes:q} --stages {output.stages:q} &> {log:q}"


rule summarize:
    input:
        get_again("summarize"),
        scores=get_read("summarize", rules.collect.output.scores),
        collected=get_read("summarize", rules.collect.output.manifest),
    output:
        metrics=f"{STUDY}/metrics.csv",
        changes=f"{STUDY}/changes.csv",
        calibration=f"{STUDY}/calibration.csv",
        manifest=f"{STUDY}/summarize.json",
    log:
        f"{RESULTS}/logs/summarize.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("summarize"),
    params:
        code=lambda w: wf.code("summarize"),
        outcomes=rules.collect.params.outcomes,
        seed=wf.study.seeds.bootstrap,
    shell:
        "python -m lethe summarize --scores {input.scores:q} --items {params.outcomes:q}"
        " --seed {params.seed} --code {params.code} --out {output.metrics:q}"
        " --changes {output.changes:q} --calibration {output.calibration:q} &> {log:q}"


rule questions:
    input:
        get_again("questions"),
        record=get_read("questions", wf.record),
        documents=get_read("questions", wf.documents()),
        scores=get_read("questions", rules.collect.output.scores),
        collected=get_read("questions", rules.collect.output.manifest),
    output:
        f"{STUDY}/questions/questions.json",
    log:
        f"{RESULTS}/logs/questions.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("questions"),
    params:
        results=lambda w, output: str(Path(output[0]).parents[3]),
        code=lambda w: wf.code("questions"),
        outcomes=rules.collect.params.outcomes,
        folder=lambda w, output: str(Path(output[0]).parent),
    shell:
        "python -m lethe questions {input.record:q} --results {params.results:q} --code {params.code}"
        " --scores {input.scores:q} --items {params.outcomes:q} --out {params.folder:q} &> {log:q}"


rule table:
    input:
        get_again("table"),
        scores=get_read("table", rules.collect.output.scores),
        metrics=get_read("table", rules.summarize.output.metrics),
        stages=get_read("table", rules.collect.output.stages),
        changes=get_read("table", rules.summarize.output.changes),
        calibration=get_read("table", rules.summarize.output.calibration),
    output:
        multiext(f"{STUDY}/tables/{{name}}", ".csv", ".md", ".tex", ".json"),
        report(
            f"{STUDY}/tables/{{name}}.html",
            "../report/table.rst",
            **in_report("tables"),
        ),
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
        " --metrics {input.metrics:q} --stages {input.stages:q}"
        " --changes {input.changes:q} --calibration {input.calibration:q}"
        " --code {params.code} --out {params.folder:q} &> {log:q}"


rule figure:
    input:
        get_again("figure"),
        scores=get_read("figure", rules.collect.output.scores),
        metrics=get_read("figure", rules.summarize.output.metrics),
        stages=get_read("figure", rules.collect.output.stages),
        changes=get_read("figure", rules.summarize.output.changes),
        calibration=get_read("figure", rules.summarize.output.calibration),
    output:
        multiext(
            f"{STUDY}/figures/{{name}}",
            ".pdf",
            ".png",
            ".csv",
            ".txt",
            ".json",
        ),
        report(
            f"{STUDY}/figures/{{name}}.svg",
            "../report/figure.rst",
            **in_report("figures"),
        ),
    log:
        f"{RESULTS}/logs/figure/{{name}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("figure"),
    params:
        code=lambda w: wf.code("figure", w.name),
        width=lambda w: f"--width {width}" if (width := wf.figure_width(w.name)) else "",
        folder=lambda w, output: str(Path(output[0]).parent),
    shell:
        "python -m lethe figure {wildcards.name} --scores {input.scores:q}"
        " --metrics {input.metrics:q} --stages {input.stages:q}"
        " --changes {input.changes:q} --calibration {input.calibration:q}"
        " {params.width} --code {params.code} --out {params.folder:q} &> {log:q}"


rule claims:
    input:
        get_again("claims"),
        scores=get_read("claims", rules.collect.output.scores),
        metrics=get_read("claims", rules.summarize.output.metrics),
        claims=get_read("claims", wf.claims_record),
    output:
        multiext(f"{STUDY}/claims/claims", ".csv", ".md", ".tex", ".json"),
        report(f"{STUDY}/claims/claims.html", "../report/claims.rst", category="Claims"),
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
        " --claims {input.claims:q} --code {params.code} --out {params.folder:q} &> {log:q}"


rule report:
    input:
        get_again("report"),
        collected=get_read("report", rules.collect.output.manifest),
        summarized=get_read("report", rules.summarize.output.manifest),
        pages=get_read("report", wf.pages()),
    output:
        report(f"{STUDY}/report.html", "../report/page.rst", category="The study"),
        f"{STUDY}/report.json",
    log:
        f"{RESULTS}/logs/report.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **get_request("report"),
    params:
        code=lambda w: wf.code("report"),
        folder=lambda w, output: str(Path(output[0]).parent),
        files=[str(file) for file in [*workflow.configfiles, *typed_settings()]],
    shell:
        "python -m lethe report {params.folder:q} --configfile {params.files:q}"
        " --code {params.code} &> {log:q}"
