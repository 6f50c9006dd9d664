"""What a result file of lm-eval holds that changes a score, beside the tasks themselves.

Where each value lies is that of lm-eval 0.4: `config` and the tokenizer's values are written by
`simple_evaluate`, the chat template and system instruction by `lm_eval` (its EvaluationTracker).
"""

import hashlib
import json
import re
from typing import Any

NONE = "none"
NOT_GIVEN = "not given"
TOKENIZER = "model_args.tokenizer"

ALIASES = {"hf-auto": "hf", "huggingface": "hf", "HFLM": "hf", "ggml": "gguf"}
"""Other names of a backend in lm-eval's registry, or its class."""

WHICH_MODEL = {
    "pretrained", "model", "path", "engine", "peft", "delta", "lora_local_path", "revision",
    "subfolder", "tokenizer_revision", "base_url",
}  # fmt: skip
"""Arguments that name the checkpoint, which differs from stage to stage."""

WHERE_IT_RAN = {
    "device", "device_map", "device_map_option", "batch_size", "max_batch_size", "parallelize",
    "max_memory_per_gpu", "max_cpu_memory", "offload_folder", "tp_plan", "logits_cache",
    "tensor_parallel_size", "data_parallel_size", "pipeline_parallel_size", "max_num_seqs",
    "gpu_memory_utilization", "swap_space", "num_concurrent", "max_retries", "timeout",
    "low_cpu_mem_usage", "enforce_eager", "disable_log_stats", "cache_dir", "token",
}  # fmt: skip
"""Arguments of the machine, which change no score beyond rounding."""

RECORDED = {"dtype", "max_length", "max_model_len"}
"""Arguments that are compared as the precision and the longest input."""

ONLY_WHETHER = {"gguf_file", "autogptq"}
"""Arguments that hold a path where they are used: only whether they are is compared."""

OFF = {
    "backend": "default", "use_fast_tokenizer": "True", "trust_remote_code": "False",
    "load_in_4bit": "False", "load_in_8bit": "False", "autogptq": "False", "gptqmodel": "False",
    "truncation": "False",
}  # fmt: skip
"""Values that are the same as not giving the argument; so is None for every argument."""


def settings_of(raw: dict[str, Any]) -> dict[str, str]:
    """Values by the names of `longtables.same_versions.WORDS`, and `model_args.NAME` for arguments.

    What a file does not record is left out; but of a template, an instruction or `gen_kwargs`
    that it does not record, none was used.
    """
    config = raw.get("config") or {}
    given = _arguments(config.get("model_args"))
    dtype = config.get("model_dtype") or given.get("dtype") or "unknown"
    length = raw.get("max_length") or given.get("max_length") or given.get("max_model_len")
    found = {
        "lm_eval_version": raw.get("lm_eval_version") or "",
        "transformers_version": raw.get("transformers_version"),
        "dtype": str(dtype).removeprefix("torch."),
        "backend": _backend(raw.get("model_source"), config.get("model")),
        "chat_template": _digest_or_none(raw, "chat_template"),
        "system_instruction": _digest_or_none(raw, "system_instruction"),
        "fewshot_as_multiturn": raw.get("fewshot_as_multiturn"),
        "max_length": length,
        "gen_kwargs": _canonical(_arguments(config.get("gen_kwargs")) or NONE),
        "limit": NONE if config.get("limit") is None else _canonical(config["limit"]),
        "bos_token": _canonical(raw.get("tokenizer_bos_token")),
        "eos_token": _canonical(raw.get("tokenizer_eos_token")),
        "eot_token_id": raw.get("eot_token_id"),
    }
    for kind in ("fewshot", "random", "numpy", "torch"):
        if f"{kind}_seed" in config:
            found[f"{kind}_seed"] = _canonical(config[f"{kind}_seed"]) or NONE
    kept = {name: str(value) for name, value in found.items() if value is not None}
    return kept | _compared(given)


def tokenizer_of_base(raw: dict[str, Any]) -> dict[str, str]:
    """The tokenizer that a base was scored with: later stages have their own copy, or this one."""
    given = _arguments((raw.get("config") or {}).get("model_args"))
    named = given.get("tokenizer") or given.get("pretrained")
    return {TOKENIZER: named.rstrip("/")} if named else {}


def fill_arguments(stages: list[dict[str, str]]) -> list[dict[str, str]]:
    """The stages' settings with every argument of any stage: it is not given in the others."""
    names = {name for values in stages for name in values if name.startswith("model_args.")}
    absent = dict.fromkeys(sorted(names - {TOKENIZER}), NOT_GIVEN)
    return [absent | values for values in stages]


def _compared(given: dict[str, str]) -> dict[str, str]:
    """The arguments that change a score; a tokenizer only if it is not the checkpoint's own."""
    compared = {}
    for name, value in given.items():
        if name in WHICH_MODEL | WHERE_IT_RAN | RECORDED or OFF.get(name) == value:
            continue
        if name == "tokenizer":
            value = value.rstrip("/")
            if value == given.get("pretrained", "").rstrip("/"):
                continue
        compared[f"model_args.{name}"] = "given" if name in ONLY_WHETHER else value
    return compared


def _arguments(given: Any) -> dict[str, str]:
    """Arguments by name, each as text; lm-eval takes `a=1,b=2` or a mapping. None is not given."""
    if isinstance(given, str):
        pairs = [part.partition("=") for part in given.split(",") if part.strip()]
        given = {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}
    if not isinstance(given, dict):
        return {}
    texts = {str(name): _argument(value) for name, value in given.items()}
    return {name: text for name, text in texts.items() if text not in ("", "None")}


def _argument(value: Any) -> str:
    """`true`, `True` and a true value are the same to lm-eval; so are 2, 2.0 and "2"."""
    text = value if isinstance(value, str) else _canonical(value) or "None"
    named = {"true": "True", "false": "False", "none": "None", "null": "None"}
    try:
        number = float(text)
    except ValueError:
        return named.get(text.lower(), text)
    return str(int(number)) if number.is_integer() else repr(number)


def _backend(*found: Any) -> str | None:
    """The backend; None if lm-eval was given a loaded model, whose path stands there instead."""
    names = {name for name in found if isinstance(name, str) and re.fullmatch(r"[\w.-]+", name)}
    return ", ".join(sorted({ALIASES.get(name, name) for name in names})) or None


def _digest_or_none(raw: dict[str, Any], name: str) -> str:
    """lm-eval's own digest, or the same made of the text."""
    text = raw.get(name)
    if raw.get(f"{name}_sha"):
        return str(raw[f"{name}_sha"])
    return hashlib.sha256(str(text).encode(errors="replace")).hexdigest() if text else NONE


def _canonical(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, default=str)
