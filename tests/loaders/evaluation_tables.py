"""Small repositories with the exact columns of the evaluation sets, one entry a source.

`REPOSITORIES` must have an entry for every source of the probes of the paper's study;
`test_evaluation_sets.py` checks that.
"""

import random
from collections.abc import Callable
from pathlib import Path

import yaml
from evaluation_world import sentence
from raw_tables import write_parquet

ROWS = 6


def write_repository(folder: Path, configurations: dict[str, dict[str, list[dict]]]) -> None:
    """A dataset repository: parquet files, and the README that says which are which."""
    listed = []
    for name, splits in configurations.items():
        files = []
        for split, rows in splits.items():
            path = f"{name}/{split}-00000-of-00001.parquet"
            write_parquet(folder / path, rows)
            files.append({"split": split, "path": f"{name}/{split}-*"})
        listed.append({"config_name": name, "data_files": files})
    text = yaml.safe_dump({"configs": listed}, sort_keys=False)
    (folder / "README.md").write_text(f"---\n{text}---\n# A small copy\n", encoding="utf-8")


def many(make: Callable[[random.Random, int], dict], seed: int = 0) -> list[dict]:
    draw = random.Random(seed)
    return [make(draw, number) for number in range(ROWS)]


def mmlu(folder: Path) -> None:
    """cais/mmlu: a configuration a subject; dev has five rows."""
    from lethe.evaluation.lookup import members
    from lethe.evaluation.specification import EvalTask

    def row(draw, number):
        choices = [sentence(draw, 2 + k) for k in range(4)]
        question = sentence(draw, 6)
        return {"question": question, "subject": "", "choices": choices, "answer": number % 4}

    subjects = [task.name.removeprefix("mmlu_") for task in members(EvalTask("mmlu", None))]
    configurations = {}
    for place, subject in enumerate(subjects):
        size = 2 + place % 3
        rows = [{**one, "subject": subject} for one in many(row, place)]
        splits = {"test": rows[:size], "validation": rows[:1], "dev": rows[-5:]}
        configurations[subject] = splits
    write_repository(folder, configurations)


def hellaswag(folder: Path) -> None:
    """Rowan/hellaswag."""

    def row(draw, number):
        context = [sentence(draw, 5), sentence(draw, 3)]
        return {
            "ind": number,
            "activity_label": "Baking",
            "ctx_a": context[0],
            "ctx_b": context[1],
            "ctx": " ".join(context),
            "endings": [sentence(draw, 4) for _ in range(4)],
            "source_id": f"activitynet~v_{number // 2}",
            "split": "val",
            "split_type": "indomain",
            "label": str(number % 4),
        }

    write_repository(folder, {"default": {"train": many(row, 1), "validation": many(row)}})


def super_glue(folder: Path) -> None:
    """aps/super_glue, configuration boolq."""

    def row(draw, number):
        passage = sentence(draw, 12)
        return {
            "question": sentence(draw, 4),
            "passage": passage,
            "idx": number,
            "label": number % 2,
        }

    splits = {"train": many(row, 1), "validation": many(row), "test": many(row, 2)}
    write_repository(folder, {"boolq": splits})


def winogrande(folder: Path) -> None:
    """allenai/winogrande, configuration winogrande_xl."""

    def row(draw, number):
        return {
            "sentence": f"{sentence(draw, 4)} _ {sentence(draw, 3)}",
            "option1": sentence(draw, 1),
            "option2": sentence(draw, 1),
            "answer": str(1 + number % 2),
        }

    splits = {"train": many(row, 1), "validation": many(row)}
    write_repository(folder, {"winogrande_xl": splits})


def piqa(folder: Path) -> None:
    """baber/piqa."""

    def row(draw, number):
        return {
            "goal": sentence(draw, 5),
            "sol1": sentence(draw, 4),
            "sol2": sentence(draw, 5),
            "label": number % 2,
        }

    write_repository(folder, {"default": {"train": many(row, 1), "validation": many(row)}})


def math_qa(folder: Path) -> None:
    """regisss/math_qa."""

    def row(draw, number):
        options = " , ".join(f"{letter} ) {draw.randrange(90)}" for letter in "abcde")
        return {
            "Problem": sentence(draw, 7),
            "Rationale": sentence(draw, 3),
            "options": options,
            "correct": "abcde"[number % 5],
            "annotated_formula": "add(n0,n1)",
            "linear_formula": "add(n0,n1)|",
            "category": "general",
        }

    splits = {split: many(row, k) for k, split in enumerate(("test", "train", "validation"))}
    write_repository(folder, {"default": splits})


def mutual(folder: Path) -> None:
    """lighteval/mutual_harness, configuration mutual."""

    def row(draw, number):
        return {
            "answers": "ABCD"[number % 4],
            "options": [f"m : {sentence(draw, 4)} ." for _ in range(4)],
            "article": f"f : {sentence(draw, 5)} ? m : {sentence(draw, 4)} .",
            "id": f"dev_{number}",
        }

    splits = {"train": many(row, 1), "validation": many(row)}
    write_repository(folder, {"mutual": splits, "mutual_plus": splits})


def problem(draw: random.Random, number: int) -> dict:
    return {
        "question": sentence(draw, 4) + " ?",
        "answer": "ABCD"[number % 4],
        "options": [sentence(draw, 3) for _ in range(4)],
    }


def race(folder: Path) -> None:
    """EleutherAI/race, configuration high: the problems of a passage are a list as text."""

    def row(draw, number):
        problems = [problem(draw, number + k) for k in range(1 + number % 3)]
        return {"article": sentence(draw, 15), "problems": str(problems)}

    write_repository(folder, {"high": {"test": many(row)}})


def race_rows(folder: Path) -> None:
    """ehovy/race, configuration middle: a row a question."""
    draw = random.Random(0)
    rows = []
    for number in range(ROWS):
        passage = {"example_id": f"middle{number}.txt", "article": sentence(draw, 15)}
        rows += [{**passage, **problem(draw, number + k)} for k in range(1 + number % 3)]
    columns = ("example_id", "article", "answer", "question", "options")
    rows = [{column: row[column] for column in columns} for row in rows]
    write_repository(folder, {"middle": {"test": rows, "train": rows, "validation": rows}})


def crows_pairs(folder: Path) -> None:
    """jannalu/crows_pairs_multilingual, configuration english."""

    def row(draw, number):
        return {
            "sent_more": sentence(draw, 7),
            "sent_less": sentence(draw, 7),
            "stereo_antistereo": "stereo",
            "bias_type": ("age", "race-color", "physical-appearance")[number % 3],
        }

    write_repository(folder, {"english": {"test": many(row)}, "french": {"test": many(row, 1)}})


REPOSITORIES: dict[str, Callable[[Path], None]] = {
    "mmlu": mmlu,
    "hellaswag": hellaswag,
    "super_glue": super_glue,
    "winogrande": winogrande,
    "piqa": piqa,
    "math_qa": math_qa,
    "mutual": mutual,
    "race": race,
    "race_rows": race_rows,
    "crows_pairs": crows_pairs,
}
