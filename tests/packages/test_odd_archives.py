"""Archives of an odd kind: one sentence each, and nothing is written outside of their folder."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
from pathlib import Path

import pytest
from small_packages import FILES, STEM, make_sdist, make_tar, make_wheel, make_zip

from lethe.errors import UserError
from lethe.sources.packages.archives import keep_members, licence_of, opened


def unpacked(path: Path, folder: Path, members=("words",)) -> dict[str, int]:
    with opened(path) as archive:
        licence_of(archive)
        return keep_members(archive, dict.fromkeys(members), folder)


KINDS = {
    "a hard link": tarfile.LNKTYPE,
    "a symbolic link": tarfile.SYMTYPE,
    "a device of characters": tarfile.CHRTYPE,
    "a device of blocks": tarfile.BLKTYPE,
    "a pipe": tarfile.FIFOTYPE,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_not_unpacked_wherever_it_lies(tmp_path, kind):
    path = tmp_path / "a.tgz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("package/elsewhere/b")
        info.type, info.linkname = KINDS[kind], "../words/a.txt"
        archive.addfile(info)
        archive.addfile(tarfile.TarInfo("package/words/a.txt"), io.BytesIO())
    with pytest.raises(UserError, match="found a link or a device, 'package/elsewhere/b'"):
        unpacked(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("order", [1, -1])
def test_a_name_that_is_a_file_and_a_folder_is_refused(tmp_path, order):
    names = ["words/a", "words/a/b.txt"][::order]
    archives = [
        make_zip(tmp_path / "small.whl", dict.fromkeys(names, b"x")),
        make_tar(tmp_path / "a.tgz", {f"package/{name}": b"x" for name in names}),
    ]
    for archive in archives:
        with pytest.raises(UserError, match="holds 'words/a' as a file and as a folder"):
            unpacked(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_that_differ_in_capitals_are_both_kept(tmp_path):
    files = {"words/a.txt": b"small", "words/A.txt": b"large"}
    unpacked(make_zip(tmp_path / "small.whl", files), tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in files} == files


def test_a_disk_that_takes_two_names_for_one_is_named_and_no_file_is_replaced(tmp_path):
    # So it looks to the second file where capitals do not count.
    first = tmp_path / "out" / "words" / "nouns.txt"
    first.parent.mkdir(parents=True)
    first.write_bytes(b"the first")
    with pytest.raises(UserError, match=r"words/nouns.txt in .* takes this name for .*`output`"):
        unpacked(make_wheel(tmp_path), tmp_path / "out")
    assert first.read_bytes() == b"the first"


def test_a_file_that_is_not_as_large_as_it_says_is_not_kept(tmp_path):
    path = make_wheel(tmp_path)
    content = path.read_bytes()
    size, more = (len(FILES["words/nouns.txt"]) + by for by in (0, 9))
    at = content.index(b"words/nouns.txt", content.index(b"PK\x01\x02")) - 22
    assert content[at : at + 4] == size.to_bytes(4, "little")
    path.write_bytes(content[:at] + more.to_bytes(4, "little") + content[at + 4 :])
    with pytest.raises(UserError, match="words/nouns.txt has 12 bytes, and not 21"):
        unpacked(path, tmp_path / "out")


def test_a_name_in_another_encoding_is_refused_if_it_is_to_be_kept(packages, links, refused):
    path = links / f"{STEM}.tar.gz"
    with tarfile.open(path, "w:gz", encoding="latin-1", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("words/caf\xe9.txt", "other/a.txt"):
            archive.addfile(tarfile.TarInfo(f"{STEM}/{name}"), io.BytesIO())
    refused(packages.fetch(path, {"words": None}, "sdist"), "caf", "names in UTF-8", "`members`")
    assert not packages.files.exists()
    assert packages.fetch(path, {"other": None}, "sdist") == 0


PACKED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "no": bytes}


@pytest.mark.parametrize("kind", ["zip", *PACKED])
def test_bytes_changed_at_random_are_a_sentence_or_make_no_difference(tmp_path, kind):
    draw = random.Random(kind)
    if kind == "zip":
        whole = make_wheel(tmp_path).read_bytes()
    else:
        sdist = make_sdist(tmp_path, tmp_path / "mark").read_bytes()
        whole = PACKED[kind](gzip.decompress(sdist))
    path = tmp_path / ("a.whl" if kind == "zip" else f"{STEM}.tar.{kind}")
    refused = 0
    for number in range(400):
        changed = bytearray(whole)
        for _ in range(draw.choice([1, 1, 2, 8])):
            place = draw.randrange(len(changed))
            if draw.random() < 0.8:
                changed[place] = draw.choice([0, 128, 255, draw.randrange(256)])
            else:
                changed = changed[: place + 1]
        path.write_bytes(changed)
        try:
            unpacked(path, tmp_path / f"out-{number}")
        except UserError as error:
            refused += 1
            assert path.name in str(error)
    assert refused > 20
    assert {entry.name.split("-")[0] for entry in tmp_path.iterdir() if entry.is_dir()} <= {"out"}
