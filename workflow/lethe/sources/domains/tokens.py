"""The domains' tokenizer: words, and invented ones as stem and suffix, in hub format."""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from lethe.sources.domains.lexicon import MASK, fixed_words
from lethe.sources.domains.words import Group

# In RoBERTa's order.
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", MASK)
CONTINUED = "##"


def save_tokenizer(groups: Iterable[Group], directory: Path) -> None:
    """Write a tokenizer of the fixed words, and of all stems and suffixes."""
    groups = list(groups)
    stems = {stem for group in groups for stem in [*group.general, *group.attributes]}
    suffixes = {suffix for group in groups for suffix in group.suffixes}
    make_tokenizer(sorted(fixed_words() | stems), sorted(suffixes)).save_pretrained(directory)


def make_tokenizer(words: Iterable[str], suffixes: Iterable[str] = ()) -> PreTrainedTokenizerFast:
    """A tokenizer of texts split at blanks, that frames them as RoBERTa's does.

    A word that it does not know is the longest one it knows, continued by a suffix.

    Args:
        suffixes: what may continue a word.
    """
    pieces = [*words, *(CONTINUED + suffix for suffix in suffixes)]
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *pieces])}
    core = Tokenizer(
        models.WordPiece(vocabulary, unk_token="<unk>", continuing_subword_prefix=CONTINUED)
    )
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.decoder = decoders.WordPiece(prefix=CONTINUED, cleanup=False)
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
        mask_token=MASK,
    )
