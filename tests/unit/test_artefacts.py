"""Artefacts are whole or absent, and reading them verifies them."""

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lethe.artefacts import files as artefacts
from lethe.artefacts.faults import KILLED, POINTS
from lethe.artefacts.files import (
    atomic_path,
    digest,
    file_entry,
    read_json,
    write_atomic,
    write_json,
)
from lethe.artefacts.manifests import check_of, publish, verify
from lethe.errors import UserError

WORKFLOW = Path(__file__).parents[2] / "workflow"

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def run_python(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=WORKFLOW,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("artefacts")


@given(JSON)
@settings(deadline=None, max_examples=50)
def test_json_comes_back_as_it_went(folder, value):
    path = folder / "deep" / "value.json"
    write_json(path, value)
    assert read_json(path) == value


@given(JSON, st.data())
@settings(deadline=None, max_examples=50)
def test_json_cut_anywhere_is_a_sentence_that_names_the_file(folder, value, data):
    whole = json.dumps({"key": value}).encode()
    path = folder / "cut.json"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(UserError, match="cut.json"):
        read_json(path)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}',
        "[Infinity]",
        "[-Infinity]",
        "[1e999]",
        '{"a": 1, "a": 2}',
        '{"a":1}1}',
        "",
        "[" * 100_000,
        "[" + "9" * 5000 + "]",
    ],
)
def test_json_that_is_not_strict_is_refused(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(UserError, match="bad.json"):
        read_json(tmp_path / "bad.json")


def test_json_that_is_not_utf8_or_missing_is_refused(tmp_path):
    (tmp_path / "bytes.json").write_bytes(b'{"a": "\xff"}')
    for name in ("bytes.json", "absent.json"):
        with pytest.raises(UserError, match=name):
            read_json(tmp_path / name)


def test_nan_is_never_written_and_the_old_file_stays(tmp_path):
    write_json(tmp_path / "a.json", {"old": 1})
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"new": float("nan")})
    assert read_json(tmp_path / "a.json") == {"old": 1}


def test_the_digest_ignores_order_and_blanks_but_no_value():
    assert digest({"a": 1, "b": [1.5, None]}) == digest({"b": [1.5, None], "a": 1})
    assert len({digest(v) for v in ({}, [], 1, 1.0, "1", True, None, {"a": 1}, {"a": "1"})}) == 9


def test_the_digest_of_a_known_value_is_the_sha256_of_its_canonical_text():
    text = '{"a":[0.1,1e-05,"\\u00e9"],"b":null}'
    value = {"b": None, "a": [0.1, 1e-5, "é"]}
    assert digest(value) == hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_refuses_what_json_would_blur():
    with pytest.raises(TypeError):
        digest({"a": [{1: 2}]})
    with pytest.raises(ValueError):
        digest([float("inf")])


def test_an_error_while_writing_leaves_the_old_file_and_no_other(tmp_path):
    write_atomic(tmp_path / "f", "old")
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "f") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "f").read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_full_or_closed_disk_is_a_sentence_and_leaves_the_old_file(
    tmp_path, monkeypatch, number, place
):
    write_atomic(tmp_path / "f", "old")

    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(artefacts.os, place, fail)
        with pytest.raises(UserError, match=f"cannot write {tmp_path / 'f'}"):
            write_atomic(tmp_path / "f", "new")
    assert (tmp_path / "f").read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


def test_a_full_disk_reported_by_safetensors_is_the_same_sentence(tmp_path):
    with pytest.raises(UserError, match="no space"), atomic_path(tmp_path / "w"):
        raise Exception("Error while serializing: I/O error: No space left (os error 28)")


def test_an_error_about_another_file_is_not_blamed_on_this_one(tmp_path):
    with pytest.raises(PermissionError), atomic_path(tmp_path / "f"):
        raise PermissionError(errno.EACCES, "denied", "/somewhere/else")


def test_a_folder_in_the_way_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="a part of the path is a file"):
        write_atomic(tmp_path / "file" / "below", "x")


def test_a_folder_that_the_system_does_not_make_is_a_sentence():
    with pytest.raises(UserError, match="cannot write /proc/x/f: No such file or directory"):
        write_atomic("/proc/x/f", "x")


