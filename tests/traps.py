"""Checkpoints that bring code of their own, which leaves a mark when it runs.

Every way by which a library could be led to run what lies beside a model is in one folder.
"""

import json
import pickle
from pathlib import Path

# Whatever class is asked for, loading this module leaves the mark.
SOURCE = """
with open({mark!r}, "a") as handle:
    handle.write(__file__ + "\\n")
from transformers import LlamaConfig as Config, LlamaForCausalLM as Model
from transformers import PreTrainedTokenizerFast as Tokenizer
def generate(*arguments, **settings): ...
"""
MODULES = ("own", "configuration_own", "modeling_own", "tokenization_own", "processing_own")
MODULES += ("__init__", "sitecustomize", "conftest", "hubconf", "setup", "build/torch-cpu/__init__")
MODULES += ("custom_generate/generate", "torch", "tokenizers")
PICKLES = ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "model.pkl", "scheduler.pt")
CLASSES = {name: "own.Model" for name in ("AutoModel", "AutoModelForCausalLM")}
CLASSES |= {name: "own.Model" for name in ("AutoModelForMaskedLM", "AutoModelForSeq2SeqLM")}
CLASSES |= {"AutoConfig": "own.Config", "AutoProcessor": "own.Config"}
TOKENIZER = {"AutoTokenizer": [None, "own.Tokenizer"]}
UNKNOWN = {"model_type": "own", "architectures": ["OwnForCausalLM"]}
"""A type that transformers does not have: only the code could make a model of it."""


class Mark:
    """Its pickle opens the file `mark` when it is read."""

    def __init__(self, mark: str):
        self.mark = mark

    def __reduce__(self):
        return open, (self.mark, "a")


def lay_traps(folder: Path, mark: Path, **config) -> None:
    """Put code into a checkpoint folder, and name it in every file that may name code.

    Args:
        mark: the file that appears when any of the code runs.
        config: other changes of config.json.
    """
    for name in MODULES:
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SOURCE.format(mark=str(mark)))
    for name in PICKLES:
        (folder / name).write_bytes(pickle.dumps(Mark(str(mark))))
    change(folder / "config.json", auto_map={**CLASSES, **TOKENIZER}, **config)
    change(folder / "tokenizer_config.json", auto_map=TOKENIZER, processor_class="OwnProcessor")
    for name in ("processor_config.json", "preprocessor_config.json"):
        change(folder / name, auto_map={"AutoProcessor": "own.Config"})


def change(path: Path, **changes) -> None:
    """Set keys of a JSON file, which is made if it is not there."""
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | changes))
