"""Packages that cannot be had or trusted: one sentence each, and nothing is left behind."""

import shutil
from collections import namedtuple

import pytest
from small_packages import (
    FILES,
    NAME,
    STEM,
    VERSION,
    make_sdist,
    make_tar,
    make_tarball,
    make_wheel,
    make_zip,
    sha256,
)

from lethe.errors import UserError
from lethe.sources.packages.archives import keep_members, opened
from lethe.sources.packages.npm import _client, npm_settings

NOUNS = {"words/nouns.txt": None}
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def nothing_kept(packages):
    yield
    assert not packages.files.exists()


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
@pytest.mark.usefixtures("nothing_kept")
def test_a_package_that_is_not_served_is_named(packages, links, tmp_path, refused, kind):
    archive = make_wheel(tmp_path / "elsewhere")
    status = packages.fetch(archive, NOUNS, kind)
    refused(status, f"serves no {kind} of {NAME} {VERSION}", "`package`", "pip config list")


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
@pytest.mark.usefixtures("nothing_kept")
def test_an_index_that_does_not_answer_is_a_sentence(packages, tmp_path, refused, kind):
    status = packages.fetch(make_wheel(tmp_path / "elsewhere"), NOUNS, kind)
    refused(status, "reach", "network access")


@pytest.mark.usefixtures("nothing_kept")
def test_a_registry_without_the_package_is_a_sentence(
    packages, tmp_path, server, monkeypatch, refused
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("npm_config_registry", server.address)
    tarball = make_tarball(tmp_path, tmp_path / "mark")
    refused(
        packages.fetch(tarball, NOUNS, "tarball"),
        f"serves no tarball of {NAME} {VERSION}",
        "npm config",
    )
    server.answers[f"/{NAME}/{VERSION}"] = b"[]"
    refused(packages.fetch(tarball, NOUNS, "tarball"), "found something else", "registry")
    monkeypatch.delenv("npm_config_registry")
    refused(packages.fetch(tarball, NOUNS, "tarball"), "install npm", "npm_config_registry")


@pytest.mark.usefixtures("nothing_kept")
def test_an_archive_with_another_digest_is_removed(packages, links, refused):
    wheel = make_wheel(links)
    wanted = sha256(wheel.read_bytes())
    wrong = "0" * 64
    refused(packages.fetch(wheel, NOUNS, sha256=wrong), wanted, "000000000000", "`sha256`")
    work = packages.results / "work" / packages.ids["fetched"]
    assert not [path for path in work.rglob("*") if path.suffix == ".whl"]


@pytest.mark.usefixtures("nothing_kept")
def test_a_member_with_another_digest_is_refused(packages, links, refused):
    status = packages.fetch(make_wheel(links), {"words/nouns.txt": "1" * 64})
    refused(status, "words/nouns.txt", sha256(FILES["words/nouns.txt"]), "`members`")


@pytest.mark.usefixtures("nothing_kept")
def test_a_member_that_is_not_there_is_refused_with_those_that_are(packages, links, refused):
    status = packages.fetch(make_wheel(links), {"words/noun.txt": None})
    refused(status, "'words/noun.txt'", "words/nouns.txt", "`members`")


@pytest.mark.usefixtures("nothing_kept")
def test_the_digest_of_a_folder_is_refused(packages, links, refused):
    refused(packages.fetch(make_wheel(links), {"words": "1" * 64}), "is a folder", "null")


@pytest.mark.usefixtures("nothing_kept")
def test_no_room_on_the_disk_is_said_before_anything_is_written(
    packages, links, refused, monkeypatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(9, 9, 3))
    refused(packages.fetch(make_wheel(links), NOUNS), "GB are free", "`output`")


def unpacked(path, folder) -> dict[str, int]:
    with opened(path) as archive:
        return keep_members(archive, {"words": None}, folder)


HOSTILE = {
    "up": {"words/../../out.txt": b"x"},
    "absolute": {"/words/out.txt": b"x"},
    "backslash": {"words\\..\\out.txt": b"x"},
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_that_leads_out_of_its_folder_is_not_unpacked(tmp_path, name, kind):
    files = {"words/a.txt": b"a", **HOSTILE[name]}
    path = tmp_path / "archive"
    if kind == "zip":
        archive = make_zip(path / "small.whl", files)
    else:
        archive = make_tar(path / "small.tgz", {f"package/{n}": f for n, f in files.items()})
        if name == "absolute":
            archive = make_tar(path / "small.tgz", files)
    with pytest.raises(UserError, match="leads out of it; such an archive is not unpacked"):
        unpacked(archive, tmp_path / "out" / "folder")
    assert not (tmp_path / "out").exists()


def test_links_in_an_archive_are_not_unpacked(tmp_path):
    archive = make_tar(
        tmp_path / "a.tgz", {"package/words/a.txt": b"a"}, {"package/words/b": "/etc/passwd"}
    )
    with pytest.raises(UserError, match="found a link or a device, 'package/words/b'"):
        unpacked(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_files_of_one_name_are_not_unpacked(tmp_path):
    files = {f"{outer}/words/a.txt": outer.encode() for outer in ("package", "other")}
    with pytest.raises(UserError, match="holds 'words/a.txt' twice"):
        unpacked(make_tar(tmp_path / "a.tgz", files), tmp_path / "out")


@pytest.mark.parametrize("cut", [0, 40, 400])
def test_a_damaged_archive_is_a_sentence(tmp_path, cut):
    whole = make_sdist(tmp_path, tmp_path / "mark").read_bytes()
    (tmp_path / f"{STEM}.tar.gz").write_bytes(whole[:cut])
    with pytest.raises(UserError, match="cannot be unpacked"):
        unpacked(tmp_path / f"{STEM}.tar.gz", tmp_path / "out")


def test_a_wheel_with_a_password_is_a_sentence(tmp_path):
    whole = make_wheel(tmp_path).read_bytes()
    # The bit of encryption, in the central directory and before each file.
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        whole = b"".join(
            part if first else mark + part[: place - 4] + b"\x01" + part[place - 3 :]
            for part, first in ((part, not n) for n, part in enumerate(whole.split(mark)))
        )
    (tmp_path / "locked.whl").write_bytes(whole)
    with pytest.raises(UserError, match=r"cannot be unpacked .*password required"):
        unpacked(tmp_path / "locked.whl", tmp_path / "out")


def test_certificates_that_are_not_there_are_named(packages, tmp_path, monkeypatch, refused):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("npm_config_cafile", str(tmp_path / "none.pem"))
    tarball = make_tarball(tmp_path, tmp_path / "mark")
    refused(packages.fetch(tarball, NOUNS, "tarball"), "none.pem", "`cafile`")


@pytest.mark.parametrize(
    ("key", "is_shown"),
    [
        ("//npm.here/:_authToken", True),
        ("//npm.here/team/:_authToken", True),
        ("//npm.here/other/:_authToken", False),
        ("//npm.he/:_authToken", False),
        ("//npm.he:_authToken", False),
    ],
)
def test_a_token_is_shown_to_its_own_registry_alone(tmp_path, monkeypatch, key, is_shown):
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "none"))
    monkeypatch.setenv(f"npm_config_{key}", "secret")
    client = _client("https://npm.here/team", npm_settings())
    assert ("Authorization" in client.session.headers) == is_shown
