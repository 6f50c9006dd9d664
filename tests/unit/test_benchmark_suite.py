"""The benchmark suite with benchmarks that take no time: sections, failures, what cannot run."""

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
NEEDS = ("json",)


@pytest.fixture
def suite(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import suite

    yield suite
    for name in ("suite", "machine"):
        sys.modules.pop(name, None)


@pytest.fixture
def measure(suite, tmp_path):
    """Run the suite on scripts given by name; its status and the file's text."""
    out = tmp_path / "measured.md"

    def of(arguments, scripts, **settings):
        known = []
        for name, code in scripts.items():
            (tmp_path / f"{name}.py").write_text(code)
            entry = {"minutes": 0, "needs": NEEDS} | settings.get(name, {})
            known.append(suite.Benchmark(name, f"{name}.py", "nothing", **entry))
        status = suite.main([*arguments, "--out", str(out)], tuple(known), tmp_path)
        return status, out.read_text()

    return of


def test_a_section_has_date_hardware_versions_command_and_table(suite, measure):
    code = "import sys; print('| what |'); print('|---|'); print('|', sys.argv[1:], '|')"
    status, text = measure([], {"one": code}, one={"cpu": "--jobs 1 2"})
    assert status == 0
    section = suite.section(text, "one, cpu")[0]
    heading, _, described, command, _, *table = section.splitlines()
    assert heading.startswith("## one, cpu (20")
    assert "cores" in described and "load" in described and "Python 3" in described
    assert command.startswith("`python benchmarks/one.py --jobs 1 2`, ")
    assert table == ["| what |", "|---|", "| ['--jobs', '1', '2'] |"]


def test_after_a_failure_the_others_run_and_the_status_is_one(suite, measure, capsys):
    broken = "print('| first row |'); raise ValueError('it differs')"
    status, text = measure([], {"broken": broken, "whole": "print('fine')"})
    assert status == 1 and "failed: broken" in capsys.readouterr().err
    assert "| first row |" in suite.section(text, "broken, cpu")[0]
    assert "| broken | failed with status 1: ValueError: it differs |" in text
    assert suite.section(text, "whole, cpu")[0].endswith("fine\n")


def test_a_missing_library_is_a_row_and_no_failure(suite, measure):
    needs = {"needs": ("json", "no_such_library")}
    status, text = measure([], {"one": "print('ran')"}, one=needs)
    assert status == 0 and "ran\n" not in text
    assert "| one | not run: not installed: no_such_library |" in text


def test_without_a_gpu_a_cuda_run_is_a_row(suite, measure, monkeypatch):
    monkeypatch.setattr(suite, "gpu", lambda: None)
    settings = {"both": {"cuda": "--device cuda"}}
    status, text = measure(["--device", "cuda"], {"both": "", "cpu_only": ""}, **settings)
    assert status == 0 and "| both | not run: torch finds no GPU |" in text
    assert "cpu_only" not in text  # not asked for by name


def test_what_was_measured_stays_until_it_is_measured_again(suite, measure):
    measure([], {"one": "print('1 s')", "two": "print('2 s')"})
    status, text = measure(["two"], {"one": "", "two": "print('3 s')"})
    assert status == 0 and "1 s" in text and "3 s" in text and "2 s" not in text
    missing = {"one": {"needs": ("no_such_library",)}}
    _, text = measure(["one"], {"one": ""}, **missing)
    assert "1 s" in text and "not run" not in text


@pytest.mark.parametrize("last", ["", "\n## By hand (2026-11-20)\n\nMore.\n"])
def test_what_is_written_by_hand_stays(measure, tmp_path, last):
    by_hand = "# Times\n\nWords.\n\n## By hand (2026-11-25)\n\n| a |\n|---|\n| 1 |\n"
    old = "\n## one, cpu (2026-01-01)\n\n9 s\n"
    (tmp_path / "measured.md").write_text(by_hand + old + last)
    for seconds in (1, 2):
        _, text = measure([], {"one": f"print('{seconds} s')"})
        assert text.startswith(by_hand + "\n## one, cpu (20")
        assert text.endswith(f"\n\n{seconds} s\n{last}") and "9 s" not in text


def test_an_unknown_name_lists_the_known_ones(suite):
    with pytest.raises(SystemExit, match="no benchmark 'scorign'; there are training, scoring"):
        suite.main(["scorign"])


def test_the_list_runs_nothing_and_names_every_benchmark(suite, tmp_path, capsys):
    out = tmp_path / "none.md"
    assert suite.main(["--list", "--out", str(out)]) == 0 and not out.exists()
    listed = capsys.readouterr().out
    assert all(b.name in listed and b.script in listed for b in suite.BENCHMARKS)
