"""The fingerprint sees what code does, however deep, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lethe.artefacts.fingerprint import _Kept, fingerprint, imported_modules
from lethe.artefacts.rules import RULES
from lethe.errors import UserError

WORKFLOW = Path(__file__).parents[2] / "workflow"

LOOP = '''"""Trains."""

from typing import Any

from lethe.training import schedules


def train(steps: int, rate: float = 0.1) -> Any:
    """Train for some steps."""
    total: float = 0.0
    for step in range(steps):  # one at a time
        total += schedules.warm(step) * rate
    return total
'''

FILES = {
    "__init__.py": '"""The package."""\n',
    "training/__init__.py": "",
    "training/loop.py": LOOP,
    "training/schedules.py": (
        "def warm(step):\n    from . import shapes\n    return shapes.ramp(step)\n"
    ),
    "training/shapes.py": (
        "from lethe.deep.numbers import HALF\n\ndef ramp(x):\n    return x * HALF\n"
    ),
    "deep/__init__.py": "",
    "deep/numbers.py": "HALF = 0.5\n",
    "figures/__init__.py": "",
    "figures/plot.py": "WIDTH = 3\n",
    "registry.py": "import importlib\n\ndef load():\n"
    "    return importlib.import_module('lethe.deep.numbers')\n",
}


class Package:
    """A small package on disk; `edit` gives a fresh folder so that nothing is cached."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.folder, self.files = folder, files
        self.count = 0

    def __call__(self, roots=("lethe.training.loop",), **edits: str) -> str:
        self.count += 1
        root = self.folder / str(self.count)
        for name, text in {**self.files, **edits}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return fingerprint(list(roots), root=root)


@pytest.fixture
def package(tmp_path):
    return Package(tmp_path, FILES)


def edited(old: str, new: str, name: str = "training/loop.py") -> dict[str, str]:
    assert old in FILES[name]
    return {name: FILES[name].replace(old, new)}


@pytest.mark.parametrize(
    "old, new",
    [
        ("# one at a time", "# step by step\n        # and more"),
        ('"""Trains."""', '"""Trains a model."""\n\n\n'),
        ('    """Train for some steps."""\n', ""),
        ("steps: int, rate: float = 0.1) -> Any", "steps, rate: 'Rate' = 0.1) -> float"),
        ("total: float = 0.0", "total = 0.0"),
        ("from typing import Any\n", "from collections.abc import Sized\nfrom typing import Any\n"),
        ("range(steps)", "range(\n        steps,\n    )"),
        (
            "from typing import Any\n",
            "from typing import TYPE_CHECKING, Any\n"
            "if TYPE_CHECKING:\n    from lethe.figures import plot\n",
        ),
    ],
)
def test_comments_docstrings_annotations_and_layout_do_not_count(package, old, new):
    assert package() == package(**edited(old, new))


@pytest.mark.parametrize(
    "old, new, name",
    [
        ("rate: float = 0.1", "rate: float = 0.2", "training/loop.py"),
        ("total += ", "total -= ", "training/loop.py"),
        ("x * HALF", "x / HALF", "training/shapes.py"),
        ("0.5", "0.25", "deep/numbers.py"),
        ('"""The package."""', "import os\nos.environ['A'] = '1'", "__init__.py"),
    ],
)
def test_a_real_change_counts_however_deep_it_lies(package, old, new, name):
    assert package() != package(**edited(old, new, name))


def test_a_module_that_is_not_imported_does_not_count(package):
    assert package() == package(**edited("3", "4", "figures/plot.py"))


def test_a_module_named_in_import_module_counts(package):
    roots = ["lethe.registry"]
    assert package(roots) != package(roots, **edited("0.5", "1.5", "deep/numbers.py"))


def test_every_way_of_importing_is_followed(package):
    package()
    assert imported_modules(["lethe.training.loop"], root=package.folder / "1") == [
        "lethe",
        "lethe.deep",
        "lethe.deep.numbers",
        "lethe.training",
        "lethe.training.loop",
        "lethe.training.schedules",
        "lethe.training.shapes",
    ]


