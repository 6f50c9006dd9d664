"""Prompts as chats: one text in training, own tasks and lm-eval's, system prompt included."""

import json
import shutil

import evaluation_world as world
import pytest
from plain_reference import random_model
from scoring_case import model_of
from small_tokenizers import KINDS
from test_plan import plan_of

from lethe.artefacts.jsonlines import write_rows
from lethe.commands.evaluate import evaluate
from lethe.data.chat import require_chat
from lethe.data.mixtures import load_mixture
from lethe.errors import UserError

TEMPLATE = (
    "{% for m in messages %}[{{ m.role }}]\n{{ m.content }}[/]\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]\n{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
SYSTEM = "You say {little}."


def chat_tokenizer(template: str | dict | None = TEMPLATE, kind: str = "llama"):
    tokenizer = KINDS[kind]()
    tokenizer.chat_template = template
    return tokenizer


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A checkpoint with a chat template, and two tasks."""
    folder = tmp_path_factory.mktemp("chat")
    tokenizer = chat_tokenizer()
    model = model_of("llama", vocab_size=len(tokenizer), max_position_embeddings=512)
    for saved in (model, tokenizer):
        saved.save_pretrained(folder / "checkpoint")
    world.write_task(folder / "eval", "know", world.CHOICE, world.choice_rows)
    world.write_task(folder / "eval", "own", world.OWN, world.own_rows, n=4, length=8)
    return folder


def their_scores(place, shots: int, system: str | None):
    """lm-eval's own, as `lm_eval --apply_chat_template --system_instruction` gives them."""
    from lm_eval import evaluator
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from lethe.evaluation.checkpoint import open_checkpoint

    folder = place / "stock"
    if not folder.is_dir():
        shutil.copytree(place / "eval", folder)
        for path in folder.glob("*.yaml"):
            text = path.read_text().replace(": data/", f": {folder}/data/")
            cache = f"dataset_kwargs:\n  cache_dir: {place}/cache"
            path.write_text(text.replace("dataset_kwargs:", cache))
    model, tokenizer = open_checkpoint(place / "checkpoint", "float32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluator, "add_env_info", lambda _: None)
        return evaluator.simple_evaluate(
            model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=5),
            tasks=["know", "own"],
            task_manager=TaskManager(include_path=str(folder), include_defaults=False),
            num_fewshot=shots,
            bootstrap_iters=0,
            log_samples=True,
            apply_chat_template=True,
            system_instruction=system,
        )


@pytest.mark.parametrize(("shots", "system"), [(0, None), (0, SYSTEM), (2, SYSTEM)])
def test_scores_are_those_of_lm_eval_with_its_chat_template(place, shots, system):
    theirs = their_scores(place, shots, system)
    folder, include = place / "checkpoint", str(place / "eval")
    how = {"shots": shots, "chat": system or True}
    know, own = evaluate(folder, ["know", "own"], include, **how)
    for item, sample in zip(know["items"], theirs["samples"]["know"], strict=True):
        logprobs = [logprob for logprob, _ in sample["filtered_resps"]]
        assert item["gold_logprob"] == pytest.approx(logprobs[sample["doc"]["answer"]], abs=1e-3)
    texts = [sample["filtered_resps"][0] for sample in theirs["samples"]["own"]]
    assert [item["predicted"] for item in own["items"]] == texts
    plain, _ = evaluate(folder, ["know", "own"], include, shots=shots)
    assert plain["items"][0]["gold_logprob"] != know["items"][0]["gold_logprob"]
    assert know["chat"] == {"system": system} and "chat" not in plain


def test_a_response_is_taught_behind_the_text_that_evaluation_asks_with(tmp_path):
    tokenizer = chat_tokenizer(kind="bytes")
    write_rows(tmp_path / "rows.jsonl", [{"prompt": "the cat", "response": '"Yes"'}])
    component = {"task": "t", "data": "d", "file": "rows.jsonl", "template": '{"q": "{prompt}"}'}
    component |= {"delimiter": " ", "count": None, "draw": 0}
    chat = {"system": SYSTEM}
    (example,) = load_mixture([component], {"d": tmp_path}, tokenizer, 500, 0, "causal", chat)
    start = example.label_start
    assert tokenizer.decode(example.tokens[:start]) == (
        f'[system]\n{SYSTEM}[/]\n[user]\n{{"q": "the cat"}}[/]\n[assistant]\n'
    )
    assert tokenizer.decode(example.tokens[start:]) == '"Yes"</s>'
    (plain,) = load_mixture([component], {"d": tmp_path}, tokenizer, 500, 0)
    assert "[user]" not in tokenizer.decode(plain.tokens)


def test_documents_are_no_chats(tmp_path):
    tokenizer = chat_tokenizer()
    write_rows(tmp_path / "rows.jsonl", [{"text": "the cat"}])
    component = {"task": "t", "data": "d", "file": "rows.jsonl", "template": "{prompt}"}
    component |= {"delimiter": " ", "count": None, "draw": 0}
    load = [component], {"d": tmp_path}, tokenizer, 50, 0, "causal"
    assert list(load_mixture(*load, {"system": None})) == list(load_mixture(*load))


def planned(folder, **model):
    mine = {"family": "causal", "import": str(folder), **model}
    return plan_of(models=["mine"], define={"models": {"mine": mine}})


@pytest.fixture
def imported(tmp_path):
    random_model("llama", None).save_pretrained(tmp_path)
    (tmp_path / "chat_template.jinja").write_text(TEMPLATE)
    return tmp_path


def test_a_chat_is_in_the_specs_of_what_it_changes_and_of_nothing_else(imported):
    plain, chat, told = (planned(imported, **how) for how in ({}, {"chat": True}, {"chat": "No"}))
    for kind in ("base", "stage", "probe"):
        ids = [{node.id for node in plan.of_kind(kind)} for plan in (plain, chat, told)]
        assert len(ids[0]) > 0 and not ids[0] & ids[1] and not ids[1] & ids[2]
        assert all("chat" not in node.spec for node in plain.of_kind(kind))
        assert all(node.spec["chat"]["system"] == "No" for node in told.of_kind(kind))
    data = [{node.id for node in plan.of_kind("data")} for plan in (plain, chat)]
    assert data[0] == data[1]


@pytest.mark.parametrize("where", ["chat_template.jinja", "tokenizer_config.json"])
def test_another_template_makes_another_chain(tmp_path, where):
    random_model("llama", None).save_pretrained(tmp_path)
    ids = []
    for text in (TEMPLATE, TEMPLATE + " "):
        is_json = where.endswith("json")
        (tmp_path / where).write_text(json.dumps({"chat_template": text}) if is_json else text)
        ids.append({node.id for node in planned(tmp_path, chat=True).of_kind("stage")})
    assert not ids[0] & ids[1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"chat": ""}, "models.mine.chat"),
        ({"chat": 1}, "models.mine.chat"),
        ({"chat": True, "family": "masked"}, "no `chat` beside `family: masked`"),
        ({"chat": True, "import": None, "from": "xs", "train_on": "questions:9"}, "beside `from`"),
    ],
)
def test_a_wrong_chat_is_one_sentence(imported, changes, sentence):
    mine = {"family": "causal", "import": str(imported), "recipe": "finetune", **changes}
    mine = {key: value for key, value in mine.items() if value is not None}
    with pytest.raises(UserError, match=sentence) as caught:
        plan_of(models=["mine"], define={"models": {"mine": mine}})
    assert "\n" not in str(caught.value)


