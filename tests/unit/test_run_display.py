"""A run is told in words: recorded events of Snakemake, replayed into what a user sees."""

import io
import json
import logging
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake.logging import DefaultFilter, DefaultFormatter

from lethe.commands.run import _finished
from lethe.display import handler as display
from lethe.display.failures import Failure, failure_lines
from lethe.display.handler import COMMAND, RunHandler, is_watched, show_run
from lethe.display.tally import Tally
from lethe.terminal import duration_words

EVENTS = [
    json.loads(line)
    for line in (Path(__file__).parent / "run_events.jsonl").read_text().splitlines()
]
WORDS = {
    "nano-w204-b0-092c61a2e637": "nano/base@0",
    "nano-w204-b0-sequential-s1-simp-t0-4fa23203d53a": "nano/sequential/nano-forward/1@0 (simp)",
    "nano-w204-b0-base-nano-e154533b8520": "nano/base@0 (nano)",
    "world-204-fdda0986f5ca": "world-204",
}
FAILED = "stage nano/sequential/nano-forward/1@0 (simp)"
LOG = "results/logs/stage/nano-w204-b0-sequential-s1-simp-t0-4fa23203d53a.log"
HASH = re.compile(r"[0-9a-f]{12}")
ESCAPE = "\x1b"


class Screen(io.StringIO):
    """A terminal of which everything is kept."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the log of the job that fails, where `snakemake --cores 2` was typed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["/bin/snakemake", "--cores", "2"])
    monkeypatch.delenv(COMMAND, raising=False)
    write_log("512 texts\nlethe: there was not enough memory; what was computed is kept\n")
    return tmp_path


def write_log(text: str) -> None:
    Path(LOG).parent.mkdir(parents=True, exist_ok=True)
    Path(LOG).write_text(text)


def replayed(events=EVENTS, stream=None, bars=False, dry=False) -> str:
    """What a user has seen when the run has ended."""
    stream = io.StringIO() if stream is None else stream
    shown = RunHandler(
        stream,
        "nano",
        lambda rule, name: f"{rule} {WORDS.get(name, name)}".rstrip(),
        Path("results"),
        lambda: bars,
        dry,
    )
    shown.addFilter(DefaultFilter(None, False, False, False, False))
    for event in events:
        record = logging.makeLogRecord(dict.fromkeys(("rule_msg", "aux", "wildcards")) | event)
        if shown.filter(record):
            shown.handle(record)
    shown.close()
    shown.close()
    return stream.getvalue()


def test_no_line_of_a_run_names_a_job_by_its_hash():
    lines = replayed().splitlines()
    assert [line for line in lines if HASH.search(line)] == [f"    log:    {LOG}"]
    assert max(map(len, lines)) < 160


def test_a_pipe_gets_a_line_for_every_job_that_ended_and_no_escape_codes():
    text = replayed()
    assert ESCAPE not in text
    ended = re.findall(r"^\d\d:\d\d:\d\d +(\d+) of 22  (.*?), \d+ s", text, re.M)
    assert ended == [
        ("1", "data world-204"), ("2", "base nano/base@0"), ("3", "probe nano/base@0 (nano)"),
    ]  # fmt: skip
    assert "study nano: 22 jobs to do: data 1, base 1, stage 2, probe 3, collect 1" in text


def test_a_dry_run_tells_every_job_by_its_words_and_why_one_is_done_again():
    begun = [event for event in EVENTS if event.get("event") in ("run_info", "job_info")]
    reasons = {
        "base": "Missing output files: results/bases/x; Input files updated by another job: y",
        "data": "Params have changed since last execution: before '1', now '2'",
    }
    said = {"msg": "Reasons:\n    (check individual jobs above for details)\n    a: b"}
    events = [event | {"reason": reasons.get(event.get("rule_name"), "")} for event in begun]
    text = replayed([*events, said | {"levelno": 20}], stream=Screen(), bars=True, dry=True)
    assert "study nano: 22 jobs to do" in text and "Reasons" not in text
    assert "  base nano/base@0\n" in text
    assert "  data world-204: params have changed since last execution\n" in text
    assert text.endswith("Nothing was done: this was a dry run.\n") and "run again" not in text


def test_that_a_run_waits_for_its_jobs_is_said_once():
    said = {"msg": "Will exit after finishing currently running jobs (scheduler).", "levelno": 20}
    first, *others = EVENTS
    text = replayed([first, *(event for other in others for event in (said, other))])
    assert text.count("Will exit after") == 1


def test_the_end_of_a_failed_run_has_words_error_log_remedy_and_what_to_type():
    end = replayed().partition("3 of 22 jobs done in ")[2]
    assert "1 failed; 18 that need what failed were not begun" in end
    assert f"  {FAILED}, after " in end
    assert "error:  there was not enough memory" in end and f"log:    {LOG}" in end
    assert "remedy: run fewer jobs side by side: `--cores 1`" in end
    assert "run again:\n  snakemake --cores 2\n" in end
    assert "Complete log: /clone/.snakemake/log/" in end


def test_what_the_user_typed_is_repeated_where_that_was_not_snakemake(monkeypatch):
    monkeypatch.setenv(COMMAND, "lethe run my.yaml")
    assert "run again:\n  lethe run my.yaml\n" in replayed()


@pytest.mark.parametrize(
    "error",
    ["https://hub cannot be reached to fetch a/b (ConnectError); run again", "answered 503 to a"],
)
def test_a_download_that_failed_has_a_remedy_with_a_network_and_without(tmp_path, error):
    log = tmp_path / "log"
    log.write_text(f"lethe: {error}\n")
    remedy = Failure("fetch a/b", None, [str(log)]).remedy
    assert "where there is a network" in remedy and "`import` at a model" in remedy


def test_a_killed_job_is_called_that_and_the_end_of_its_log_is_shown():
    write_log("512 texts\nstep 60 of 90\n")
    killed = [dict(event) for event in EVENTS]
    (error,) = [event for event in killed if "CalledProcessError" in event["msg"]]
    error["msg"] = error["msg"].replace("status 1.", "status 137.")
    text = replayed(killed)
    assert f"failed: {FAILED}: its process was killed" in text
    assert "step 60 of 90" in text and "memory ran out" in text


@pytest.mark.parametrize(
    ("how", "killed"),
    [
        ("returned non-zero exit status 137.", True),
        ("died with <Signals.SIGKILL: 9>.", True),
        ("SLURM-job '9137' failed, SLURM status is: 'OUT_OF_MEMORY'", True),
        ("SLURM-job '137' failed, SLURM status is: 'FAILED'", False),
        ("returned non-zero exit status 1. probe/xs-137a", False),
    ],
)
def test_a_job_is_called_killed_by_how_it_ended_and_not_by_its_number(how, killed):
    assert Failure("stage xs/ewc/forward/1@0", None, [], how).is_killed == killed


def test_a_command_to_copy_is_never_broken_by_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    typed = "lethe run a-study-with-a-long-name.yaml another-study.yaml --cores 2"
    monkeypatch.setenv(COMMAND, typed)
    lines = replayed(stream=Screen(), bars=True).splitlines()
    assert f"  {typed}" in lines
    assert max(len(line) for line in lines if "more that need" in line or "remedy" in line) <= 40


def test_a_mistake_of_the_program_is_told_from_one_of_the_study():
    write_log('Traceback (most recent call last):\n  File "x.py"\nValueError: no such layer\n')
    text = replayed()
    assert "error:  ValueError: no such layer" in text and "an error of the program" in text
    write_log("lethe: Training stopped at step 3: the loss is nan; lower learning_rate.\n")
    assert "remedy: put right what the error says" in replayed()


def test_a_job_that_is_tried_again_and_ends_well_has_not_failed():
    (begun,) = [event for event in EVENTS if event.get("event") == "job_info"
                and event["rule_name"] == "stage"]  # fmt: skip
    again = [begun, {"event": "job_finished", "msg": "", "levelno": 20, "job_id": begun["jobid"]}]
    text = replayed(EVENTS[:-4] + again + EVENTS[-3:])
    assert "4 of 22 jobs done" in text and "error:" not in text
    # The run ended before everything was made, so it still says how to go on.
    assert "run again" in text


def test_a_run_that_was_interrupted_blames_no_job():
    stopped = {"msg": "Terminating processes on user request, this might take some time."}
    place = next(n for n, event in enumerate(EVENTS) if event.get("event") == "error")
    text = replayed([*EVENTS[:place], stopped | {"levelno": 30}, *EVENTS[place:]])
    assert "Interrupted: 3 of 22 jobs done" in text and "What was computed is kept" in text
    assert "failed:" not in text and "remedy:" not in text


@pytest.mark.parametrize(
    ("log", "how"),
    [
        ("lethe: stopped at step 3 of 9 (SIGTERM), with all of it saved; run again.", "status 75."),
        ("", "died with <Signals.SIGTERM: 15>."),
        ("", "returned non-zero exit status 143."),
    ],
)
def test_jobs_that_were_asked_to_end_have_not_failed(log, how):
    write_log(log)
    asked = [dict(event) for event in EVENTS]
    (error,) = [event for event in asked if "CalledProcessError" in event["msg"]]
    error["msg"] = f"CalledProcessError in file x:\nCommand 'y' {how}"
    text = replayed(asked)
    assert "Interrupted: 3 of 22 jobs done" in text and "1 asked to end" in text
    assert "failed" not in text and "remedy: run again" in text
    assert FAILED in text and "run again:\n  snakemake --cores 2\n" in text


def test_jobs_with_one_error_are_named_together_and_many_are_counted():
    failures = [Failure(f"stage xs/ewc/forward/{n}@0", None, [LOG]) for n in range(8)]
    lines = failure_lines([*failures, Failure("probe xs/base@0", 3.0, [])])
    assert lines[4:6] == ["  stage xs/ewc/forward/4@0", "  and 3 more, with the same error"]
    assert sum("error:" in line for line in lines) == 2
    assert "  probe xs/base@0, after 3 s" in lines


def test_a_terminal_has_bars_while_jobs_run_and_the_same_end(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    text = replayed(stream=Screen(), bars=True)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert "0 of 22 jobs" in plain and "data world-204" in plain
    assert f"failed {FAILED}" in plain and "remedy: run fewer jobs" in plain
    # The cursor is given back, and no bar is left below the last line.
    assert text.rstrip().endswith(".snakemake.log") and text.count("\x1b[?25h") == 1


def test_a_terminal_without_colours_gets_none(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    text = replayed(stream=Screen(), bars=True)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", text)


@pytest.mark.parametrize(
    ("stream", "variables", "watched"),
    [
        (Screen(), {"TERM": "xterm"}, True),
        (Screen(), {"TERM": "xterm", "CI": "true"}, False),
        (Screen(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm", "FORCE_COLOR": "1"}, False),
    ],
)
def test_bars_are_for_terminals_before_a_person(monkeypatch, stream, variables, watched):
    monkeypatch.delenv("CI", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_watched(stream) == watched


def test_only_the_terminal_of_snakemake_is_replaced_and_its_files_stay(tmp_path):
    logger = logging.Logger("of a test")
    file, terminal = logging.FileHandler(tmp_path / "log"), logging.StreamHandler(io.StringIO())
    file.setFormatter(DefaultFormatter())
    terminal.name = display.DEFAULT_HANDLER
    terminal.addFilter(kept := DefaultFilter(None, False, False, False, False))
    for own in (file, terminal):
        logger.addHandler(own)
    shown = show_run(logger, "nano", lambda rule, name: rule, tmp_path, lambda: True)
    assert logger.handlers == [file, shown] and shown.filters == [kept]
    assert show_run(logging.Logger("with another"), "nano", str, tmp_path, bool) is None


def test_ctrl_c_leaves_a_run_the_time_to_end_by_itself():
    class Process:
        answers = iter([KeyboardInterrupt, KeyboardInterrupt, 1])

        def wait(self) -> int:
            if (answer := next(self.answers)) is KeyboardInterrupt:
                raise answer
            return answer

    assert _finished(Process()) == 1


def test_sigterm_is_passed_on_to_the_run_which_is_waited_for():
    waits = "import os, signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
    tells = "os.kill(os.getppid(), signal.SIGTERM); signal.pause()"
    before = signal.getsignal(signal.SIGTERM)
    assert _finished(subprocess.Popen([sys.executable, "-c", f"{waits}; {tells}"])) == 7
    assert signal.getsignal(signal.SIGTERM) == before


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_time_left_comes_from_what_jobs_of_each_rule_took():
    tally = Tally(lambda rule, name: name, clock=(clock := Clock()))
    tally.plan({"stage": 4, "probe": 4, "table": 1, "all": 1, "total": 10})
    assert tally.total == 9 and tally.seconds_left() is None
    for number, (rule, seconds) in enumerate([("stage", 10), ("probe", 2)]):
        tally.begin(number, rule, {"node": rule})
        clock.now += seconds
        tally.finish(number)
    # 3 stages of 10 s, 3 probes of 2 s and a table that takes a guessed 2 s, one after another.
    assert tally.seconds_left() == pytest.approx(38)
    tally.begin(7, "stage", {"node": "third"})
    clock.now += 4
    assert tally.seconds_left() == pytest.approx(34)


def test_probes_and_end_tasks_are_guessed_from_stages_until_one_is_done():
    tally = Tally(lambda rule, name: name, clock=(clock := Clock()))
    tally.plan({"base": 1, "stage": 2, "probe": 6, "end_task": 4})
    for number, (rule, seconds) in enumerate([("base", 300), ("stage", 10)]):
        tally.begin(number, rule, {"node": rule})
        clock.now += seconds
        assert tally.seconds_left() is None
        tally.finish(number)
    # A stage of 10 s, and ten of a third of its time.
    assert tally.seconds_left() == pytest.approx(10 + 10 * 10 / 3)
    tally.begin(7, "probe", {"node": "first"})
    clock.now += 2
    tally.finish(7)
    assert tally.seconds_left() == pytest.approx(10 + 5 * 2 + 4 * 10 / 3)


def test_what_a_running_job_says_of_itself_counts_more_than_what_others_took():
    tally = Tally(lambda rule, name: name, lambda job, spent: 90.0, clock=(clock := Clock()))
    tally.plan({"stage": 2})
    tally.begin(1, "stage", {"node": "first"})
    clock.now += 10
    # 90 s are left of it, and the other will take 100 s as well.
    assert tally.seconds_left() == pytest.approx(190)


def test_jobs_side_by_side_take_less_time_but_not_less_than_the_longest():
    tally = Tally(lambda rule, name: name, clock=(clock := Clock()))
    tally.plan({"stage": 6})
    for number in (1, 2):
        tally.begin(number, "stage", {})
    clock.now += 10
    for number in (1, 2):
        tally.finish(number)
    assert tally.seconds_left() == pytest.approx(20)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (99, "99 s"), (185, "3 min 05 s"), (2880, "48 min"), (7800, "2 h 10 min")],
)
def test_durations_have_two_digits_that_count(seconds, words):
    assert duration_words(seconds) == words
