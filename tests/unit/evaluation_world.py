"""A tiny random checkpoint and a folder of tiny tasks, for the tests of evaluation."""

import json
import random
from pathlib import Path

LETTERS = "bcdfglmnprstvz"
WORDS = [a + v + b for a in LETTERS for v in "aeiou" for b in "lnrst"]


def sentence(generator: random.Random, length: int) -> str:
    return " ".join(generator.choice(WORDS) for _ in range(length))


def write_rows(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def choice_rows(seed: int, n: int, choices: int = 4, context: int = 12, answer: int = 4):
    generator = random.Random(seed)
    return [
        {
            "id": f"q{i}",
            "cluster": f"c{i // 2}",
            "question": sentence(generator, context) + " ?",
            "choices": [sentence(generator, answer + k % 2) for k in range(choices)],
            "answer": generator.randrange(choices),
        }
        for i in range(n)
    ]


def yes_no_rows(seed: int, n: int):
    rows = choice_rows(seed, n)
    return [{**row, "choices": ["no", "yes"], "answer": row["answer"] % 2} for row in rows]


def pair_rows(seed: int, n: int):
    generator = random.Random(seed)
    return [
        {
            "id": f"p{i}",
            "cluster": f"c{i}",
            "bias_type": ["age", "place"][i % 2],
            "sent_more": sentence(generator, 7),
            "sent_less": sentence(generator, 7),
        }
        for i in range(n)
    ]


def own_rows(seed: int, n: int):
    generator = random.Random(seed)
    rows = []
    for i in range(n):
        source, response = sentence(generator, 9), sentence(generator, 6)
        rows.append(
            {
                "id": f"o{i}",
                "cluster": f"c{i}",
                "prompt": f"simplify : {source} answer :",
                "response": response,
                "references": [response, sentence(generator, 6)],
                "source": source,
                "constraint": {"kind": "first", "word": response.split()[0]},
            }
        )
    return rows


HEAD = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {{dev: data/{name}/dev.jsonl, test: data/{name}/test.jsonl}}
test_split: test
validation_split: dev
metadata: {{version: 1.0}}
"""
CHOICE = (
    HEAD
    + """output_type: multiple_choice
doc_to_text: "question"
doc_to_choice: "choices"
doc_to_target: "answer"
target_delimiter: " "
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
  - {{metric: acc_norm, aggregation: mean, higher_is_better: true}}
"""
)
TEMPLATED = (
    CHOICE.replace('"question"', '"{{{{question}}}}"')
    .replace('"choices"', '"{{{{choices}}}}"')
    .replace('"answer"', '"{{{{answer}}}}"')
)
BIAS = (
    HEAD
    + """output_type: multiple_choice
doc_to_text: ""
doc_to_choice: !function lethe.evaluation.bias.choices
doc_to_target: 0
target_delimiter: ""
process_results: !function lethe.evaluation.bias.process
metric_list:
  - {{metric: pct_stereotype, aggregation: mean, higher_is_better: false}}
  - {{metric: likelihood_diff, aggregation: mean, higher_is_better: false}}
"""
)
OWN = (
    HEAD
    + """output_type: generate_until
doc_to_text: "prompt"
doc_to_target: "response"
target_delimiter: " "
generation_kwargs: {{until: ["\\n"], max_gen_toks: {length}, do_sample: false}}
process_results: !function lethe.evaluation.text_metrics.process_simp
metric_list:
  - metric: sari
    aggregation: !function lethe.evaluation.text_metrics.corpus_sari
    higher_is_better: true
  - metric: bleu
    aggregation: !function lethe.evaluation.text_metrics.corpus_bleu
    higher_is_better: true
  - {{metric: rouge1, aggregation: mean, higher_is_better: true}}
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
"""
)


def write_task(folder: Path, name: str, template: str, rows, n: int = 12, **values) -> None:
    """One YAML with its dev (half as many rows) and test files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(template.format(name=name, **values))
    seed = sum(map(ord, name))
    write_rows(folder / "data" / name / "test.jsonl", rows(seed, n))
    write_rows(folder / "data" / name / "dev.jsonl", rows(seed + 1, n // 2))


def write_tokenizer(folder: Path):
    """A word tokenizer that puts <bos> in front, saved in hub format; returns it."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<bos>", "<eos>", "<unk>"]
    names = [*special, "?", ":", "simplify", "answer", "yes", "no", *WORDS]
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys(names))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", vocabulary["<bos>"])]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
    )
    fast.save_pretrained(folder)
    return fast


def write_checkpoint(folder: Path, seed: int = 0, hidden: int = 32, layers: int = 2) -> None:
    """A randomly initialised Llama with the tokenizer beside it."""
    import torch
    from transformers.models.llama import LlamaConfig, LlamaForCausalLM

    tokenizer = write_tokenizer(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=256,
        initializer_range=0.2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
