"""Ways to damage a checkpoint, in classes: its weights' header, its configuration, its tokenizer.

A damage is a function that changes a folder with a whole checkpoint.
"""

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Damage = Callable[[Path], object]

WEIGHTS = "model.safetensors"
HUGE = 10**12
DEEP = b'{"a":' * 100_000
WRONG_VALUES = {
    "a text": "many",
    "null": None,
    "a list": [1, 2],
    "nothing in a list": [],
    "a mapping": {"a": 1},
    "-1": -1,
    "0": 0,
    "a fraction": 2.5,
    "10^12": HUGE,
    "true": True,
}


def header_of(folder: Path) -> tuple[dict, bytes]:
    """The header of the weights, and the bytes after it."""
    content = (folder / WEIGHTS).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def write_header(folder: Path, header: bytes, data: bytes = b"", length: int | None = None) -> None:
    size = struct.pack("<Q", len(header) if length is None else length)
    (folder / WEIGHTS).write_bytes(size + header + data)


def whole_header(value: Any) -> Damage:
    """The header is another JSON value."""
    return lambda folder: write_header(folder, json.dumps(value).encode(), header_of(folder)[1])


def entry(**changes) -> Damage:
    """The entry of one tensor is changed."""

    def damage(folder: Path) -> None:
        header, data = header_of(folder)
        header["model.norm.weight"] |= changes
        write_header(folder, json.dumps(header).encode(), data)

    return damage


def places(change: Callable[[int, int], list]) -> Damage:
    """The offsets of every tensor are changed."""

    def damage(folder: Path) -> None:
        header, data = header_of(folder)
        for name, value in header.items():
            if name != "__metadata__":
                value["data_offsets"] = change(*value["data_offsets"])
        write_header(folder, json.dumps(header).encode(), data)

    return damage


def file(name: str, content: bytes | str | dict | list | int | None) -> Damage:
    """A file has this content; what is not bytes or text is written as JSON."""

    def damage(folder: Path) -> None:
        data = content if isinstance(content, bytes | str) else json.dumps(content)
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)

    return damage


def keys(name: str, **changes) -> Damage:
    """A JSON file has other values for some keys; it is made if it is not there."""

    def damage(folder: Path) -> None:
        path = folder / name
        content = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(content | changes))

    return damage


def cut(name: str, kept: int) -> Damage:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:kept])


def shards(index: Any) -> Damage:
    """The weights are one shard, with this index, or with a table of this content."""

    def damage(folder: Path) -> None:
        (folder / WEIGHTS).rename(folder / "model-1.safetensors")
        table = {"metadata": {}, "weight_map": index} if isinstance(index, dict) else index
        file(f"{WEIGHTS}.index.json", table)(folder)

    return damage


