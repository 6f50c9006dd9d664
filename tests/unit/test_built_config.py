"""The typed configuration of a built model: transformers' own keys, and one sentence a mistake."""

import copy
import json
from importlib import import_module
from pathlib import Path

import pytest
import small_nodes
import torch

from lethe.config.reading import merge, parse_study, read_catalogue, read_yaml
from lethe.errors import UserError
from lethe.models import built_config
from lethe.models.architectures import build
from lethe.models.built_config import TABLE, VALUES, Rotary, check_room, full_config, table
from lethe.models.kinds import BUILT, KINDS
from lethe.models.transformers_keys import config_keys
from lethe.planning.plan import make_plan

ATTENTION = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
SMALL = {
    "llama": ATTENTION | {"intermediate_size": 32, "max_position_embeddings": 64},
    "t5": T5,
    "mt5": T5,
    "roberta": ATTENTION | {"intermediate_size": 32, "max_position_embeddings": 64},
}
OFFSETS = {"heads": {"encoder": [-1, None], "decoder": [-1]}}
WHERE = "models.mine.config"


def built(architecture: str, config: dict, seed: int = 0):
    return build(architecture, config, small_nodes.make_tokenizer(), seed)


def step(model) -> torch.Tensor:
    """The loss of one training step on one text, with its gradients."""
    ids = torch.arange(5, 19).repeat(2)[None]
    loss = model.train()(input_ids=ids, labels=ids).loss
    loss.backward()
    return loss


def test_the_table_of_keys_is_that_of_transformers_classes():
    assert json.loads(TABLE.read_text(encoding="utf-8")) == config_keys(), "run `lethe schema`"


def test_every_key_is_described_and_nothing_else_is():
    keys = {
        (f"{name}.{key}" if f"{name}.{key}" in VALUES else key)
        for name in BUILT
        for key in table()["architectures"][name]["keys"]
    }
    assert keys == set(VALUES)


def test_rotary_positions_start_from_the_defaults_of_the_classes_that_have_them():
    for name in BUILT:
        known = table()["architectures"][name]["keys"].get("rope_parameters")
        assert (known is not None) == (KINDS[name].positions == "rotary")
        assert known is None or known["default"] == Rotary().model_dump(exclude_none=True)


@pytest.mark.parametrize("architecture", BUILT)
def test_a_full_configuration_holds_every_default_and_builds_the_same_model(architecture):
    given = SMALL[architecture]
    full = full_config(WHERE, architecture, given)
    known = table()["architectures"][architecture]["keys"]
    assert {key for key, value in known.items() if value["default"] is not None} <= full.keys()
    assert given.items() <= full.items()
    ours, theirs = built(architecture, full), built(architecture, given)
    assert ours.config.to_dict() == theirs.config.to_dict()
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, weight in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], weight)


@pytest.mark.parametrize("architecture", BUILT)
def test_the_defaults_alone_are_the_configuration_of_the_class(architecture):
    classes = KINDS[architecture].built
    kind = getattr(import_module(classes.module), classes.config)
    values = full_config(WHERE, architecture, {})
    values.pop("start", None)
    assert kind(**values).to_dict() == kind().to_dict()


CORNERS = [
    ("llama", {"num_attention_heads": 8, "num_key_value_heads": 1, "intermediate_size": 1}),
    ("llama", {"head_dim": 2, "initializer_range": 1.0, "attention_dropout": 0.9}),
    ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 1}}),
    ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    ("t5", {"d_model": 1, "d_kv": 1, "d_ff": 1, "num_heads": 3, "num_decoder_layers": 2}),
    ("t5", {"relative_attention_num_buckets": 4, "relative_attention_max_distance": 3}),
    ("t5", {"relative_attention_num_buckets": 5, "relative_attention_max_distance": 3}),
    ("t5", {"tie_word_embeddings": False, "start": OFFSETS | {"embedding_std": 0.1}}),
    ("t5", {"start": {"heads": {"encoder": [128, -128], "decoder": [0, -128]}}}),
    ("mt5", {"feed_forward_proj": "relu", "dropout_rate": 0.9}),
    ("roberta", {"num_attention_heads": 16, "intermediate_size": 1, "type_vocab_size": 1}),
    ("roberta", {"tie_word_embeddings": False, "hidden_dropout_prob": 0.9}),
]
ACTIVATIONS = [
    (architecture, {key: prefix + name})
    for name in table()["activations"]
    for architecture, key, prefix in (
        ("llama", "hidden_act", ""),
        ("t5", "feed_forward_proj", "gated-"),
    )
]


