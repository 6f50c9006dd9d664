"""Convert a GGUF file to a folder in hub format, which a study can `import`.

Weights become float32. Every tensor is compared with the file's, dequantised: they are equal.
"""

import argparse
import os
import shutil
from pathlib import Path

from lethe.artefacts.disk_errors import disk_errors_as_sentences
from lethe.errors import UserError
from lethe.jobs.environment import one_thread


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.gguf", help="the file to convert")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="a new folder")


def run(arguments: argparse.Namespace) -> None:
    folder = arguments.to.absolute()
    if folder.exists():
        raise UserError(f"--to: expected a new folder, found one at {arguments.to}; name another.")
    one_thread()
    from lethe.models.gguf_file import convert_gguf

    unfinished = folder.parent / f".{folder.name}.{os.getpid()}.tmp"
    try:
        made = convert_gguf(arguments.file, unfinished)
        with disk_errors_as_sentences(folder):
            os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    print(
        f"{arguments.to}: {made['parameters']} parameters; all {made['tensors']} tensors are equal "
        f"to those of {arguments.file.name}, dequantised"
    )
    print(f"sha256 of model.safetensors: {made['sha256']}")
