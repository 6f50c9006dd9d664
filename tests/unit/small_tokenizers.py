"""Small tokenizers of every kind, trained on a text that makes tokens grow over joins."""

from collections.abc import Callable

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

SPECIAL = ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]
TEXT = [
    'Response:"Yes" Response:(a) Response:-- Response:... "no" (b) — 12, 42.',
    "an experiment on the mat: The cat sat on the mat. Answer: Paris Answer: Rome",
    "你好 世界 é ☃ 🙂 ’tis `x` {q} [z] 3.50",
] * 9


def _trained(tokenizer: Tokenizer, trainer) -> PreTrainedTokenizerFast:
    tokenizer.train_from_iterator(TEXT, trainer)
    names = {"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, mask_token="<mask>", **names)


def bytes_in_pairs(prefix: bool = False) -> PreTrainedTokenizerFast:
    """As GPT-2's; `prefix`: with a blank before every text, as RoBERTa's can have."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return _trained(
        tokenizer,
        trainers.BpeTrainer(vocab_size=420, special_tokens=SPECIAL, initial_alphabet=alphabet),
    )


def sentencepiece(scheme: str = "always", model: str = "unigram") -> PreTrainedTokenizerFast:
    """As T5's and mT5's (`unigram`) or Mistral's (`pairs`): blanks are characters of tokens."""
    is_unigram = model == "unigram"
    tokenizer = Tokenizer(
        models.Unigram() if is_unigram else models.BPE(unk_token="<unk>", fuse_unk=True)
    )
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    kinds = {"vocab_size": 300, "special_tokens": SPECIAL}
    if is_unigram:
        return _trained(tokenizer, trainers.UnigramTrainer(unk_token="<unk>", **kinds))
    return _trained(tokenizer, trainers.BpeTrainer(**kinds))


def llama() -> PreTrainedTokenizerFast:
    """Pairs over whole texts that fall back to bytes, a blank and <s> before every text."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
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
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=[*SPECIAL, *byte_tokens])
    # Words are kept apart in training only, so that no token holds two.
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trained = _trained(tokenizer, trainer)
    trained.backend_tokenizer.pre_tokenizer = None
    return with_special(trained, "<s> $A")


def wordpiece() -> PreTrainedTokenizerFast:
    """As BERT's: lower-cased words, their later pieces marked."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=SPECIAL)
    return with_special(_trained(tokenizer, trainer), "<s> $A </s>")


def with_special(tokenizer: PreTrainedTokenizerFast, template: str) -> PreTrainedTokenizerFast:
    """The tokenizer, with special tokens around every text."""
    backend = tokenizer.backend_tokenizer
    backend.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[(t, backend.token_to_id(t)) for t in ("<s>", "</s>")]
    )
    return tokenizer


KINDS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "bytes": bytes_in_pairs,
    "bytes behind a blank": lambda: bytes_in_pairs(prefix=True),
    "bytes that end": lambda: with_special(bytes_in_pairs(), "$A </s>"),
    "unigram": sentencepiece,
    "unigram, first": lambda: sentencepiece("first"),
    "unigram that ends": lambda: with_special(sentencepiece(), "<s> $A </s>"),
    "pairs": lambda: sentencepiece(model="pairs"),
    "llama": llama,
    "llama that ends": lambda: with_special(llama(), "<s> $A </s>"),
    "wordpiece": wordpiece,
}
