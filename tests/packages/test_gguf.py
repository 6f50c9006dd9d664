"""GGUF files: what is made of them has the file's own tensors and tokens, or is not made."""

import json

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from safetensors.numpy import load_file
from small_gguf import HEADS, LAYERS, SIZE, arrays, dequantised, tokens, write_gguf

from lethe.artefacts.files import sha256_file
from lethe.cli import main
from lethe.errors import UserError
from lethe.models import gguf_file, machine_memory
from lethe.models.gguf_file import convert_gguf
from lethe.models.loading import load_model
from lethe.models.tokenizer import load_tokenizer

PARTS = {"attn_q": "q_proj", "attn_k": "k_proj", "attn_v": "v_proj", "attn_output": "o_proj"}


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """(file, folder, what the conversion said) of the small model in four bits."""
    folder = tmp_path_factory.mktemp("gguf")
    path = write_gguf(folder / "small.gguf")
    return path, folder / "made", convert_gguf(path, folder / "made")


def rotated(states: np.ndarray, position: int, interleaved: bool) -> np.ndarray:
    """A head's states (SIZE,), turned by their position: pairs side by side, or in two halves."""
    angles = position * 10000.0 ** (-np.arange(0, SIZE, 2) / SIZE)
    pairs = states.reshape(-1, 2) if interleaved else states.reshape(2, -1).T
    turned = (pairs[:, 0] + 1j * pairs[:, 1]) * np.exp(1j * angles)
    both = np.stack([turned.real, turned.imag], axis=-1 if interleaved else 0)
    return both.reshape(-1)


def test_the_folder_has_the_files_weights_and_is_the_same_every_time(converted, tmp_path):
    path, folder, made = converted
    weights = load_file(folder / "model.safetensors")
    given = arrays()
    assert made["tensors"] == len(given) and made["sha256"] == sha256_file(
        folder / "model.safetensors"
    )
    embeddings = weights["model.embed_tokens.weight"]
    assert np.array_equal(embeddings, dequantised(given["token_embd.weight"]))
    for layer in range(LAYERS):
        ours = weights[f"model.layers.{layer}.self_attn.v_proj.weight"]
        assert np.array_equal(ours, dequantised(given[f"blk.{layer}.attn_v.weight"]))
    assert made["parameters"] == sum(array.size for array in given.values())
    convert_gguf(path, tmp_path / "again")
    for name in made["files"]:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


