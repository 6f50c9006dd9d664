"""Small random models of each real architecture, with tiny tokenizers, as files of a repository."""

import json
import tempfile
from pathlib import Path

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MT5Config,
    MT5ForConditionalGeneration,
)

TEXT = ["the red cat sees a small dog and says nothing", "a dog eats an old green fish", "?! ., 12"]


def bloom_tokenizer() -> tuple[Tokenizer, dict]:
    """Byte-level pairs, as BLOOM's; nothing is put before or after a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<unk>", "<s>", "</s>", "<pad>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXT, trainer)
    names = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    return tokenizer, {**names, "tokenizer_class": "BloomTokenizerFast"}


def llama_tokenizer() -> tuple[Tokenizer, dict]:
    """Pairs that fall back to bytes, <s> before every text, and no padding token, as LLaMA's."""
    special = ["<unk>", "<s>", "</s>"]
    vocabulary = {token: number for number, token in enumerate(special)}
    vocabulary |= {f"<0x{byte:02X}>": 3 + byte for byte in range(256)}
    for character in "▁" + "".join(sorted(set("".join(TEXT)) - {" "})):
        vocabulary[character] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    tokenizer.add_special_tokens(special)
    names = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    details = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    added = {
        name: {"__type": "AddedToken", "content": token, **details} for name, token in names.items()
    }
    return tokenizer, {**added, "tokenizer_class": "LlamaTokenizer", "add_bos_token": True}


def mt0_tokenizer() -> tuple[Tokenizer, dict]:
    """A unigram model with </s> after every text, as mT5's and mT0's."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    characters = sorted(set("".join(TEXT)) - {" "} | set("abcdefghijklmnopqrstuvwxyz"))
    pieces += [(piece, -3.0) for piece in ["▁", "▁the", "▁a", "▁dog", "▁cat", *characters]]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return tokenizer, {**names, "tokenizer_class": "T5Tokenizer", "extra_ids": 0}


def bloom_files() -> dict[str, bytes]:
    """BLOOM: input and output embeddings are one matrix, positions are linear biases."""
    tokenizer, settings = bloom_tokenizer()
    config = BloomConfig(
        vocab_size=tokenizer.get_vocab_size() + 4, hidden_size=16, n_layer=2, n_head=2
    )
    return repository_files(BloomForCausalLM, config, tokenizer, settings)


def llama_files(max_shard_size: str = "12KB") -> dict[str, bytes]:
    """LLaMA, sharded, with separate output embeddings."""
    tokenizer, settings = llama_tokenizer()
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
    )
    return repository_files(LlamaForCausalLM, config, tokenizer, settings, max_shard_size)


def mt0_files() -> dict[str, bytes]:
    """mT0: an encoder-decoder with separate output embeddings and more rows than tokens."""
    tokenizer, settings = mt0_tokenizer()
    config = MT5Config(
        vocab_size=tokenizer.get_vocab_size() + 12,
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_decoder_layers=2,
        num_heads=2,
        tie_word_embeddings=False,
    )
    return repository_files(MT5ForConditionalGeneration, config, tokenizer, settings)


def repository_files(model_class, config, tokenizer, settings, max_shard_size="1GB"):
    """Every file of a repository with a random model, seed 0, as `save_pretrained` lays it out."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        model_class(config).save_pretrained(folder, max_shard_size=max_shard_size)
        tokenizer.save(str(Path(folder) / "tokenizer.json"))
        (Path(folder) / "tokenizer_config.json").write_text(json.dumps(settings))
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    # What real repositories also have, and what is never fetched.
    extra = {"README.md": b"# A model\n", "logs/events.bin": b"x", "pytorch_model.bin": b"pickled"}
    return {**files, **extra}
