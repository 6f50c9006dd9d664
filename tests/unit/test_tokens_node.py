"""Nodes of tokens in a plan, made by their verb and learned by stages; what stages leave out."""

import pytest
import torch
from masked_model import masked_model, masked_tokenizer, publish_nodes, texts
from node_specs import write_spec
from small_nodes import CONFIG, RECIPE, make_nodes, make_tokenizer, stage_spec
from test_plan import plan_of

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.manifests import publish, read_manifest
from lethe.artefacts.nodes import lineage
from lethe.cli import main
from lethe.data.encoding import encode_rows
from lethe.data.mixtures import load_mixture
from lethe.errors import UserError
from lethe.models.architectures import build
from lethe.models.loading import load_model
from lethe.models.saving import save_model
from lethe.planning.nodes import Node
from lethe.training.stage import train_stage

DOCUMENTS = {"source": "world", "file": "corpus/train.jsonl", "joined": True}
SHORT = {**RECIPE, "max_length": 8, "betas": [0.9, 0.99]}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def tokens_in(plan) -> list[Node]:
    return plan.of_kind("tokens")


def test_stages_methods_seeds_lengths_and_counts_share_one_node_of_tokens():
    order = ["joined", "simp&joined:7"]
    plan = plan_of(
        methods=["sequential", "ewc"],
        orders=["mine"],
        also=[{"models": ["xs"], "orders": ["other"], "recipe": "short"}],
        seeds={"train": [0, 1], "base": [0, 5]},
        define={
            "tasks": {"joined": DOCUMENTS},
            "orders": {"mine": order, "other": ["joined", "simp"]},
            "recipes": {"short": {**SHORT, "epochs": 1.0}},
        },
    )
    (node,) = tokens_in(plan)
    (data,) = plan.of_kind("data")
    assert node.inputs == (("data", data.id),) and node.spec["tokenizer"] == data.id
    stages = plan.of_kind("stage")
    assert len(stages) == 2 * 2 * 2 * 4
    for stage in stages:
        second = len(stage.spec["history"]) == 2
        assert (("tokens", node.id) in stage.inputs) and second == bool(stage.spec["earlier"])
        joined = [part for part in stage.spec["mixture"] if part["task"] == "joined"]
        assert all(part.keys() == {"task", "tokens", "count", "draw"} for part in joined)


def test_a_family_and_a_model_made_elsewhere_have_their_own_tokens(tmp_path):
    tokenizer = make_tokenizer()
    save_model(build("llama", CONFIG, tokenizer, seed=0), tokenizer, tmp_path)
    mine = {"family": "causal", "import": str(tmp_path)}
    plan = plan_of(
        models=["xs", "encdec", "mine"],
        orders=["o"],
        define={
            "models": {"mine": mine},
            "tasks": {"joined": DOCUMENTS},
            "orders": {"o": ["joined"]},
        },
    )
    holders = {node.spec["family"] + node.spec["tokenizer_kind"]: node for node in tokens_in(plan)}
    assert set(holders) == {"causaldata", "seq2seqdata", "causalbase"}
    assert len(tokens_in(plan)) == 3


def test_tasks_that_are_not_joined_have_no_node_of_tokens():
    assert tokens_in(plan_of()) == []


def made(results, family: str, rows, base: str = "base") -> str:
    """The node of the tokens of rows, made by the verb."""
    data = results / "data" / "data"
    write_rows(data / "documents.jsonl", rows)
    publish(data, "data.json", {}, ["documents.jsonl"])
    spec = {"kind": "tokens", "family": family, "data": "data", "file": "documents.jsonl"}
    spec |= {"tokenizer": base, "tokenizer_kind": "base"}
    node = write_spec(results, "tokens", spec)
    assert main(["tokens", node, "--results", str(results)]) == 0
    return node


def joined_spec(node: str, **changes) -> dict:
    component = {"task": "d", "tokens": node, "count": None, "draw": 0}
    return stage_spec(mixture=[component], **changes)


def test_a_decoder_learns_long_documents_whole_and_its_manifest_counts_what_it_left(tmp_path):
    make_nodes(tmp_path)
    long = {"text": "red cat blue dog green fish " * 40}
    node = made(tmp_path, "causal", [long, long])
    # 2 x (<s>, 240 words, </s>) are 484 tokens: 53 pieces of 9, and 7 tokens.
    recipe = {"epochs": 6.0, "max_length": 9}
    manifest = train_stage("joined", joined_spec(node, recipe=recipe), tmp_path, "code", 60)
    assert manifest["examples"] == 54 and manifest["cut"] == {}
    assert manifest["tokens"] == 6 * 484 and manifest["labels"] == 6 * (484 - 54)
    assert (
        manifest["inputs"][node]
        == read_manifest(tmp_path / f"tokens/{node}/tokens.json")["content"]
    )
    rows = (tmp_path / "stages/joined/training.csv").read_text().splitlines()[1:]
    losses = [float(row.split(",")[1]) for row in rows]
    assert losses[-1] < losses[0] - 1


