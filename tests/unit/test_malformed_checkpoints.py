"""A damaged checkpoint ends in one sentence, or is scored as if nothing had happened."""

import contextlib
import io
import json
import math
import os
import resource
import shutil
import subprocess
import sys

import damaged_checkpoints as damaged
import evaluation_world as world
import pytest

from lethe.artefacts.manifests import publish
from lethe.cli import main
from lethe.errors import UserError
from lethe.training.ready_made import check_ready_made

MEMORY = 3 * 2**30  # bytes beyond what is in use

CLASSES = {
    "header": damaged.HEADERS,
    "config": damaged.CONFIGS,
    "tokenizer": damaged.TOKENIZERS,
}
SHAPES = [(kind, name) for kind, damages in CLASSES.items() for name in damages]
IDS = [f"{kind}, {name}" for kind, name in SHAPES]
STILL_WHOLE = {
    ("header", "an index of other tensors"),
    ("config", "no architectures"),
    ("config", "architectures of another family"),
    ("tokenizer", "settings with a class that is a number"),
}
"""What transformers does not need: the score is that of the whole checkpoint."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("malformed")
    world.write_checkpoint(folder / "checkpoint")
    world.write_task(folder / "eval", "know", world.CHOICE, world.choice_rows, n=4)
    world.write_task(folder / "eval", "own", world.OWN, world.own_rows, n=2, length=3)
    return folder


@pytest.fixture(autouse=True)
def little_memory():
    """What asks for terabytes fails at once instead of filling the machine."""
    with open("/proc/self/statm") as handle:
        used = int(handle.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture
def checkpoint(place, tmp_path):
    shutil.copytree(place / "checkpoint", tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def words(place, checkpoint, engine: str) -> list[str]:
    tasks = ["--tasks", "know", "own", "--include-path", str(place / "eval")]
    return ["evaluate", "--model", str(checkpoint), *tasks, "--engine", engine, "--json"]


def scored(place, checkpoint, engine: str = "fast") -> list[dict] | None:
    """The scores of a checkpoint; None if it was refused with one sentence."""
    out, told = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(told):
        status = main(words(place, checkpoint, engine))
    if status:
        # The package switches progress bars off, unless a test before imported tqdm.
        lines = [line for line in told.getvalue().splitlines() if not line.endswith("it/s]")]
        sentences = [line for line in lines if line]
        assert status == 2 and len(sentences) == 1 and sentences[0].startswith("lethe: ")
        assert not out.getvalue()
        return None
    return [row for result in json.loads(out.getvalue()) for row in result["scores"]]


@pytest.fixture(scope="module")
def whole(place):
    """The scores of the checkpoint before it is damaged, by engine."""
    return {engine: scored(place, place / "checkpoint", engine) for engine in ("fast", "stock")}


def is_refused_as_a_base(checkpoint) -> bool:
    try:
        check_ready_made(checkpoint, "causal")
    except UserError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), SHAPES, ids=IDS)
def test_a_damage_is_one_sentence_or_changes_no_score(place, checkpoint, whole, kind, name):
    CLASSES[kind][name](checkpoint)
    engine = ("fast", "stock")[SHAPES.index((kind, name)) % 2]
    found = scored(place, checkpoint, engine)
    assert found == (whole[engine] if (kind, name) in STILL_WHOLE else None)


OF_FAMILY = {("config", "architectures of another family")}
"""A base must say its family; a score needs none."""
# What only the values of the weights, or a text that is generated, can show.
SEEN_WHEN_SCORED = {
    ("header", "weights that are not numbers"),
    ("header", "infinite weights"),
    ("config", "a negative rotation"),
    ("config", "an encoder-decoder"),
    ("tokenizer", "no words"),
    ("tokenizer", "settings with a length that is a text"),
    ("tokenizer", "settings without masks"),
    ("tokenizer", "ends beyond the weights"),
    ("tokenizer", "generation that returns more"),
    ("tokenizer", "generation by lookup"),
    ("tokenizer", "generation that penalises"),
    ("tokenizer", "generation that contrasts"),
    ("tokenizer", "generation that ends with a text"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), SHAPES, ids=IDS)
def test_a_damage_is_found_out_before_a_base_is_made_of_it(checkpoint, kind, name):
    CLASSES[kind][name](checkpoint)
    if (kind, name) not in SEEN_WHEN_SCORED:
        assert is_refused_as_a_base(checkpoint) == ((kind, name) not in STILL_WHOLE - OF_FAMILY)


@pytest.mark.slow
@pytest.mark.parametrize("value", damaged.WRONG_VALUES)
def test_no_wrong_number_in_a_configuration_breaks_the_scoring(place, tmp_path, value):
    for key in damaged.named_numbers(place / "checkpoint"):
        folder = tmp_path / key
        shutil.copytree(place / "checkpoint", folder)
        damaged.keys("config.json", **{key: damaged.WRONG_VALUES[value]})(folder)
        found = scored(place, folder) or []
        assert all(math.isfinite(row["value"]) for row in found)
        is_refused_as_a_base(folder)


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "vocab_size"])
@pytest.mark.parametrize("value", damaged.WRONG_VALUES)
def test_a_size_that_no_model_can_have_is_refused(place, checkpoint, key, value):
    damaged.keys("config.json", **{key: damaged.WRONG_VALUES[value]})(checkpoint)
    assert scored(place, checkpoint) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("header", "a length of 2^63"),
        ("config", "a million layers"),
        ("config", "quantised"),
        ("config", "a list of the library's own"),
        ("tokenizer", "nothing"),
        ("tokenizer", "a token beyond 32 bits"),
    ],
)
def test_the_sentence_is_all_that_a_command_prints(place, checkpoint, kind, name):
    CLASSES[kind][name](checkpoint)
    command = [sys.executable, "-m", "lethe", *words(place, checkpoint, "fast")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith("lethe: ") and done.stderr.count("\n") == 1


def vouched_for(folder, **record) -> None:
    """Give a folder a manifest that fits its files."""
    record = {"id": folder.name, **record}
    publish(folder, "stage.json", record, [path.name for path in folder.iterdir()])


def test_a_checkpoint_with_a_manifest_is_held_against_it_whatever_its_folder_is_called(
    place, checkpoint, whole
):
    vouched_for(checkpoint, id="elsewhere", spec={"method": "sequential", "hyper": {}})
    assert scored(place, checkpoint) == whole["fast"]
    header, data = damaged.header_of(checkpoint)
    changed = bytes([data[0] ^ 1]) + data[1:]
    damaged.write_header(checkpoint, json.dumps(header).encode(), changed)
    assert scored(place, checkpoint) is None


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"spec": []},
        {"spec": {"method": 5, "hyper": {}}},
        {"spec": {"method": "os", "hyper": {}}},
        {"spec": {"method": "base", "hyper": {}}},
        {"spec": {"method": "..loading", "hyper": {}}},
        {"spec": {"method": "ewc", "hyper": 5}},
        {"spec": {"method": "ewc", "hyper": {"strength": "much"}}},
    ],
    ids=str,
)
def test_a_manifest_that_names_no_method_is_refused(place, checkpoint, record):
    vouched_for(checkpoint, **record)
    assert scored(place, checkpoint) is None


def test_the_sentence_names_file_and_key_and_says_what_to_do(checkpoint):
    damaged.CONFIGS["quantised inside"](checkpoint)
    with pytest.raises(UserError, match=r"config\.json.*`quantization_config`.*convert the"):
        check_ready_made(checkpoint, "causal")
    damaged.keys("config.json", text_config=None, num_hidden_layers=10**6)(checkpoint)
    with pytest.raises(UserError, match=r"config\.json.*`num_hidden_layers`.*from 1 to 21"):
        check_ready_made(checkpoint, "causal")
