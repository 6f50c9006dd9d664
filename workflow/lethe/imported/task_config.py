"""What defines a task in a result file of lm-eval: its configuration, compared key by key."""

import json
import re
from typing import Any

from lethe.artefacts.strict_json import digest

ADDRESS = re.compile(r" at 0x[0-9a-f]+")

LEFT_OUT = ("metadata", "num_fewshot", "dataset_kwargs")
"""Keys of a task's configuration that hold paths and the model's arguments, or are read apart."""

SHORT = 20
"""Characters of a value that is shown as it is, not by its digest."""


def config_digest(config: dict) -> str:
    """Digest of what defines the task, without paths, addresses and the model's arguments."""
    return digest(_config_text({key: config[key] for key in config if key not in LEFT_OUT}))


def _config_text(value: Any) -> str:
    return ADDRESS.sub("", json.dumps(value, sort_keys=True, default=str))


def config_keys(configs: dict[str, Any], leaves: tuple[str, ...]) -> dict[str, str]:
    """Digests of the keys of the leaves' configurations; short values as they are."""
    found = [configs[leaf] for leaf in leaves if isinstance(configs.get(leaf), dict)]
    names = {name for config in found for name in config} - {*LEFT_OUT, "task"}
    described = {}
    for name in sorted(names):
        texts = [_config_text(config.get(name)) for config in found]
        same = len(set(texts)) == 1 and len(texts[0]) <= SHORT
        described[name] = texts[0] if same else digest(texts)
    return described