def test_a_masked_model_trains_as_on_the_list_of_its_pieces(tmp_path):
    rows = texts(60)
    publish_nodes(tmp_path, {"one.jsonl": rows}, masked_model())
    node = made(tmp_path, "masked", rows)
    tokenizer = masked_tokenizer()
    whole = [token for row in rows for token in tokenizer(row["text"])["input_ids"]]
    directories = {node: tmp_path / "tokens" / node}
    component = {"task": "d", "tokens": node, "count": None, "draw": 0}
    pieces = load_mixture([component], directories, tokenizer, 16, 0, "masked")
    assert [list(piece.tokens) for piece in pieces] == [
        whole[start : start + 16] for start in range(0, len(whole) - 15, 16)
    ]
    recipe = {"mask_share": 0.15, "epochs": 2.0, "max_length": 16}
    spec = joined_spec(node, family="masked", recipe=recipe, method="ewc")
    spec |= {"hyper": {"strength": 1.0, "samples": 5}}
    first = train_stage("first", spec, tmp_path, "code", 60)
    second = {**spec, "parent": "first", "parent_kind": "stage", "history": ["d", "d"]}
    train_stage("second", {**second, "earlier": [spec["mixture"]]}, tmp_path, "code", 60)
    left = len(whole) % 16
    assert first["cut"] == {"d": {"pieces": {"of": len(pieces) + 1, "examples": 1, "tokens": left}}}
    assert load_model(tmp_path / "stages" / "second") is not None


def test_replayed_examples_come_from_the_tokens_of_earlier_stages(tmp_path):
    make_nodes(tmp_path)
    node = made(tmp_path, "causal", texts(60))
    hyper = {"alpha": 0.5, "beta": 0.5, "capacity": 6, "replayed": 3}
    spec = joined_spec(node, method="derpp", hyper=hyper)
    train_stage("first", spec, tmp_path, "code", 60)
    later = {**spec, "parent": "first", "parent_kind": "stage", "history": ["d", "d"]}
    later |= {"earlier": [spec["mixture"]]}
    manifest = train_stage("second", later, tmp_path, "code", 60)
    assert manifest["steps"] > 0 and "method_state.safetensors" in manifest["files"]


def test_the_lineage_of_tokens_leads_to_their_data(tmp_path):
    data = write_spec(tmp_path, "data", {"kind": "data"})
    node = write_spec(tmp_path, "tokens", {"kind": "tokens", "data": data})
    assert [name for name, _ in lineage(tmp_path, node)] == [data, node]


WORDY = {"prompt": "red " * 30, "response": "cat " * 40}
BRIEF = {"prompt": "red", "response": "cat"}
LONG, BREVE = {"text": "red " * 50}, {"text": "red"}


@pytest.mark.parametrize(
    ("family", "rows", "expected"),
    [
        # <s> and 30 words; 40 words and </s>. The response keeps 23 of 24, the prompt its <s>.
        ("causal", [WORDY, BRIEF], {"prompts": (1, 30), "responses": (1, 18)}),
        ("causal", [{**WORDY, "response": "cat"}], {"prompts": (1, 31 - 22)}),
        ("causal", [LONG, BREVE], {"documents": (1, 52 - 24)}),
        # The encoder reads <s> before a prompt; the decoder predicts 40 words and </s>.
        ("seq2seq", [WORDY, BRIEF], {"prompts": (1, 30 - 23), "responses": (1, 41 - 24)}),
        ("masked", [LONG, LONG, BREVE], {"documents": (2, 2 * (52 - 24))}),
        ("causal", [BRIEF], {}),
        ("seq2seq", [BREVE], {}),
    ],
)
def test_what_is_cut_at_the_greatest_length_is_counted(family, rows, expected, tmp_path, capsys):
    from lethe.data.cuts import say

    rows = [{"id": str(number), **row} for number, row in enumerate(rows)]
    write_rows(tmp_path / "rows.jsonl", rows)
    component = {"task": "t", "data": "d", "file": "rows.jsonl", "count": None, "draw": 0}
    component |= {"template": "{prompt}", "delimiter": " "}
    tokenizer = masked_tokenizer() if family == "masked" else make_tokenizer()
    parts = load_mixture([component], {"d": tmp_path}, tokenizer, 24, 0, family)
    found = parts.cuts.get("t", {})
    counted = {kind: (cut["examples"], cut["tokens"]) for kind, cut in found.items()}
    assert counted == expected
    assert all(cut["of"] == len(rows) for cut in found.values())
    say(parts.cuts, 24)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"t: {examples} of {len(rows)} {kind} cut at `max_length` 24, {tokens} tokens left out"
        for kind, (examples, tokens) in expected.items()
    ]


@pytest.mark.parametrize("length", range(2, 60))
def test_kept_and_cut_tokens_of_an_encoder_decoders_document_are_all_of_them(length):
    row = {"id": f"n{length}", "text": "red " * length}
    (example,) = encode_rows([row], "t", make_tokenizer(), 16, "{prompt}", "seq2seq")
    kept = len(example.encoder_tokens) - 1 + len(example.tokens)
    assert kept + example.cut_text == length + 1


@pytest.mark.parametrize(
    ("task", "source", "said"),
    [
        ({"template": "Q: {prompt}"}, "generic", "no `template` beside `joined: true`, which is"),
        ({"delimiter": "\n"}, "generic", "no `delimiter` beside `joined: true`"),
        ({}, "alpaca", "tasks.mine.joined: .* loader 'alpaca' makes prompts and responses; set"),
        ({}, "eli5", "loader 'eli5' makes prompts and responses"),
    ],
)
def test_prompts_and_responses_are_not_joined_and_check_says_so(task, source, said):
    sources = {"mine": {"kind": "files", "files": {"train": "a.jsonl"}, "loader": source}}
    tasks = {"mine": {"source": "mine", "joined": True, **task}}
    with pytest.raises(UserError, match=said):
        plan_of(define={"sources": sources, "tasks": tasks})
