"""A tiny masked language model and its tokenizer, for the tests of that family."""

from pathlib import Path

import numpy as np
from small_nodes import WORDS, sentence
from transformers import PreTrainedTokenizerFast

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.manifests import publish
from lethe.data.masked_batches import MaskedBatch, Masking, collate
from lethe.methods.contract import Stage
from lethe.models.architectures import build
from lethe.models.forward import weighted_loss
from lethe.models.saving import save_model
from lethe.sources.domains.tokens import make_tokenizer

CONFIG = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
    "type_vocab_size": 1,
    "initializer_range": 0.25,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}


def masked_tokenizer() -> PreTrainedTokenizerFast:
    """Words split at blanks, between <s> and </s>."""
    return make_tokenizer(WORDS)


def masked_model(seed: int = 0, **changes):
    """A randomly initialised RoBERTa for masked language modelling."""
    return build("roberta", {**CONFIG, **changes}, masked_tokenizer(), seed)


def texts(count: int, seed: int = 0) -> list[dict]:
    """Rows of short sentences."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(2, 14, count)
    return [{"id": str(n), "text": sentence(generator, int(lengths[n]))} for n in range(count)]


def lay_out(examples, draw: int = 0) -> list[MaskedBatch]:
    """One batch of examples, as a stage lays them out."""
    masking = Masking.of(masked_tokenizer(), 0.3)
    settings = {"masking": masking, "seed": 3, "normalisation": "token", "pad_token": 1}
    return collate(examples, draw=draw, **settings)


def masked_stage(model, examples, **changes) -> Stage:
    """A stage on examples in memory."""
    settings = {"index": 1, "seed": 0, "steps": 1, "family": "masked"}
    settings |= {"collate": lay_out, "plain_loss": weighted_loss}
    return Stage(
        model=model,
        examples=examples,
        load_replayed=list,
        load_parent=lambda: model,
        **{**settings, **changes},
    )


def publish_nodes(results: Path, files: dict[str, list[dict]], model) -> tuple[Path, Path]:
    """Folders of a base node and of a data node with files of texts."""
    data = results / "data" / "data"
    for name, rows in files.items():
        write_rows(data / name, rows)
    publish(data, "data.json", {}, list(files))
    base = results / "bases" / "base"
    publish(base, "base.json", {}, save_model(model, masked_tokenizer(), base))
    return base, data