def vocabulary(folder: Path, token: str = "new", number: int = 10**6) -> None:
    """The tokenizer has a token far beyond the others."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"]["vocab"][token] = number
    path.write_text(json.dumps(content))


def weights_of(value: float) -> Damage:
    """Every weight has this value."""

    def damage(folder: Path) -> None:
        header, data = header_of(folder)
        numbers = struct.pack("<f", value) * (len(data) // 4)
        write_header(folder, json.dumps(header).encode(), numbers)

    return damage


def named_numbers(folder: Path) -> list[str]:
    """The keys of the configuration whose values are numbers."""
    config = json.loads((folder / "config.json").read_text())
    return sorted(key for key, value in config.items() if type(value) in (int, float))


HEADERS: dict[str, Damage] = {
    "a list": whole_header([]),
    "a number": whole_header(5),
    "a text": whole_header("weights"),
    "null": whole_header(None),
    "an entry that is a list": whole_header({"a": []}),
    "an entry that is a number": whole_header({"a": 5}),
    "no tensors": whole_header({}),
    "nested deeply": lambda folder: write_header(folder, DEEP),
    "a key twice": lambda folder: write_header(folder, b'{"a": 1, "a": 2}'),
    "not UTF-8": lambda folder: write_header(folder, b'{"\xff": 1}'),
    "not JSON": lambda folder: write_header(folder, b"{"),
    "a length of 2^63": lambda folder: write_header(folder, b"{}", length=2**63),
    "a length of 2^64 - 1": lambda folder: write_header(folder, b"{}", length=2**64 - 1),
    "an empty file": file(WEIGHTS, b""),
    "seven bytes": file(WEIGHTS, b"1234567"),
    "nested offsets": entry(data_offsets=[[0], [128]]),
    "offsets that are texts": entry(data_offsets=["0", "128"]),
    "one offset": entry(data_offsets=[0]),
    "no offsets": entry(data_offsets=None),
    "negative offsets": entry(data_offsets=[-128, 0]),
    "decreasing offsets": entry(data_offsets=[128, 0]),
    "offsets beyond the file": entry(data_offsets=[2**62, 2**62 + 128]),
    "offsets that overlap": places(lambda first, end: [0, end - first]),
    "offsets with gaps": places(lambda first, end: [first + 8, end + 8]),
    "offsets that are fractions": places(lambda first, end: [first + 0.0, end + 0.0]),
    "an unknown type": entry(dtype="F31"),
    "a type that is a number": entry(dtype=32),
    "a type of other size": entry(dtype="F64"),
    "a quantised type": entry(dtype="F8_E4M3"),
    "a huge shape": entry(shape=[HUGE, HUGE]),
    "a negative shape": entry(shape=[-4, -8]),
    "a nested shape": entry(shape=[[32]]),
    "a shape that is a number": entry(shape=32),
    "a shape that does not fit": entry(shape=[33]),
    "a shape of another rank": entry(shape=[4, 8]),
    "whole numbers for weights": entry(dtype="I32"),
    "weights that are not numbers": weights_of(float("nan")),
    "infinite weights": weights_of(float("inf")),
    "an index that is a list": shards([]),
    "an index without a map": shards({}),
    "an index that names absent files": shards({"a": "model-9.safetensors"}),
    "an index that names itself": shards({"weight_map": {"a": f"{WEIGHTS}.index.json"}}),
    "an index that leaves the folder": shards({"a": "../model-1.safetensors"}),
    "an index with an absolute path": shards({"a": "/tmp/model-1.safetensors"}),
    "an index without sizes": shards([{"weight_map": {"a": "model-1.safetensors"}}]),
    "an index that names no text": shards({"a": 5}),
    "an index of other tensors": shards({"a": "model-1.safetensors"}),
}

CONFIGS: dict[str, Damage] = {
    "a list": file("config.json", []),
    "nothing": file("config.json", {}),
    "a number": file("config.json", 5),
    "null": file("config.json", None),
    "an empty file": file("config.json", b""),
    "nested deeply": file("config.json", DEEP),
    "NaN": file("config.json", '{"model_type": "llama", "rms_norm_eps": NaN}'),
    "not UTF-8": file("config.json", b'{"\xff": 1}'),
    "a digit 5,000 times": file("config.json", b'{"hidden_size": ' + b"9" * 5000 + b"}"),
    "an unknown type": keys("config.json", model_type="nothing"),
    "a type that is a number": keys("config.json", model_type=5),
    "a type that is a list": keys("config.json", model_type=["llama"]),
    "a type of another family": keys("config.json", model_type="t5"),
    "a type without language": keys("config.json", model_type="vit"),
    "another decoder": keys("config.json", model_type="gpt2"),
    "architectures that are a number": keys("config.json", architectures=5),
    "architectures of numbers": keys("config.json", architectures=[5]),
    "no architectures": keys("config.json", architectures=[]),
    "architectures of another family": keys("config.json", architectures=["BertForMaskedLM"]),
    "an encoder-decoder": keys("config.json", is_encoder_decoder=True),
    "both that is a number": keys("config.json", is_encoder_decoder=1),
    "quantised": keys("config.json", quantization_config={"quant_method": "gptq", "bits": 4}),
    "quantised with a number": keys("config.json", quantization_config=5),
    "quantised inside": keys("config.json", text_config={"quantization_config": {"bits": 4}}),
    "compressed": keys("config.json", compression_config={"format": "pack"}),
    "an attention from elsewhere": keys("config.json", _attn_implementation="someone/kernel"),
    "an attention that is not installed": keys(
        "config.json", attn_implementation="flash_attention_2"
    ),
    "an attention that is a mapping": keys("config.json", attn_implementation={"": "a/b"}),
    "an attention inside": keys("config.json", text_config={"_attn_implementation": "a/b"}),
    "experts from elsewhere": keys("config.json", experts_implementation="a/b"),
    "a private key": keys("config.json", _attn_implementation_internal="a/b"),
    "weights elsewhere": keys("config.json", transformers_weights="../other.safetensors"),
    "another configuration": keys("config.json", configuration_files=["config.4.0.json"]),
    "kernels": keys("config.json", kernel_config={"kernel_mapping": {"RMSNorm": "a/b"}}),
    "heads that do not divide": keys("config.json", num_attention_heads=5),
    "key heads that do not divide": keys("config.json", num_key_value_heads=3),
    "a million layers": keys("config.json", num_hidden_layers=10**6),
    "one layer too many": keys("config.json", num_hidden_layers=3),
    "one layer too few": keys("config.json", num_hidden_layers=1),
    "another width": keys("config.json", hidden_size=64),
    "an odd width of heads": keys("config.json", head_dim=3),
    "a million labels": keys("config.json", num_labels=HUGE),
    "an unknown activation": keys("config.json", hidden_act="none"),
    "an unknown rotation": keys("config.json", rope_parameters={"rope_type": "none"}),
    "a negative rotation": keys("config.json", rope_parameters={"rope_theta": -1.0}),
    "a rotation that is a list": keys("config.json", rope_parameters=[1]),
    "a width of another number": keys("config.json", vocab_size=10),
    "layers of their own": keys("config.json", per_layer_config={"0": {"hidden_size": HUGE}}),
    "an unknown precision": keys("config.json", dtype="float31"),
    "code beside a number": keys("config.json", auto_map=5),
    "a list of the library's own": keys("config.json", sub_configs=5),
    "an adapter": file("adapter_config.json", {"base_model_name_or_path": "/elsewhere"}),
}

TOKENIZERS: dict[str, Damage] = {
    "nothing": file("tokenizer.json", {}),
    "a list": file("tokenizer.json", []),
    "a number": file("tokenizer.json", 5),
    "an empty file": file("tokenizer.json", b""),
    "nested deeply": file("tokenizer.json", DEEP),
    "not UTF-8": file("tokenizer.json", b'{"\xff": 1}'),
    "cut": cut("tokenizer.json", 300),
    "an unknown model": keys("tokenizer.json", model={"type": "Nothing", "vocab": {}}),
    "a model that is a number": keys("tokenizer.json", model=5),
    "no words": keys("tokenizer.json", model={"type": "BPE", "vocab": {}, "merges": []}),
    "a token beyond the model": vocabulary,
    "a token beyond 32 bits": lambda folder: vocabulary(folder, number=HUGE),
    "a negative token": lambda folder: vocabulary(folder, number=-1),
    "added tokens that are numbers": keys("tokenizer.json", added_tokens=[5]),
    "settings that are a list": file("tokenizer_config.json", []),
    "settings that are cut": cut("tokenizer_config.json", 30),
    "settings with a number as a token": keys("tokenizer_config.json", eos_token=5),
    "settings with a list as a token": keys("tokenizer_config.json", pad_token=["a"]),
    "settings without an end": keys("tokenizer_config.json", eos_token=None),
    "settings with a class that is a number": keys("tokenizer_config.json", tokenizer_class=5),
    "settings with numbers as tokens": keys("tokenizer_config.json", added_tokens_decoder=5),
    "settings with a huge token": keys(
        "tokenizer_config.json", added_tokens_decoder={str(HUGE): {"content": "a"}}
    ),
    "settings with an unknown argument": keys("tokenizer_config.json", init_inputs=[1, 2]),
    "settings with another file": keys("tokenizer_config.json", fast_tokenizer_files=["a.json"]),
    "settings with a private key": keys("tokenizer_config.json", __slow_tokenizer=5),
    "settings with a length that is a text": keys("tokenizer_config.json", model_max_length="a"),
    "settings with a side that is a number": keys("tokenizer_config.json", padding_side=5),
    "settings without masks": keys("tokenizer_config.json", model_input_names=["input_ids"]),
    "ends beyond the weights": keys(
        "tokenizer.json",
        post_processor={"type": "BertProcessing", "sep": ["a", 10**6], "cls": ["a", 10**6]},
    ),
    "names that are a list": file("special_tokens_map.json", []),
    "added that are a number": file("added_tokens.json", 5),
    "generation that is a list": file("generation_config.json", []),
    "generation that is cut": file("generation_config.json", "{"),
    "generation that penalises": keys("generation_config.json", repetition_penalty=-1),
    "generation in beams": keys("generation_config.json", num_beams=HUGE),
    "generation that contrasts": keys("generation_config.json", penalty_alpha=0.5, top_k=4),
    "generation with code": keys("generation_config.json", custom_generate="a/b"),
    "generation that returns more": keys("generation_config.json", return_dict_in_generate=True),
    "generation by lookup": keys("generation_config.json", prompt_lookup_num_tokens=5),
    "generation that ends with a text": keys("generation_config.json", eos_token_id="end"),
}


def numbers(folder: Path) -> Iterator[tuple[str, Damage]]:
    """Every number of the configuration, with every wrong value in turn."""
    for key in named_numbers(folder):
        for name, value in WRONG_VALUES.items():
            yield f"{key}: {name}", keys("config.json", **{key: value})