@pytest.mark.parametrize(("architecture", "changes"), CORNERS + ACTIVATIONS)
def test_what_is_accepted_builds_a_model_that_trains(architecture, changes):
    full = full_config(WHERE, architecture, {**SMALL[architecture], **changes})
    assert step(built(architecture, full)).isfinite()


NO_KEY = "there is no such key"
TOKENIZER = "comes from the tokenizer"
# Keys and values with the sentence's end. Of those that begin with `silent`, transformers builds
# and trains another model without a word; of the others it ends in a traceback, if not at once.
WRONG = {
    "llama": [
        ("silent", {"hiden_size": 3}, f"{NO_KEY}; did you mean 'hidden_size'"),
        ("silent", {"rope_theta": 500.0}, NO_KEY),
        ("silent", {"d_model": 16}, NO_KEY),
        ("silent", {"num_hidden_layers": 0}, "found 0"),
        ("silent", {"intermediate_size": 0}, "found 0"),
        ("silent", {"attention_dropout": 1.0}, "found 1.0"),
        ("silent", {"initializer_range": 0.0}, "found 0.0"),
        ("silent", {"max_position_embeddings": 0}, "found 0"),
        ("silent", {"rope_parameters": {"rope_typ": "linear"}}, "did you mean 'rope_type'"),
        ("", {"rope_parameters": {"rope_theta": -5.0}}, "found -5.0"),
        ("silent", {"rope_parameters": {"factor": 2.0}}, "`factor` with `rope_type: linear`"),
        ("silent", {"use_cache": False}, NO_KEY),
        ("", {"hidden_size": "16"}, "found '16'"),
        ("", {"hidden_size": 16.5}, "found 16.5"),
        ("", {"hidden_size": True}, "found true"),
        ("", {"num_hidden_layers": -1}, "found -1"),
        ("", {"num_attention_heads": 0}, "found 0"),
        ("", {"num_attention_heads": 3}, r"num_attention_heads: .* divisor .*\(16\), found 3"),
        ("", {"num_key_value_heads": 3}, r"num_key_value_heads: .* divisor .*\(2\), found 3"),
        ("", {"num_key_value_heads": 0}, "found 0"),
        ("", {"hidden_size": 6}, "even number of features per head, found 3"),
        ("", {"head_dim": 5}, "even number of features per head, found 5"),
        ("", {"attention_dropout": -0.1}, "found -0.1"),
        ("", {"attention_dropout": None}, "found null"),
        ("", {"hidden_act": "sillu"}, "hidden_act: 'sillu' is not known; did you mean 'silu'"),
        ("", {"rms_norm_eps": -1.0}, "found -1.0"),
        ("", {"tie_word_embeddings": "yes"}, "found 'yes'"),
        ("", {"mlp_bias": 1}, "found 1"),
        ("", {"rope_parameters": {"rope_type": "linear"}}, "`factor` with `rope_type: linear`"),
        ("", {"rope_parameters": {"rope_type": "defalt"}}, "found 'defalt'"),
        ("", {"rope_parameters": 500.0}, "found 500.0"),
        ("", {"vocab_size": 7}, f"vocab_size: it {TOKENIZER}"),
        ("", {"pad_token_id": 3}, f"pad_token_id: it {TOKENIZER}"),
        ("", {"start": OFFSETS}, NO_KEY),
    ],
    "t5": [
        ("silent", {"d_modle": 3}, f"{NO_KEY}; did you mean 'd_model'"),
        ("silent", {"hidden_size": 32}, "t5 calls this key 'd_model'"),
        ("silent", {"num_hidden_layers": 3}, "t5 calls this key 'num_layers'"),
        ("silent", {"dropout": 0.5}, NO_KEY),
        ("silent", {"max_position_embeddings": 8}, NO_KEY),
        ("silent", {"is_encoder_decoder": False}, NO_KEY),
        ("silent", {"decoder_start_token_id": 4}, TOKENIZER),
        ("silent", {"num_layers": 0}, "found 0"),
        ("silent", {"num_decoder_layers": 0}, "found 0"),
        ("silent", {"dropout_rate": 1.0}, "found 1.0"),
        ("silent", {"initializer_factor": 0.0}, "found 0.0"),
        ("silent", {"tie_word_embeddings": "no"}, "found 'no'"),
        ("silent", {"start": {"heads": {"decoder": [1]}, "strength": 3.0}}, "found 1"),
        ("", {"d_kv": 0}, "found 0"),
        ("", {"num_heads": 0}, "found 0"),
        ("", {"dropout_rate": -0.1}, "found -0.1"),
        ("", {"feed_forward_proj": "rellu"}, "'rellu' is not known; did you mean 'relu'"),
        ("", {"feed_forward_proj": "gelu-gated"}, "'gelu-gated' is not known"),
        ("", {"relative_attention_num_buckets": 3}, "found 3"),
        ("", {"relative_attention_max_distance": 16}, "more than half of the 32 .* found 16"),
        ("", {"layer_norm_epsilon": -1.0}, "found -1.0"),
        ("", {"eos_token_id": 1}, TOKENIZER),
        ("", {"start": {"strenght": 2}}, f"{NO_KEY}; did you mean 'strength'"),
        ("", {"start": {"heads": {"encoder": [-1, None, 1]}}}, "at most 2 offsets, .* found 3"),
        ("", {"start": {"heads": {"encoder": [-129]}}}, "at most 128 tokens .* found -129"),
        ("", {"start": {"heads": {"decodr": [-1]}}}, "did you mean 'decoder'"),
        ("", {"start": {"heads": {"encoder": ["a"]}}}, "found 'a'"),
        ("", {"start": {"embedding_std": -1}}, "found -1"),
        ("", {"start": 7}, "found 7"),
    ],
    "mt5": [
        ("silent", {"tie_word_embeddings": False}, NO_KEY),
        ("silent", {"head_dim": 4}, "mt5 calls this key 'd_kv'"),
    ],
    "roberta": [
        ("silent", {"hiden_size": 3}, f"{NO_KEY}; did you mean 'hidden_size'"),
        ("silent", {"position_embedding_type": "relative_key"}, NO_KEY),
        ("silent", {"dropout": 0.1}, NO_KEY),
        ("silent", {"is_decoder": True}, NO_KEY),
        ("silent", {"num_labels": 5}, NO_KEY),
        ("silent", {"num_hidden_layers": 0}, "found 0"),
        ("silent", {"intermediate_size": 0}, "found 0"),
        ("silent", {"hidden_dropout_prob": 1.0}, "found 1.0"),
        ("silent", {"initializer_range": 0.0}, "found 0.0"),
        ("", {"hidden_size": "16"}, "found '16'"),
        ("", {"num_attention_heads": 3}, r"num_attention_heads: .* divisor .*\(16\), found 3"),
        ("", {"num_attention_heads": 0}, "found 0"),
        ("", {"attention_probs_dropout_prob": -1.0}, "found -1.0"),
        ("", {"max_position_embeddings": 0}, "found 0"),
        ("", {"type_vocab_size": 0}, "found 0"),
        ("", {"layer_norm_eps": -1.0}, "found -1.0"),
        ("", {"hidden_act": "glu"}, "'glu' is not known; did you mean 'gelu'"),
        ("", {"add_cross_attention": True}, NO_KEY),
        ("", {"vocab_size": 5}, TOKENIZER),
    ],
}
CASES = [(name, *case) for name, cases in WRONG.items() for case in cases]


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize(("architecture", "silent", "changes", "sentence"), CASES)
def test_what_makes_another_model_or_none_is_one_sentence(architecture, silent, changes, sentence):
    given = {**SMALL[architecture], **changes}
    with pytest.raises(UserError, match=sentence) as refused:
        full_config(WHERE, architecture, given)
    (key,) = changes
    assert WHERE in str(refused.value) and "\n" not in str(refused.value)
    assert key in str(refused.value) or "features per head" in sentence
    # Why it is refused; what transformers itself begins to refuse shows here.
    try:
        trains = bool(step(built(architecture, copy.deepcopy(given))).isfinite())
    except Exception:  # whatever transformers, torch or Python say of it
        trains = False
    assert trains == bool(silent)