def test_a_fields_annotation_counts_only_where_a_class_reads_it(package):
    def code(head: str, annotation: str) -> str:
        text = f"from x import *\n\n{head}\n    a: {annotation}\n    b: int = 3\n"
        return package(["lethe.registry"], **{"registry.py": text})

    model, frozen = "class A(BaseModel):", "@dataclass(frozen=True)\nclass A:"
    assert code(model, "int") != code(model, "str")
    assert code(frozen, "int") == code(frozen, "str")
    assert code(frozen, "int") != code(frozen, "ClassVar[int]")
    assert code("class A:", "int") == code("class A:", "str")


def test_a_dataclass_field_without_a_value_counts(package):
    def code(fields: str) -> str:
        text = f"from x import *\n\n@dataclass\nclass A:\n{fields}"
        return package(["lethe.registry"], **{"registry.py": text})

    assert code("    a: int\n") != code("    a: int\n    b: int\n")


def test_the_second_reading_comes_from_what_was_kept_and_is_equal(package):
    first = package()
    root = package.folder / "1"
    assert (root / "__pycache__" / "fingerprints.json").is_file()
    (root / "__pycache__" / "fingerprints.json").write_text('{"made_by": "')
    assert package() == first


@pytest.mark.parametrize(
    "entries",
    [5, [], {"a": 5}, {"a": ["x"]}, {"a": [5, []]}, {"a": ["x", "y"]}, {"a": ["x", [5]]}, None],
    ids=str,
)
def test_what_was_kept_in_another_form_is_not_used(tmp_path, entries):
    kept = _Kept(tmp_path)
    kept.path.parent.mkdir()
    kept.path.write_text(json.dumps({"made_by": kept.own, "entries": {"a": ["x", ["y"]]}}))
    assert _Kept(tmp_path).entries == {"a": ["x", ["y"]]}
    kept.path.write_text(json.dumps({"made_by": kept.own, "entries": entries}))
    assert _Kept(tmp_path).entries == {}
    kept.path.write_text("[" * 100_000)
    assert _Kept(tmp_path).entries == {}


def test_an_unknown_module_and_broken_code_are_sentences(package):
    with pytest.raises(UserError, match="lethe.nothing is not a module"):
        package(["lethe.nothing"])
    with pytest.raises(UserError, match="shapes.py: not valid Python"):
        package(**{"training/shapes.py": "def ramp(:\n"})


def test_a_library_version_counts():
    roots = ["lethe.errors"]
    plain = fingerprint(roots)
    assert plain == fingerprint(roots) != fingerprint(roots, versions=("numpy",))
    with pytest.raises(UserError, match="no-such-library is not installed"):
        fingerprint(roots, versions=("no-such-library",))


def test_taking_a_fingerprint_imports_none_of_the_modules():
    program = (
        "import sys; from lethe.artefacts.fingerprint import *; "
        "fingerprint(['lethe.training', 'lethe.evaluation'], LIBRARIES); "
        "print(sorted({'torch', 'transformers', 'lethe.training'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=WORKFLOW, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", ["base", "stage", "probe", "data"])
def test_a_new_key_of_the_configuration_retrains_and_rescores_nothing(kind):
    # Reading scores of elsewhere is reading what the configuration says of them.
    ways = RULES[kind].code.keys() - {"imported"}
    for code in (RULES[kind].code[way] for way in ways):
        covered = set(imported_modules([name for name in code.modules if "{" not in name]))
        assert covered
        assert not any(name.startswith(("lethe.config", "lethe.planning")) for name in covered)


def test_what_a_job_asks_of_a_cluster_retrains_and_rescores_nothing(package):
    loop = "import lethe.artefacts.rules\n" + LOOP
    texts = {"artefacts/__init__.py": "", "training/loop.py": loop}
    before = package(**texts, **{"artefacts/rules.py": "MEMORY = 2000"})
    assert package(**texts, **{"artefacts/rules.py": "MEMORY = 4000"}) == before
