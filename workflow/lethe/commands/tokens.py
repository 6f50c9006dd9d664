"""Make one node of tokens: the texts of a data node, tokenized for a family of models."""

import argparse
from pathlib import Path
from typing import Any

from lethe.artefacts.manifests import inside, read_manifest, verify
from lethe.artefacts.nodes import make_node
from lethe.artefacts.paths import MANIFEST, node_directory
from lethe.commands.arguments import add_node_arguments, read_spec
from lethe.data.streams import ENDS, TOKENS, texts_of, write_stream
from lethe.models.tokenizer import load_tokenizer, tokenizer_for

# Where a data node has the tokenizer of the models that are built from it.
FOLDER = "tokenizer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    spec = read_spec(arguments, "tokens")
    results = arguments.results

    def make(directory: Path) -> tuple[dict[str, Any], list[str]]:
        data = node_directory(results, "data", spec["data"])
        verify(data, MANIFEST["data"], only=[spec["file"]])
        tokenizer = tokenizer_for(spec["family"], load_tokenizer(_tokenizer(spec, results)))
        texts = texts_of(inside(data, spec["file"]))
        return write_stream(texts, tokenizer, spec["family"], directory), [TOKENS, ENDS]

    manifest = make_node(results, arguments.node, spec, arguments.code, make)
    print(f"{manifest['texts']} texts, {manifest['tokens']} tokens")


def _tokenizer(spec: dict[str, Any], results: Path) -> Path:
    """The folder of the tokenizer, whose files are as they were written."""
    kind = spec["tokenizer_kind"]
    holder = node_directory(results, kind, spec["tokenizer"])
    names = read_manifest(holder / MANIFEST[kind])["files"]
    if kind == "data":
        verify(holder, MANIFEST[kind], only=[name for name in names if name.startswith(FOLDER)])
        return holder / FOLDER
    # The weights of a base say nothing of its tokenizer, and may have been removed.
    verify(holder, MANIFEST[kind], only=[n for n in names if not n.endswith(".safetensors")])
    return holder
