"""A hand-made base node and data node, small enough to train in a moment."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.manifests import publish
from lethe.models.architectures import build
from lethe.models.saving import save_model

WORDS = "red blue green old new cat dog fish runs sleeps eats says the a very".split()
CONFIG = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "tie_word_embeddings": True,
    "initializer_range": 0.25,
}
RECIPE = {
    "batch_size": 4,
    "epochs": 2.0,
    "steps": None,
    "max_length": 24,
    "learning_rate": 1e-2,
    "schedule": "constant",
    "warmup_share": 0.0,
    "final_share": 0.0,
    "betas": [0.9, 0.999],
    "epsilon": 1e-8,
    "weight_decay": 0.0,
    "clip_norm": 1.0,
    "packed": True,
    "loss_normalisation": "token",
    "micro_batch_rows": None,
    "dtype": "float32",
    "recompute_activations": False,
    "checkpoint": "last",
    "save_steps": None,
}


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Words split at blanks; <s> is put before every text."""
    vocabulary = {word: i for i, word in enumerate(["<pad>", "<unk>", "<s>", "</s>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
    )


def sentence(generator, length: int) -> str:
    return " ".join(WORDS[int(i)] for i in generator.integers(0, len(WORDS), length))


def make_nodes(results: Path) -> tuple[str, str]:
    """A base node `base` and a data node `data` with the tasks `one` and `two`."""
    import numpy as np

    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    data = results / "data" / "data"
    for task in ("one", "two"):
        rows = [
            {
                "id": f"{task}-{number}",
                "prompt": sentence(generator, int(generator.integers(1, 9))),
                "response": sentence(generator, int(generator.integers(1, 7))),
            }
            for number in range(20)
        ]
        write_rows(data / f"{task}.jsonl", rows)
    publish(data, "data.json", {}, ["one.jsonl", "two.jsonl"])
    base = results / "bases" / "base"
    model = build("llama", CONFIG, make_tokenizer(), seed=0)
    publish(base, "base.json", {}, save_model(model, make_tokenizer(), base))
    return "base", "data"


def stage_spec(task: str = "one", parent: str = "base", **changes) -> dict:
    """The spec of a stage on the hand-made nodes; `recipe` changes are merged."""
    component = {"data": "data", "template": "{prompt}", "delimiter": " "}
    component |= {"count": None, "draw": 0}
    spec = {
        "kind": "stage",
        "family": "causal",
        "parent": parent,
        "parent_kind": "base" if parent in ("base", "built") else "stage",
        "mixture": [{**component, "task": task, "file": f"{task}.jsonl"}],
        "earlier": [],
        "history": [task],
        "method": "sequential",
        "hyper": {},
        "train_seed": 0,
    }
    return {**spec, **changes, "recipe": {**RECIPE, **changes.get("recipe", {})}}
