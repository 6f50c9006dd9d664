"""Words of a user's files that a model's tokenizer cannot write are told of before a run."""

import json

import evaluation_world as world
import pytest

from lethe.cli import main
from lethe.data.unknown_tokens import unknown_token
from lethe.sources.world import build

KNOWN = world.WORDS[:4]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a model in `mine` whose tokenizer knows `KNOWN` and more."""
    monkeypatch.chdir(tmp_path)
    world.write_checkpoint(tmp_path / "mine", 0)
    return tmp_path


def said(folder, capsys, model: str, text: str) -> str:
    """What `init` and then `check` say of a study that teaches the model a text."""
    rows = [{"prompt": text, "response": text}] * 3
    (folder / "notes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["init", "my.yaml", "--model", model, "--train", "notes.jsonl"]) == 0
    at_init = capsys.readouterr().out
    assert main(["check", "my.yaml"]) == 0
    at_check = capsys.readouterr().out
    (folder / "my.yaml").unlink()
    assert ("are unknown to" in at_init) == ("are unknown to" in at_check)
    return at_check


def test_the_share_of_unknown_words_is_told_by_init_and_check(folder, capsys):
    told = said(folder, capsys, "mine", f"{KNOWN[0]} zebra {KNOWN[1]} giraffe")
    assert "tasks.notes: 50% of the words in its first rows are unknown to the model 'mine'" in told
    assert "name another in `models`." in told


def test_nothing_is_said_of_texts_that_the_tokenizer_can_write(folder, capsys):
    assert "unknown to" not in said(folder, capsys, "mine", " ".join(KNOWN))


def test_a_model_of_a_world_that_is_not_made_yet_is_known_by_that_worlds_words(folder, capsys):
    told = said(folder, capsys, "xs", "Where is my invoice?")
    assert "unknown to the model 'xs'" in told and "but those of its generated world" in told
    assert "unknown to" not in said(folder, capsys, "xs", "anna, boris, clara")
    assert not (folder / "results").exists()


def test_the_words_of_a_world_are_made_up_once_and_again_where_the_kept_ones_are_cut(
    folder, capsys, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    made, contents = [], build.contents

    def counted(spec):
        made.append(made[0] if made else contents(spec))
        return made[0]

    monkeypatch.setattr(build, "contents", counted)
    first = said(folder, capsys, "xs", "Where is my invoice?")
    assert len(made) == 1, "init made them, and check read them"
    (kept,) = (folder / "cache" / "lethe").iterdir()
    for cut in (kept.read_text()[:1000], "{}", "[1]", '{"<pad>": "0"}'):
        kept.write_text(cut)
        assert said(folder, capsys, "xs", "Where is my invoice?") == first
    assert len(made) == 5


def test_a_tokenizer_whose_unknown_token_is_its_last_writes_every_text():
    assert unknown_token(0, 0) is None and unknown_token("<unk>", "</s>") == "<unk>"
