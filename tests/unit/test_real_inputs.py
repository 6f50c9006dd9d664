"""Packages of another form than the real data is made from: one sentence about package and file."""

import shutil
from pathlib import Path

import pytest
from real_packages import make_packages, parts_of

from lethe.errors import UserError
from lethe.sources.real.build import read_packages
from lethe.sources.real.packages import Part
from lethe.sources.real.prose import sentences_of

NOUNS, SENSES, ADJECTIVES = "dict/data.noun", "dict/index.sense", "dict/data.adj"
SPEECH, CHAPTER, COUNTRY = "1900_somebody_x.txt", "data/chapter_0.json", "aa.json"
CODE = "functions.py"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    make_packages(folder)
    return folder


def parts_with(whole: Path, folder: Path, part: str, file: str, change) -> dict[str, Part]:
    """The parts, with one file of one package changed.

    change: new bytes, or what makes them from the old ones; None: the file is not there.
    """
    folders = {path.name: path for path in whole.iterdir()}
    folders[part] = folder / "changed"
    shutil.copytree(whole / part, folders[part])
    path = folders[part] / file
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()) if callable(change) else change)
    return parts_of(folders)


def put(old: bytes, new: bytes):
    """A change of one place."""

    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return change


def added(more: bytes):
    return lambda content: content + more


def utf16(content: bytes) -> bytes:
    return content.decode().encode("utf-16")


SYNSET, SENSE, LINKED = (
    "expected a synset of WordNet, found ",
    "expected a sense of WordNet, found ",
    "expected a synset that is in the files of WordNet, found ",
)
WRONG = {
    "wordnet": {
        "a file that is not there": (SENSES, None, "expected files index.sense in"),
        "a table": (NOUNS, b"word,definition\ndog,animal\n", f"line 1: {SYNSET}'word,definition'"),
        "an empty file": (NOUNS, b"", "expected lines of text, found an empty file"),
        "another encoding": (NOUNS, put(b"thing", b"th\xefng"), "text in UTF-8, found bytes that"),
        "wide characters": (NOUNS, utf16, "expected text in UTF-8, found UTF-16 text; save it"),
        "compressed": (NOUNS, b"\x1f\x8b\x08\0\0", "found compressed with gzip; unpack it"),
        "a NUL": (NOUNS, put(b"thing", b"th\0ng"), "found a NUL character"),
        "a huge line": (NOUNS, added(b"x" * 3_000_000), f"line 303: {SYNSET}'xxxx"),
        "no number of a field": (NOUNS, put(b" 05 n", b" xx n"), f"line 3: {SYNSET}'00000002 xx n"),
        "too few links": (NOUNS, put(b" 001 @", b" 99999999 @"), f"line 3: {SYNSET}"),
        "no kind": (NOUNS, put(b"@ 00000001", b"@ 99999999"), f"{LINKED}'99999999' of data.noun"),
        "no opposite": (ADJECTIVES, put(b"! 00005001 a", b"! 00005001 n"), f"line 2: {LINKED}"),
        "no such word": (ADJECTIVES, put(b"a 0101", b"a 0109"), "found the opposite of a word"),
        "no such sense": (SENSES, added(b"x%1:05:00:: 99999999 1 2"), f"{LINKED}'99999999'"),
        "half a sense": (SENSES, added(b"x%1:05:00::"), f"line 382: {SENSE}'x%1:05:00::'"),
        "a sense of no kind": (SENSES, added(b"x%9:05:00:: 00000002 1 2"), SENSE),
        "a sense without a word": (SENSES, added(b"x 00000002 1 2"), SENSE),
    },
    "speeches": {
        "another encoding": (SPEECH, put(b"The", b"Th\xe9"), "expected text in UTF-8, found bytes"),
        "a picture": (SPEECH, bytes(range(256)), "found bytes that are none"),
    },
    "novel": {
        "no text": (CHAPTER, b'{"chapter": 1}', "expected a text under 'text', found null"),
        "a list of texts": (CHAPTER, b'{"text": ["a"]}', "a text under 'text', found ['a']"),
        "a list": (CHAPTER, b"[1]", "expected an object of JSON, found [1]"),
        "lines of JSON": (CHAPTER, b'{"text": "a"}\n{"text": "b"}\n', "another text (Extra data"),
        "half a file": (CHAPTER, lambda content: content[:90], "another text (Unterminated string"),
        "an empty file": (CHAPTER, b"", "expected JSON, found an empty file"),
        "half a character": (CHAPTER, b'{"text": "\\ud800"}', "a text holds half a character"),
        "too deep": (CHAPTER, b"[" * 200_000, "nested too deeply"),
    },
    "countries": {
        "texts for chapters": (COUNTRY, b'{"Introduction": "a"}', "'Introduction', found 'a'"),
        "texts for entries": (
            COUNTRY, b'{"Introduction": {"Background": "a"}}', "'Introduction > Background', found",
        ),
        "a number for a text": (
            COUNTRY, b'{"Economy": {"Economy - overview": {"text": 5}}}', "text', found 5",
        ),
        "a number for a capital": (
            COUNTRY, b'{"Government": {"Capital": {"name": {"text": 5}}}}', "name > text', found 5",
        ),
        "nothing": (COUNTRY, b'{"Introduction": null}', "under 'Introduction', found null"),
    },
    "manual": {
        "an older Python": (CODE, b"print 'a'\n", "a file of Python 3, found another: Mis"),
        "no Python": (CODE, b"def (", "expected a file of Python 3, found another: invalid syntax"),
        "a NUL": (CODE, b"a = 1\0", "expected a file of Python 3, found another: source code"),
        "too deep": (CODE, b"a = " + b"-" * 100_000 + b"1", "found one nested too deeply"),
        "too long": (CODE, b"a = " + b"1+" * 50_000 + b"1", "found one nested too deeply"),
        "no file of Python": (CODE, None, "expected files *.py in"),
    },
}  # fmt: skip
CASES = [(part, what) for part, found in WRONG.items() for what in found]