def test_a_model_without_a_chat_template_is_refused_when_the_study_is_checked(imported):
    (imported / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match="models.mine.chat: expected a chat template"):
        planned(imported, chat=True)


@pytest.mark.parametrize(
    ("template", "system", "sentence"),
    [
        (None, None, "needs a chat template"),
        ({"tools": TEMPLATE}, None, "needs a chat template"),
        (NO_SYSTEM + TEMPLATE, "Be short.", "no system; if it takes no system prompt"),
        (
            "[user]{{ messages[-1].content }}",
            "Be short.",
            "the system prompt 'Be short.'",
        ),
        ("{{ messages | length }}", None, "leaves out or changes a user's text"),
        (TEMPLATE.replace(".content", ".content | e"), None, "makes .*&lt;b&gt;"),
        ("{{ messages | tojson }}", None, "leaves out or changes a user's text"),
        (TEMPLATE + "{{ strftime_now('%d') }}", None, "today's date"),
        ("{% if %}", None, "cannot write"),
    ],
)
def test_a_template_that_cannot_write_the_chat_is_one_sentence(template, system, sentence):
    tokenizer = chat_tokenizer(template)
    with pytest.raises(UserError, match=sentence) as caught:
        require_chat(tokenizer, {"system": system}, "models/mine")
    assert "\n" not in str(caught.value)
    require_chat(chat_tokenizer(NO_SYSTEM + TEMPLATE), {"system": None}, "models/mine")
    require_chat(chat_tokenizer({"default": TEMPLATE}), {"system": "Be short."}, "models/mine")


def test_a_checkpoint_without_a_template_is_refused_by_evaluate(place, tmp_path):
    folder = tmp_path / "checkpoint"
    shutil.copytree(place / "checkpoint", folder)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match="needs a chat template"):
        evaluate(folder, ["know"], str(place / "eval"), chat=True)
    with pytest.raises(UserError, match="--chat: expected a system prompt"):
        evaluate(folder, ["know"], str(place / "eval"), chat="")