def test_positions_have_room_for_the_recipes_longest_text():
    for architecture, least in (("llama", 32), ("roberta", 33)):
        check_room(WHERE, architecture, {"max_position_embeddings": least}, 32)
        with pytest.raises(UserError, match=f"at least {least}, .*`max_length: 32`.* {least - 1}"):
            check_room(WHERE, architecture, {"max_position_embeddings": least - 1}, 32)
    check_room(WHERE, "t5", full_config(WHERE, "t5", {}), 10**6)


def catalogue_with(**config):
    raw = read_yaml(Path(__file__).parents[2] / "config" / "config.yaml")
    model = {"family": "causal", "source": "world", "architecture": "llama"}
    model |= {"recipe": "pretrain-xs", "config": SMALL["llama"] | config}
    own = {
        "also": [],
        "orders": ["forward"],
        "models": ["mine"],
        "define": {"models": {"mine": model}},
    }
    study = parse_study(merge(raw, own))
    return study, read_catalogue(study)


def test_check_refuses_a_configuration_and_too_few_positions_for_its_recipe():
    with pytest.raises(UserError, match=f"hiden_size in {WHERE}: .* 'hidden_size'"):
        catalogue_with(hiden_size=3)
    with pytest.raises(UserError, match=f"{WHERE}.max_position_embeddings: expected at least"):
        catalogue_with(max_position_embeddings=8)


