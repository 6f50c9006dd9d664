"""The world's tokenizer: whole lower-case words and punctuation marks, in hub format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from lethe.sources.world.lexicon import token_form

PAD, BOS, EOS, UNKNOWN = "<pad>", "<s>", "</s>", "<unk>"
SPECIAL = (PAD, BOS, EOS, UNKNOWN)


def vocabulary(texts: Iterable[str]) -> dict[str, int]:
    """Special tokens, then every word of the texts in alphabetical order."""
    words = sorted({word for text in texts for word in token_form(text).split()})
    return {word: i for i, word in enumerate((*SPECIAL, *words))}


def of_words(vocab: dict[str, int]) -> Tokenizer:
    """The tokenizer itself, without its special tokens."""
    core = Tokenizer(models.WordLevel(vocab, unk_token=UNKNOWN))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")]
    )
    return core


def save_tokenizer(vocab: dict[str, int], directory: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json; it adds BOS, training adds EOS."""
    from transformers import PreTrainedTokenizerFast  # takes seconds, which words alone need not

    core = of_words(vocab)
    core.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    core.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, vocab[BOS])]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        unk_token=UNKNOWN,
        padding_side="right",
        clean_up_tokenization_spaces=True,
    )
    fast.save_pretrained(directory)
