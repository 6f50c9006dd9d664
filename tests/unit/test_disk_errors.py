"""Whatever a disk answers is one sentence that names the file, and a rerun heals."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from small_nodes import make_nodes, stage_spec
from synthetic_study import Synthetic, long_tables, synthetic_study

from lethe import cli
from lethe.artefacts import files as artefacts
from lethe.artefacts.disk_errors import DISK_ERRORS, OF_SOCKETS
from lethe.artefacts.files import digest, read_json, write_atomic, write_json
from lethe.artefacts.jsonlines import read_rows
from lethe.artefacts.manifests import verify
from lethe.artefacts.strict_yaml import read_yaml
from lethe.errors import UserError
from lethe.imported.result_file import read_result_file
from lethe.longtables.tables import write_metrics, write_scores

WORKFLOW = Path(__file__).parents[2] / "workflow"


def failing(number, filename=None):
    def fail(*arguments, **keys):
        raise OSError(number, os.strerror(number), filename)

    return fail


@pytest.mark.parametrize("number", DISK_ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_write_that_the_disk_refuses_names_the_file_and_leaves_the_old_one(
    tmp_path, monkeypatch, number, place
):
    write_atomic(tmp_path / "f", "old")
    with monkeypatch.context() as patch:
        patch.setattr(artefacts.os, place, failing(number))
        with pytest.raises(UserError, match="cannot write .*/f: .*; fix this and run again"):
            write_atomic(tmp_path / "f", "new")
    assert (tmp_path / "f").read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("number", DISK_ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize(
    "read",
    [read_json, read_rows, read_yaml, lambda path: read_result_file(path, "results")],
    ids=["json", "jsonl", "yaml", "results"],
)
def test_a_read_that_the_disk_refuses_names_the_file_and_the_reason(
    tmp_path, monkeypatch, number, read
):
    path = tmp_path / "f.json"
    path.write_text("{}")
    with monkeypatch.context() as patch:
        patch.setattr("io.open", failing(number, str(path)))
        patch.setattr("builtins.open", failing(number, str(path)))
        with pytest.raises(UserError, match="f.json") as caught:
            read(path)
    assert DISK_ERRORS[number] in str(caught.value)


def refused(monkeypatch, capsys, error):
    """What the command line prints when a verb raises."""

    def run(arguments):
        raise error

    monkeypatch.setattr("lethe.commands.where.run", run)
    assert cli.main(["where"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("lethe: cannot ") and printed.count("\n") == 1
    return printed


@pytest.mark.parametrize("number", DISK_ERRORS, ids=errno.errorcode.get)
def test_what_a_library_reads_is_a_sentence_of_the_command_line(monkeypatch, capsys, number):
    printed = refused(monkeypatch, capsys, OSError(number, os.strerror(number), "a/b.parquet"))
    assert "a/b.parquet: " + DISK_ERRORS[number] in printed


def test_a_disk_error_inside_a_librarys_own_error_is_found(monkeypatch, capsys):
    wrapped = RuntimeError("generation failed")
    wrapped.__cause__ = OSError(errno.EIO, "Input/output error", "x.arrow")
    assert "x.arrow: the disk cannot be read" in refused(monkeypatch, capsys, wrapped)
    torch = RuntimeError("unable to open file <x>: Too many open files (24)")
    assert "too many open files" in refused(monkeypatch, capsys, torch)
    full = FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")
    assert "set TMPDIR" in refused(monkeypatch, capsys, full)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "x"),
        ValueError("a mistake of ours"),
        *(OSError(number, os.strerror(number)) for number in OF_SOCKETS),
    ],
    ids=str,
)
def test_what_no_disk_answers_keeps_its_traceback(monkeypatch, error):
    def run(arguments):
        raise error

    monkeypatch.setattr("lethe.commands.where.run", run)
    with pytest.raises(type(error)):
        cli.main(["where"])


@pytest.mark.parametrize("arguments", [[], ["check", "config/test-nano.yaml"]])
def test_output_that_cannot_be_written_is_no_success(arguments):
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW), "PYTHONUNBUFFERED": ""}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lethe", *arguments],
            cwd=WORKFLOW.parent, env=environment, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("lethe: ") and "no space is left" in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_need_not_be_durable_is_whole_or_absent_and_spares_the_waits(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(artefacts, "sync", synced.append)
    write_atomic(tmp_path / "spec.json", "1", durable=False)
    assert read_json(tmp_path / "spec.json") == 1 and synced == []
    monkeypatch.setattr(artefacts.os, "replace", failing(errno.ENOSPC))
    with pytest.raises(UserError, match="no space"):
        write_atomic(tmp_path / "spec.json", "2", durable=False)
    assert read_json(tmp_path / "spec.json") == 1
    assert os.listdir(tmp_path) == ["spec.json"]


def test_what_killed_processes_left_beside_files_that_need_not_be_durable_is_removed(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    host = os.uname().nodename
    left = tmp_path / f".other.json.{host}.{gone.pid}.tmp"
    alive = tmp_path / f".other.json.{host}.{os.getppid()}.tmp"
    for path in (left, alive):
        path.touch()
    write_atomic(tmp_path / "spec.json", "{}", durable=False)
    assert sorted(os.listdir(tmp_path)) == sorted([alive.name, "spec.json"])


def lethe(folder, *arguments, kind=None, most=0):
    """Run a verb in a process with a limit: (exit status, what it printed on stderr)."""

    def limit():
        if kind is not None:
            resource.setrlimit(kind, (most, most))

    done = subprocess.run(
        [sys.executable, "-m", "lethe", *map(str, arguments)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(WORKFLOW)}, preexec_fn=limit,
        capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stderr


LIMITS = [(resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_FSIZE, 500), (resource.RLIMIT_NOFILE, 5)]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "most"), LIMITS)
def test_a_stage_under_a_limit_is_a_sentence_and_a_rerun_heals(tmp_path, kind, most):
    make_nodes(tmp_path / "results")
    spec = stage_spec()
    node = f"one-{digest(spec)[:12]}"
    write_json(tmp_path / "results" / "specs" / f"{node}.json", spec)
    status, printed = lethe(tmp_path, "stage", node, kind=kind, most=most)
    assert status == 2 and printed.splitlines()[-1].startswith("lethe: cannot ")
    assert "Traceback" not in printed and "nothing already computed is lost" in printed
    assert not (tmp_path / "results" / "stages" / node / "stage.json").exists()
    assert not list(tmp_path.rglob("*.tmp"))
    assert lethe(tmp_path, "stage", node)[0] == 0
    verify(tmp_path / "results" / "stages" / node, "stage.json")


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["table", "figure"])
@pytest.mark.parametrize(
    ("kind", "most"), [(resource.RLIMIT_FSIZE, 500), (resource.RLIMIT_NOFILE, 6)]
)
def test_a_table_or_figure_under_a_limit_is_whole_or_a_sentence(tmp_path, verb, kind, most):
    tables = long_tables(*synthetic_study(Synthetic(items=4, sets_an_axis=1)), resamples=5)
    write_scores(tmp_path / "scores.csv", tables.scores)
    write_metrics(tmp_path / "metrics.csv", tables.metrics)
    call = [verb, "fg", "--scores", "scores.csv", "--metrics", "metrics.csv", "--out", "out"]
    status, printed = lethe(tmp_path, *call, kind=kind, most=most)
    assert "Traceback" not in printed
    assert status == 0 or printed.splitlines()[-1].startswith("lethe: cannot ")
    assert not list(tmp_path.rglob("*.tmp"))
    assert lethe(tmp_path, *call)[0] == 0