def test_queries_and_keys_answer_each_other_as_in_the_files_own_order_of_rows(converted):
    """What a file's rows give with pairs side by side, the folder's give with pairs in halves."""
    _, folder, _ = converted
    weights, given = load_file(folder / "model.safetensors"), arrays()
    state = np.random.default_rng(3).normal(size=given["token_embd.weight"].shape[1])
    products = []
    for interleaved in (True, False):
        heads = []
        for name, position in (("attn_q", 5), ("attn_k", 2)):
            rows = dequantised(given[f"blk.1.{name}.weight"])
            if not interleaved:
                rows = weights[f"model.layers.1.self_attn.{PARTS[name]}.weight"]
            states = (rows @ state).reshape(-1, SIZE)
            heads.append([rotated(head, position, interleaved) for head in states])
        queries, keys = heads
        group = HEADS // len(keys)
        products.append([q @ keys[number // group] for number, q in enumerate(queries)])
    assert np.allclose(products[0], products[1], atol=1e-5)


def test_the_folder_is_a_checkpoint_like_any_other(converted):
    _, folder, _ = converted
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    assert model.dtype == torch.float32
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    assert tokenizer.convert_ids_to_tokens(list(range(len(tokens())))) == tokens()
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert chat == "<|user|>hi"
    numbers = tokenizer("the thing", return_tensors="pt").input_ids
    assert model(numbers).logits.isfinite().all()


@pytest.mark.parametrize("kind", [Kind.F32, Kind.F16, Kind.Q8_0])
def test_other_kinds_of_numbers_are_read_too(tmp_path, kind):
    made = convert_gguf(write_gguf(tmp_path / "small.gguf", kind=kind), tmp_path / "made")
    assert made["tensors"] == len(arrays())


def test_an_architecture_whose_rows_stay_in_order_is_read_too(tmp_path):
    path = write_gguf(tmp_path / "small.gguf", "qwen2")
    assert convert_gguf(path, tmp_path / "made")["tensors"] == len(arrays("qwen2"))


def refused(path, folder, *words: str) -> None:
    with pytest.raises(UserError) as error:
        convert_gguf(path, folder)
    for word in words:
        assert word in str(error.value), error.value
    assert not folder.exists()


def test_a_tensor_that_is_missing_or_has_no_place_is_named(tmp_path):
    weights = arrays()
    del weights["blk.1.ffn_up.weight"]
    path = write_gguf(tmp_path / "small.gguf", weights=weights)
    refused(path, tmp_path / "made", "blk.1.ffn_up.weight", "one part of several")
    weights = {**arrays(), "rope_freqs.weight": np.ones(SIZE // 2, dtype=np.float32)}
    path = write_gguf(tmp_path / "other.gguf", weights=weights)
    refused(path, tmp_path / "made", "rope_freqs.weight has no place")


def test_stretched_positions_are_refused(tmp_path):
    path = write_gguf(tmp_path / "small.gguf", stretched=True)
    refused(path, tmp_path / "made", "stretched (linear)")


def test_a_model_that_differs_from_its_file_is_never_written(tmp_path, monkeypatch):
    path = write_gguf(tmp_path / "small.gguf")
    loaded = gguf_file._loaded

    def altered(path):
        model, tokenizer = loaded(path)
        with torch.no_grad():
            model.model.layers[1].mlp.up_proj.weight[0, 0] += 1e-6
        return model, tokenizer

    monkeypatch.setattr(gguf_file, "_loaded", altered)
    refused(path, tmp_path / "made", "another model.layers.1.mlp.up_proj.weight")


def test_a_tokenizer_that_differs_from_its_file_is_never_written(tmp_path, monkeypatch):
    path = write_gguf(tmp_path / "small.gguf")
    model, _ = gguf_file._loaded(path)
    words = tokens()[::-1]
    _, other = gguf_file._loaded(write_gguf(tmp_path / "other.gguf", words=words))
    monkeypatch.setattr(gguf_file, "_loaded", lambda path: (model, other))
    refused(path, tmp_path / "made", "differs from token 0 on")


@pytest.mark.parametrize("cut", [0, 3, 200, -50])
def test_what_is_no_whole_gguf_file_is_a_sentence(tmp_path, cut):
    path = write_gguf(tmp_path / "small.gguf")
    path.write_bytes(path.read_bytes()[:cut])
    words = "expected a GGUF file" if 0 <= cut < 4 else "ends too early or is damaged"
    refused(path, tmp_path / "made", words)


def test_too_little_memory_is_said_before_the_weights_are_read(tmp_path, monkeypatch):
    path = write_gguf(tmp_path / "small.gguf")
    monkeypatch.setattr(machine_memory, "machine_memory", lambda: 1000)
    monkeypatch.setattr(gguf_file, "_loaded", None)
    refused(path, tmp_path / "made", "of memory, but this machine has")


def test_the_verb_says_what_it_compared_and_writes_into_no_folder_that_is_there(tmp_path, capsys):
    path, folder = write_gguf(tmp_path / "small.gguf"), tmp_path / "made"
    assert main(["convert", str(path), "--to", str(folder)]) == 0
    said = capsys.readouterr().out
    assert f"all {len(arrays())} tensors are equal" in said
    assert sha256_file(folder / "model.safetensors") in said
    assert main(["convert", str(path), "--to", str(folder)]) == 2
    assert "expected a new folder" in capsys.readouterr().err
    assert main(["convert", str(tmp_path / "none.gguf"), "--to", str(tmp_path / "x")]) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made", "small.gguf"]
    assert gguf.GGUFReader(path).tensors
