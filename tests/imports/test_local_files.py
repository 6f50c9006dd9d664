"""A large file is hashed once for as long as it stays as it is, by whatever process."""

import hashlib
import os

import pytest

from lethe.artefacts import local_files
from lethe.artefacts.local_files import file_digest


@pytest.fixture
def hashed(monkeypatch, tmp_path) -> list[str]:
    """The files hashed; every file counts as large, and the memory is the test's own."""
    found = []
    read = local_files.sha256_file
    monkeypatch.setattr(local_files, "sha256_file", lambda path: found.append(path) or read(path))
    monkeypatch.setattr(local_files, "LARGE", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return found


def digest_in_a_new_process(path) -> str:
    local_files._digest_of.cache_clear()
    return file_digest(str(path), "here")


def test_an_unchanged_file_is_hashed_once(hashed, tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    for _ in range(3):
        assert digest_in_a_new_process(path) == hashlib.sha256(b"one").hexdigest()
    assert len(hashed) == 1


def test_a_change_is_seen_even_where_size_and_time_are_put_back(hashed, tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    digest_in_a_new_process(path)
    before = os.stat(path)
    while os.stat(path).st_ctime_ns == before.st_ctime_ns:
        path.write_bytes(b"two")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert digest_in_a_new_process(path) == hashlib.sha256(b"two").hexdigest()


def test_a_cache_folder_by_a_relative_path_is_not_made_where_one_works(
    hashed, tmp_path, monkeypatch
):
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    digest_in_a_new_process(path)
    assert not (tmp_path / "relative").exists()
    assert len(list((tmp_path / "home" / ".cache" / "lethe").iterdir())) == 1


def test_a_memory_that_cannot_be_written_or_is_cut_changes_no_digest(hashed, tmp_path, monkeypatch):
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    right = digest_in_a_new_process(path)
    for file in (tmp_path / "cache" / "lethe").iterdir():
        for garbage in (b"cut", b"z" * 64, b"\xff" * 64, b"\0" * 64, b""):
            file.write_bytes(garbage)
            assert digest_in_a_new_process(path) == right
        file.unlink()
        file.mkdir()
        assert digest_in_a_new_process(path) == right
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    assert digest_in_a_new_process(path) == right