@pytest.mark.parametrize(("part", "what"), CASES, ids=lambda value: value)
def test_a_file_of_another_form_is_one_sentence_about_it(whole, tmp_path, part, what):
    file, change, words = WRONG[part][what]
    parts = parts_with(whole, tmp_path, part, file, change)
    before = sorted(parts[part].folder.rglob("*"))
    with pytest.raises(UserError) as error:
        read_packages(0, parts)
    said = str(error.value)
    assert said.startswith(f"made_from.{part}: ") and f"some-{part} 1.0" in said and words in said
    assert file in said or change is None
    # Nothing is written beside it, as databases are apt to.
    assert sorted(parts[part].folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("part", "pattern", "content"),
    [("speeches", "*.txt", b""), ("novel", "*.json", b'{"text": " "}'), ("countries", "*", b"{}")],
)
def test_a_package_whose_files_have_no_text_is_named(whole, tmp_path, part, pattern, content):
    folder = shutil.copytree(whole / part, tmp_path / part)
    parts = parts_of({path.name: path for path in whole.iterdir()} | {part: folder})
    files = [path for path in folder.rglob(pattern) if path.is_file()]
    files[0].write_bytes(content)
    assert read_packages(0, parts)  # one may be empty
    for path in files:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"made_from.{part}: expected texts in some-{part} 1.0"):
        read_packages(0, parts)


def test_two_files_of_one_name_are_refused_as_they_may_be_of_two_versions(whole, tmp_path):
    shutil.copytree(whole / "wordnet" / "dict", tmp_path / "new")
    shutil.copytree(whole / "wordnet" / "dict", tmp_path / "old")
    with pytest.raises(UserError, match=r"one file data.noun .* new/data.noun and old/data.noun"):
        read_packages(
            0,
            parts_of(
                {path.name: path for path in whole.iterdir()}
                | {
                    "wordnet": tmp_path,
                }
            ),
        )


MARK = b"\xef\xbb\xbf"
SAME = {
    "a mark before WordNet's nouns": ("wordnet", NOUNS, lambda content: MARK + content),
    "WordNet's lines as of Windows": ("wordnet", NOUNS, lambda c: c.replace(b"\n", b"\r\n")),
    "WordNet's lines as of old Macs": ("wordnet", NOUNS, lambda c: c.replace(b"\n", b"\r")),
    "empty lines after senses": ("wordnet", SENSES, added(b"\n\r\n")),
    "a mark before a speech": ("speeches", SPEECH, lambda content: MARK + content),
    "a speech's lines as of Windows": ("speeches", SPEECH, lambda c: c.replace(b". ", b".\r\n")),
    "a mark before a chapter": ("novel", CHAPTER, lambda content: MARK + content),
    "a mark before Python": ("manual", CODE, lambda content: MARK + content),
    "Python that names its encoding": (
        "manual", CODE, lambda content: b"# coding: latin-1\nA = '\xe9'\n" + content,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_what_only_looks_otherwise_is_read_as_it_is_meant(whole, tmp_path, what):
    parts = parts_with(whole, tmp_path, *SAME[what])
    unchanged = parts_of({path.name: path for path in whole.iterdir()})
    assert read_packages(0, parts) == read_packages(0, unchanged)


def test_a_folder_above_the_package_may_be_called_tests(whole, tmp_path):
    manual = shutil.copytree(whole / "manual", tmp_path / "tests" / "package")
    folders = {path.name: path for path in whole.iterdir()} | {"manual": manual}
    assert len(read_packages(0, parts_of(folders)).manual) == 60


def test_too_few_capitals_are_a_sentence(whole, tmp_path):
    folder = shutil.copytree(whole / "countries", tmp_path / "countries")
    for path in folder.glob("*/*.json"):
        path.write_text("{}")
    folders = {path.name: path for path in whole.iterdir()} | {"countries": folder}
    with pytest.raises(UserError, match="expected 20 countries or more with a capital .* found 0"):
        read_packages(0, parts_of(folders))


def test_a_text_of_initials_alone_is_one_sentence():
    # Many megabytes of such text were once joined and searched again at each of them.
    text = "A. B. C. " * 50_000
    assert sentences_of(text) == (text.strip(),)


def test_half_a_character_in_a_docstring_is_written_as_a_question_mark(whole, tmp_path):
    change = put(b'"""Return the', b'"""Return \\ud800 the')
    parts = parts_with(whole, tmp_path, "manual", CODE, change)
    lines = read_packages(0, parts).manual.values()
    assert sum(line.startswith("Return ? the") for line in lines) == 1
