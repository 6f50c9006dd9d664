"""The domains' tokenizer: whole words between <s> and </s>, with a mask token, in hub format."""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

# In RoBERTa's order.
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def save_tokenizer(texts: Iterable[str], directory: Path) -> None:
    """Write a tokenizer that knows every word of the texts."""
    make_tokenizer(sorted({word for text in texts for word in text.split()})).save_pretrained(
        directory
    )


def make_tokenizer(words: Iterable[str]) -> PreTrainedTokenizerFast:
    """A tokenizer of these words, split at blanks."""
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *words])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", vocabulary["<s>"]), ("</s>", vocabulary["</s>"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )
