"""What a public host runs is what the project has."""

import re

import yaml

from lethe.artefacts.paths import PROJECT


def test_the_hosts_checks_are_targets_of_the_makefile():
    workflow = yaml.safe_load((PROJECT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["checks"]["steps"]
    called = {name for step in steps for name in re.findall(r"make (\w+)", step.get("run", ""))}
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert {"env", "lint", "docs", "test"} <= called
    assert called <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
