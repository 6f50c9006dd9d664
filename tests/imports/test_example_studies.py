"""The studies of the manual run as they are written, from `lethe check` to the last figure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)
from workflow_copy import copy_workflow

pytestmark = pytest.mark.slow

SPECIAL = ["<pad>", "</s>", "<unk>"]


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of the workflow, as a user has it."""
    return copy_workflow(tmp_path)


def run(project: Path, example: str, *command: str) -> str:
    told = subprocess.run(
        [sys.executable, "-m", *command, "--configfile", f"config/examples/{example}.yaml"],
        cwd=project,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(project / "workflow"), "HF_HUB_OFFLINE": "1"},
        timeout=300,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def save_tokenizer(folder: Path) -> int:
    """Bytes as tokens, `</s>` after every text; returns how many tokens there are."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        ["a"], trainers.BpeTrainer(special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    if folder.name == "t5":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
        )
    names = dict(zip(("pad_token", "eos_token", "unk_token"), SPECIAL, strict=True))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    fast.save_pretrained(folder)
    return len(fast)


def save_llama(folder: Path, seed: int = 0) -> None:
    torch.manual_seed(seed)
    size = save_tokenizer(folder)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def save_t5(folder: Path) -> None:
    torch.manual_seed(0)
    size = save_tokenizer(folder)
    config = T5Config(
        vocab_size=size, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)


def figures_and_tables(project: Path, example: str) -> pd.DataFrame:
    """Every table and figure that applies to the study was made; the metrics are returned."""
    folder = project / "results" / "studies" / example
    (record,) = (project / "results" / "specs").glob(f"study-{example}-????????????.json")
    wanted = json.loads(record.read_text())
    assert {"fg", "bases"} <= set(wanted["tables"]) and {"fg"} <= set(wanted["figures"])
    for kind, suffixes in (
        ("figures", ("pdf", "png", "csv")),
        ("tables", ("md", "tex", "html", "csv")),
    ):
        for name in wanted[kind]:
            for suffix in suffixes:
                assert (folder / kind / f"{name}.{suffix}").stat().st_size > 0
    return pd.read_csv(folder / "metrics.csv")


def test_a_study_of_ones_own_with_a_decoder_and_an_encoder_decoder(project):
    save_llama(project / "my-models" / "llama")
    save_t5(project / "my-models" / "t5")
    assert "is right" in run(project, "own-study", "lethe", "check")
    run(project, "own-study", "snakemake", "--cores", "2")
    metrics = figures_and_tables(project, "own-study")
    assert set(metrics["model"]) == {"my-llama", "my-t5"}
    assert {"fg_luo", "own_before", "own_after", "own_final"} <= set(metrics["metric"])
    lines = run(project, "own-study", "lethe", "status").splitlines()
    assert [line for line in lines if line.startswith("my-")] == [
        "my-llama/sequential/colours-notes@0  # # #",
        "my-t5/sequential/colours-notes@0     # # #",
    ]


def test_checkpoints_made_elsewhere(project):
    for seed, name in enumerate(["llama", "llama-colours", "llama-notes"]):
        save_llama(project / "my-models" / name, seed)
    assert "3 base" in run(project, "checkpoints-elsewhere", "lethe", "check")
    run(project, "checkpoints-elsewhere", "snakemake", "--cores", "2")
    metrics = figures_and_tables(project, "checkpoints-elsewhere")
    assert set(metrics["recipe"]) == {"elsewhere"}
    assert not list((project / "results").glob("stages/*"))
    kept = {path.name for path in (project / "my-models" / "llama").iterdir()}
    assert "model.safetensors" in kept and not kept & {"base.json", "probe.json"}


def save_adapter(folder: Path, base: Path, seed: int) -> None:
    import peft

    torch.manual_seed(seed)
    settings = peft.LoraConfig(r=2, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    peft.get_peft_model(LlamaForCausalLM.from_pretrained(base), settings).save_pretrained(folder)


def test_adapters_made_elsewhere(project):
    models = project / "my-models"
    save_llama(models / "llama")
    for seed, name in enumerate(["colours-adapter", "notes-adapter"]):
        save_adapter(models / name, models / "llama", seed)
    assert "3 base" in run(project, "adapters-elsewhere", "lethe", "check")
    run(project, "adapters-elsewhere", "snakemake", "--cores", "2")
    metrics = figures_and_tables(project, "adapters-elsewhere")
    assert set(metrics["recipe"]) == {"elsewhere"}
    assert "# # #" in run(project, "adapters-elsewhere", "lethe", "status")
    (node,) = (project / "results" / "bases").glob("mine-s2-*")
    env = {**os.environ, "PYTHONPATH": str(project / "workflow")}
    command = [sys.executable, "-m", "lethe", "show", node.name]
    told = subprocess.run(command, cwd=project, capture_output=True, text=True, env=env)
    assert told.returncode == 0, told.stderr
    ancestors = [told.stdout.index(f"mine-s{stage}-") for stage in range(3)]
    assert ancestors == sorted(ancestors) and "notes-adapter" in told.stdout


def test_scores_made_elsewhere(project):
    assert "3 probe" in run(project, "results-elsewhere", "lethe", "check")
    run(project, "results-elsewhere", "snakemake", "--cores", "2")
    metrics = figures_and_tables(project, "results-elsewhere")
    scores = metrics[metrics["metric"] == "score_acc"].sort_values("stage_index")
    assert scores["value"].round(4).tolist() == [0.3333, 0.5, 0.4167]
    drop = metrics[(metrics["metric"] == "drop_points") & (metrics["probe"] == "capitals")]
    assert drop["value"].item() == pytest.approx(100 * (4 - 5) / 12)
    assert "# # #" in run(project, "results-elsewhere", "lethe", "status")
    folder = project / "results" / "scores"
    nodes = [next(folder.glob(f"mine-s{stage}-*")).name for stage in (0, 1)]
    for verb in (["show", nodes[0]], ["diff", *nodes]):
        told = subprocess.run(
            [sys.executable, "-m", "lethe", *verb],
            cwd=project,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(project / "workflow")},
        )
        assert told.returncode == 0, told.stderr
        assert "config/examples/results/base.json" in told.stdout