def test_only_a_model_that_is_built_here_has_a_configuration():
    entry = {"family": "causal", "hub": "a/b", "config": {"hidden_size": 3}}
    with pytest.raises(UserError, match="models.mine in .* no `config` beside `hub`"):
        parse_study(
            {
                **read_yaml(Path(__file__).parents[2] / "config" / "config.yaml"),
                "define": {"models": {"mine": entry}},
            }
        )


def test_a_changed_default_is_another_base(monkeypatch):
    study, catalogue = catalogue_with(max_position_embeddings=256)

    def base():
        return next(n for n in make_plan(study, catalogue).nodes.values() if n.kind == "base")

    before = base()
    assert before.spec["config"]["rms_norm_eps"] == 1e-6
    changed = copy.deepcopy(table())
    changed["architectures"]["llama"]["keys"]["rms_norm_eps"]["default"] = 1e-5
    monkeypatch.setattr(built_config, "table", lambda: changed)
    built_config.config_type.cache_clear()
    after = base()
    built_config.config_type.cache_clear()
    assert after.spec == {
        **before.spec,
        "config": {**before.spec["config"], "rms_norm_eps": 1e-5},
    }
    assert after.id != before.id


def test_a_type_whose_keys_were_not_generated_says_how_to_generate_them():
    with pytest.raises(UserError, match="expected the keys of 'gpt2', found none; run `lethe sche"):
        full_config("models.mine.config", "gpt2", {})


def test_a_key_without_a_description_names_the_file_to_change(monkeypatch):
    monkeypatch.setattr(built_config, "VALUES", {})
    with pytest.raises(UserError, match="built_config.py: expected a description of '.*llama"):
        built_config.config_type.__wrapped__("llama")
