"""The tokenizer of a model family, made from the one that a source brings."""

import copy

from tokenizers import processors


def tokenizer_for(family: str, tokenizer):
    """The tokenizer itself, or for an encoder-decoder one that ends texts as T5's does.

    T5's source ends in the end token, which gives the decoder a fixed place to read from, and has
    no beginning token (Raffel et al. 2020, section 2.1). lm-eval follows the tokenizer in both.
    """
    if family != "seq2seq":
        return tokenizer
    ending = copy.deepcopy(tokenizer)
    end = tokenizer.eos_token
    ending.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {end}",
        pair=f"$A {end} $B {end}",
        special_tokens=[(end, tokenizer.eos_token_id)],
    )
    ending.bos_token = None
    return ending
