"""Files out of packages: found with the user's settings, held against digests, and never run."""

import hashlib
import json
import os
import shutil

import pytest
from small_packages import (
    FILES,
    LICENCE,
    NAME,
    STEM,
    VERSION,
    WHEEL,
    digest,
    make_sdist,
    make_tar,
    make_tarball,
    make_wheel,
    sha256,
)

NOUNS = {"words/nouns.txt": sha256(FILES["words/nouns.txt"])}


def kept(packages) -> dict[str, bytes]:
    """Every file that was kept of a package."""
    files = [path for path in packages.files.rglob("*") if path.is_file()]
    return {str(path.relative_to(packages.files)): path.read_bytes() for path in files}


def serve_npm(server, tarball) -> None:
    """Let a server answer as npm's registry does, with one version of one package."""
    content = tarball.read_bytes()
    where = f"/files/{tarball.name}"
    dist = {
        "tarball": server.address + where,
        "shasum": hashlib.sha1(content).hexdigest(),
    }
    version = {"name": NAME, "version": VERSION, "dist": dist}
    packument = {"name": NAME, "dist-tags": {"latest": VERSION}, "versions": {VERSION: version}}
    server.answers[f"/{NAME}"] = json.dumps(packument).encode()
    server.answers[f"/{NAME}/{VERSION}"] = json.dumps(version).encode()
    server.answers[where] = content


def without_npm(monkeypatch, tmp_path) -> None:
    """A PATH on which there is no npm."""
    monkeypatch.setenv("PATH", str(tmp_path))


def test_the_members_of_a_wheel_are_kept_and_nothing_else(packages, links):
    wheel = make_wheel(links)
    assert packages.fetch(wheel, NOUNS) == 0
    assert kept(packages) == {"words/nouns.txt": FILES["words/nouns.txt"]}
    record = packages.record()
    assert record["licence"] == LICENCE and record["archive"] == WHEEL
    assert record["files"]["files/words/nouns.txt"]["sha256"] == NOUNS["words/nouns.txt"]


def test_a_second_fetch_asks_nobody(packages, links, monkeypatch):
    wheel = make_wheel(links)
    assert packages.fetch(wheel, NOUNS) == 0
    record = packages.record()
    monkeypatch.setattr("lethe.sources.packages.fetch.DOWNLOADS", {})
    assert packages.run("fetch", packages.ids["fetched"]) == 0
    assert packages.record() == record


def test_a_folder_of_an_sdist_is_kept_whole_and_its_setup_is_not_run(packages, links, tmp_path):
    mark = tmp_path / "mark"
    sdist = make_sdist(links, mark)
    assert packages.fetch(sdist, {"words": None}, "sdist") == 0
    assert kept(packages) == FILES and not mark.exists()
    assert packages.record()["licence"] == LICENCE


@pytest.mark.parametrize("place", ["file", "http"])
def test_the_sdist_with_the_digest_is_taken_from_an_index(
    packages, tmp_path, server, monkeypatch, place
):
    folder = tmp_path / "index" / NAME
    sdist = make_sdist(folder, tmp_path / "mark")
    other = make_tar(folder / f"{NAME}-{VERSION}.tar.gz", {f"{STEM}/other": b"other"})
    page = "".join(
        f'<a href="../{NAME}/{path.name}#sha256={digest(path)}">{path.name}</a>'
        for path in (other, sdist)
    )
    (folder / "index.html").write_text(page)
    server.answers[f"/simple/{NAME}/"] = f"<html>{page}</html>".encode()
    server.answers[f"/simple/{NAME}/{sdist.name}"] = sdist.read_bytes()
    at = {"file": folder.parent.as_uri(), "http": f"{server.address}/simple"}
    monkeypatch.setenv("PIP_INDEX_URL", at[place])
    assert packages.fetch(sdist, NOUNS, "sdist") == 0
    assert kept(packages) == {"words/nouns.txt": FILES["words/nouns.txt"]}


def test_a_tarball_comes_from_the_registry_of_the_users_settings(
    packages, tmp_path, server, monkeypatch
):
    without_npm(monkeypatch, tmp_path)
    tarball = make_tarball(tmp_path, tmp_path / "mark")
    serve_npm(server, tarball)
    monkeypatch.delenv("npm_config_registry")
    host = server.address.removeprefix("http:")
    (tmp_path / "no-npmrc").write_text(f"registry={server.address}/\n{host}/:_authToken=secret\n")
    assert packages.fetch(tarball, {"words": None}, "tarball") == 0
    assert kept(packages) == FILES and packages.record()["licence"] == LICENCE
    assert {login for _, login in server.asked} == {"Bearer secret"}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_fetches_a_tarball_and_runs_none_of_its_scripts(
    packages, tmp_path, server, monkeypatch
):
    tarball = make_tarball(tmp_path, mark := tmp_path / "mark")
    serve_npm(server, tarball)
    monkeypatch.setenv("npm_config_registry", server.address)
    assert packages.fetch(tarball, NOUNS, "tarball") == 0
    assert kept(packages) == {"words/nouns.txt": FILES["words/nouns.txt"]} and not mark.exists()


def test_a_fetch_that_was_stopped_leaves_nothing_half_made_and_downloads_nothing_twice(
    packages, links, monkeypatch
):
    wheel = make_wheel(links)

    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lethe.sources.packages.fetch.licence_of", stop)
        assert packages.fetch(wheel, NOUNS) == 130
    assert not packages.files.exists()
    with monkeypatch.context() as patch:
        patch.setattr("lethe.sources.packages.fetch.DOWNLOADS", {})
        assert packages.run("fetch", packages.ids["fetched"]) == 0
    assert kept(packages) == {"words/nouns.txt": FILES["words/nouns.txt"]}
    work = packages.results / "work" / packages.ids["fetched"]
    assert os.listdir(work) == ["lock"]


def test_half_an_archive_is_not_taken_for_a_whole_one(packages, links):
    wheel = make_wheel(links)
    assert packages.fetch(wheel, {"none.txt": None}) == 2
    left = packages.results / "work" / packages.ids["fetched"] / "archive" / WHEEL
    left.write_bytes(left.read_bytes()[:-9])
    assert packages.fetch(wheel, NOUNS) == 0


def test_files_that_were_altered_are_fetched_again(packages, links):
    wheel = make_wheel(links)
    assert packages.fetch(wheel, NOUNS) == 0
    (packages.files / "words/nouns.txt").write_text("altered")
    assert packages.run("fetch", packages.ids["fetched"]) == 0
    assert kept(packages) == {"words/nouns.txt": FILES["words/nouns.txt"]}
