"""A small random decoder as a GGUF file, written with the `gguf` package from plain arrays."""

from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind

WIDTH, INNER, HEADS, KEY_HEADS, LAYERS, POSITIONS = 32, 64, 4, 2, 2, 64
SIZE = WIDTH // HEADS  # of a head
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|start|>", "<|end|>"]


def tokens() -> list[str]:
    """Special tokens, then the printable bytes of a byte-level vocabulary, then two pairs."""
    letters = [chr(number) for number in range(33, 127)] + ["Ġ", "Ċ"]
    return [*SPECIAL, *letters, "th", "Ġth"]


def arrays(architecture: str = "llama") -> dict[str, np.ndarray]:
    """The weights by their name in a GGUF file, as float32."""
    random = np.random.default_rng(7)
    kept = KEY_HEADS * SIZE
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (len(tokens()), WIDTH)}
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        shapes |= {
            f"{block}attn_norm.weight": (WIDTH,),
            f"{block}attn_q.weight": (WIDTH, WIDTH),
            f"{block}attn_k.weight": (kept, WIDTH),
            f"{block}attn_v.weight": (kept, WIDTH),
            f"{block}attn_output.weight": (WIDTH, WIDTH),
            f"{block}ffn_norm.weight": (WIDTH,),
            f"{block}ffn_gate.weight": (INNER, WIDTH),
            f"{block}ffn_up.weight": (INNER, WIDTH),
            f"{block}ffn_down.weight": (WIDTH, INNER),
        }
        if architecture == "qwen2":
            biases = {"q": WIDTH, "k": kept, "v": kept}
            shapes |= {f"{block}attn_{name}.bias": (rows,) for name, rows in biases.items()}
    shapes["output_norm.weight"] = (WIDTH,)
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def write_gguf(
    path: Path,
    architecture: str = "llama",
    kind: Kind = Kind.Q4_1,
    weights: dict[str, np.ndarray] | None = None,
    words: list[str] | None = None,
    stretched: bool = False,
) -> Path:
    """Write a file: matrices in `kind`, vectors in float32.

    stretched: the header says that positions are stretched, as some long models' does.
    """
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("small")
    writer.add_context_length(POSITIONS)
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(SIZE)
    if stretched:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(4.0)
    _add_tokenizer(writer, words or tokens())
    for name, array in (weights or arrays(architecture)).items():
        stored = kind if array.ndim == 2 else Kind.F32
        writer.add_tensor(name, gguf.quants.quantize(array, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: gguf.GGUFWriter, words: list[str]) -> None:
    special = [
        gguf.TokenType.CONTROL if word in SPECIAL else gguf.TokenType.NORMAL for word in words
    ]
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(words)
    writer.add_token_types(special)
    writer.add_token_merges(["t h", "Ġ th"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)


def dequantised(array: np.ndarray, kind: Kind = Kind.Q4_1) -> np.ndarray:
    """What is left of a matrix after its way through a kind of quantisation."""
    return gguf.quants.dequantize(gguf.quants.quantize(array, kind), kind)