WRITE = (
    "import sys; from pathlib import Path; from lethe.artefacts.files import *\n"
    "from lethe.artefacts.manifests import *\n"
    "d = Path(sys.argv[1]); new = sys.argv[2]\n"
    "write_atomic(d / 'a', new); write_atomic(d / 'b', new)\n"
    "publish(d, 'm.json', {'of': new}, ['a', 'b'])\n"
)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_killed_at_any_point_no_half_file_is_visible_and_a_rerun_is_whole(tmp_path, point, count):
    big = "new" * 10_000
    write_atomic(tmp_path / "a", "old")
    died = run_python(WRITE, str(tmp_path), big, LETHE_FAULT=f"{point}:{count}")
    passed_once = point in ("publish", "published")
    assert died.returncode == (0 if passed_once and count > 1 else KILLED)
    assert (tmp_path / "a").read_text() in ("old", big)
    if (tmp_path / "m.json").exists():
        verify(tmp_path, "m.json")
    assert run_python(WRITE, str(tmp_path), big).returncode == 0
    assert verify(tmp_path, "m.json")["of"] == big
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "m.json"]


def published(folder: Path) -> dict:
    write_atomic(folder / "weights", bytes(range(256)))
    write_atomic(folder / "sub" / "config", "{}")
    return publish(folder, "stage.json", {"spec": {"seed": 1}}, ["weights", "sub/config"])


def test_a_manifest_names_size_and_sha256_of_every_file(tmp_path):
    manifest = published(tmp_path)
    assert verify(tmp_path, "stage.json") == manifest == read_json(tmp_path / "stage.json")
    assert manifest["spec"] == {"seed": 1}
    assert manifest["files"]["weights"] == file_entry(tmp_path / "weights")
    assert manifest["files"]["weights"]["size"] == 256


@given(place=st.integers(0, 255), cut=st.integers(0, 255))
@settings(deadline=None, max_examples=20)
def test_a_flipped_byte_or_a_cut_is_found_and_the_file_named(tmp_path_factory, place, cut):
    folder = tmp_path_factory.mktemp("altered")
    published(folder)
    whole = (folder / "weights").read_bytes()
    flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    for altered, words in ((flipped, "sha256"), (whole[:cut], f"found {cut}")):
        (folder / "weights").write_bytes(altered)
        with pytest.raises(UserError, match=f"weights.*{words}"):
            verify(folder, "stage.json")
        verify(folder, "stage.json", only=["sub/config"])


def test_removed_weights_say_how_to_get_them_back(tmp_path):
    published(tmp_path)
    (tmp_path / "weights").unlink()
    with pytest.raises(UserError, match="weights: this file was removed.*copy it back"):
        verify(tmp_path, "stage.json")


def write_manifest(path, files):
    """A manifest whose own checksum is right, whatever it lists."""
    manifest = {"id": path.parent.name, "files": files}
    write_json(path, {**manifest, "check": check_of(manifest)})


def test_a_manifest_that_is_none_or_names_files_outside_is_refused(tmp_path):
    write_json(tmp_path / "list.json", [1])
    write_manifest(tmp_path / "out.json", {"../x": {"size": 0, "sha256": ""}})
    write_manifest(tmp_path / "thin.json", {"x": {}})
    write_manifest(tmp_path / "flat.json", {"x": 1})
    write_manifest(tmp_path / "listed.json", ["x"])
    for name in ("list", "thin", "flat", "listed"):
        with pytest.raises(UserError, match="not a manifest"):
            verify(tmp_path, f"{name}.json")
    with pytest.raises(UserError, match="expected the name of a file inside it"):
        verify(tmp_path, "out.json")
    with pytest.raises(UserError, match="lists no file 'y'"):
        verify(tmp_path, "out.json", only=["y"])


def test_a_pipe_in_the_place_of_a_file_is_a_sentence_and_no_wait(tmp_path):
    os.mkfifo(tmp_path / "spec.json")
    with pytest.raises(UserError, match="spec.json: expected a file, found a pipe"):
        read_json(tmp_path / "spec.json")


def test_a_file_that_was_never_written_cannot_be_published(tmp_path):
    with pytest.raises(UserError, match="never written"):
        publish(tmp_path, "stage.json", {}, ["weights"])
    assert not (tmp_path / "stage.json").exists()


def test_two_writers_of_one_file_leave_one_whole_version(tmp_path):
    program = (
        "import sys; from lethe.artefacts.files import *\n"
        "for _ in range(100): write_atomic(sys.argv[1], sys.argv[2] * 5000)"
    )
    path = tmp_path / "f"
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(path), letter], cwd=WORKFLOW)
        for letter in "ab"
    ]
    while any(process.poll() is None for process in running):
        assert not path.exists() or path.read_text() in ("a" * 5000, "b" * 5000)
    assert [process.returncode for process in running] == [0, 0]
    assert os.listdir(tmp_path) == ["f"]
