"""Snapshots: whole or ignored, rare enough, and written when the job has to end."""

import os
import random
import signal
import time
from itertools import pairwise

import pytest
import torch
from safetensors import safe_open
from small_nodes import make_nodes, stage_spec

from lethe.errors import Stopped, UserError
from lethe.jobs import ending
from lethe.jobs.ending import SIGNALS, Ending
from lethe.parametrisations import composed
from lethe.training import loop, snapshot_pace
from lethe.training import snapshots as snapshots_module
from lethe.training import stage as stage_module
from lethe.training.snapshots import DTYPES, SNAPSHOT, Snapshots
from lethe.training.stage import train_stage


@pytest.fixture
def results(tmp_path):
    make_nodes(tmp_path)
    return tmp_path


def run(results, node, seconds=1e9, **spec):
    return train_stage(node, stage_spec(**spec), results, "code", seconds)


def weights(manifest):
    return manifest["files"]["model.safetensors"]["sha256"]


@pytest.fixture
def steps(monkeypatch):
    """The steps that are taken; `at[step]` is called within one."""
    taken, take_step = [], loop.take_step

    def watched(stage, *rest):
        taken.append(stage.step)
        watched.at.pop(stage.step, lambda: None)()
        take_step(stage, *rest)

    watched.at, watched.taken = {}, taken
    monkeypatch.setitem(stage_module.train.__globals__, "take_step", watched)
    return watched


def send(number):
    return lambda: os.kill(os.getpid(), number)


def stopped(results, steps, node="cut", step=3):
    """A stage that was asked to end in the step before `step`; its snapshot."""
    steps.at[step - 1] = send(signal.SIGTERM)
    with pytest.raises(Stopped, match=f"stopped at step {step} of 10 .SIGTERM.*run again"):
        run(results, node)
    return results / "work" / node / SNAPSHOT


def places(size: int, header: int) -> list[int]:
    """Bytes of a file, from every part of it: length, header, tensors, check."""
    draw = random.Random(0)
    drawn = [draw.randrange(8, 8 + header) for _ in range(20)]
    drawn += [draw.randrange(8 + header, size) for _ in range(20)]
    return [0, 1, 3, 7, 8, 9, 8 + header, size - 33, size - 32, size - 1, *drawn]


def test_a_snapshot_with_any_byte_changed_or_cut_is_ignored_in_one_line(results, steps, capsys):
    path = stopped(results, steps)
    whole = path.read_bytes()
    header = int.from_bytes(whole[:8], "little")
    snapshots = Snapshots(path.parent, {**stage_spec(), "code": "code"}, 1e9)
    assert snapshots.read()[0] == 3
    draw = random.Random(1)
    damaged = [
        whole[:place] + bytes([whole[place] ^ 1 << draw.randrange(8)]) + whole[place + 1 :]
        for place in places(len(whole), header)
    ]
    damaged += [whole[:length] for length in places(len(whole), header)]
    # Well-formed, but another step; half of the tensors; bytes behind the end.
    damaged += [whole.replace(b'"step": "3"', b'"step": "4"'), whole + b"\0", b"", whole[::-1]]
    assert damaged[-4] != whole
    capsys.readouterr()
    for content in damaged:
        path.write_bytes(content)
        assert snapshots.read() is None
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "is damaged" in said and "starts over" in said


@pytest.mark.parametrize("place", [9, 300, -2000, -1])
def test_a_stage_with_a_damaged_snapshot_starts_over_to_the_same_weights(results, steps, place):
    whole = run(results, "whole")
    path = stopped(results, steps)
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    steps.taken.clear()
    assert weights(run(results, "cut")) == weights(whole)
    assert steps.taken == list(range(10))


def test_a_snapshot_is_a_safetensors_file_that_holds_every_type_and_shape(tmp_path):
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for dtype in DTYPES:
        wide = torch.randint(0, 2, (3, 5), generator=generator)
        tensors[f"matrix-{dtype}"] = wide.to(dtype)
        tensors[f"scalar-{dtype}"] = wide[0, 0].to(dtype)
    tensors |= {"empty": torch.zeros(0, 3), "transposed": tensors["matrix-torch.float32"].T}
    tensors["view"] = tensors["transposed"][1:]  # shares memory with others
    snapshots = Snapshots(tmp_path, {"a": 1}, 0.0)
    snapshots.write(7, tensors, [[0.1], "text"])
    step, found, log = snapshots.read()
    assert (step, log, found.keys()) == (7, [[0.1], "text"], tensors.keys())
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name
    with safe_open(snapshots.path, "pt") as file:
        assert file.metadata()["step"] == "7"


def test_snapshots_take_at_most_two_hundredths_of_the_time(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    snapshots = Snapshots(tmp_path, {}, 60.0)
    snapshots.begin(torch.nn.Linear(1, 1), 0)

    def slow(header, tensors):
        clock[0] += 4.0
        yield b""

    monkeypatch.setattr(snapshots_module, "_parts", slow)
    written = []
    for step in range(1, 2000):
        clock[0] += 1.0
        before = snapshots.last
        snapshots.between_steps(step, 2000, lambda: ({}, []))
        if snapshots.last != before:
            written.append(snapshots.last)
    assert written[0] == 64.0
    assert all(later - earlier >= 4 * 49 for earlier, later in pairwise(written))
    assert len(written) * 4 / clock[0] < 0.021
    assert snapshot_pace.interval(60.0, 0.1) == 60.0


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_saves_and_stops_between_two_steps_and_the_rerun_goes_on(results, steps, number):
    whole = run(results, "whole")
    handler = signal.getsignal(number)
    steps.at[4] = send(number)
    steps.taken.clear()
    with pytest.raises(Stopped, match="stopped at step 5 of 10"):
        run(results, "cut")
    assert signal.getsignal(number) == handler
    resumed = run(results, "cut")
    assert steps.taken == list(range(10))
    assert weights(resumed) == weights(whole)
    assert resumed["files"]["training.csv"] == whole["files"]["training.csv"]


def test_a_second_interrupt_does_not_wait(results, steps):
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    steps.at[4] = twice
    with pytest.raises(KeyboardInterrupt) as caught:
        run(results, "cut")
    assert not isinstance(caught.value, Stopped)


def test_a_signal_while_the_model_is_loaded_stops_at_once(results, monkeypatch):
    load = composed.load_model

    def loading(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return load(*arguments)

    monkeypatch.setattr(composed, "load_model", loading)
    with pytest.raises(Stopped, match="before the first step"):
        run(results, "cut")
    monkeypatch.setattr(composed, "load_model", load)
    assert weights(run(results, "cut")) == weights(run(results, "whole"))


def test_a_signal_after_the_last_step_lets_the_checkpoint_be_published(results, monkeypatch):
    save = stage_module.save_model

    def saving(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return save(*arguments)

    whole = run(results, "whole")
    monkeypatch.setattr(stage_module, "save_model", saving)
    assert weights(run(results, "cut")) == weights(whole)


def test_a_signal_in_a_snapshot_stops_with_that_snapshot(results, steps, monkeypatch):
    write, written = Snapshots.write, []

    def interrupted(self, step, *rest):
        os.kill(os.getpid(), signal.SIGTERM)
        written.append(step)
        write(self, step, *rest)

    monkeypatch.setattr(Snapshots, "write", interrupted)
    monkeypatch.setattr(snapshot_pace, "LARGEST_SHARE", 1.0)
    with pytest.raises(Stopped, match="at step 1 of 10"):
        run(results, "cut", seconds=0.0)
    assert written == [1]


def test_a_job_stops_when_its_time_is_nearly_over(results, steps, monkeypatch):
    whole = run(results, "whole")
    now = time.time()
    monkeypatch.setenv(ending.VARIABLE, str(now + 1000))
    monkeypatch.setattr(ending.time, "time", lambda: now + 975 * (len(steps.taken) >= 6))
    steps.taken.clear()
    with pytest.raises(Stopped, match="at step 6 of 10 .its time is nearly over"):
        run(results, "cut")
    monkeypatch.delenv(ending.VARIABLE)
    assert weights(run(results, "cut")) == weights(whole)
    assert steps.taken == list(range(10))


def test_a_slow_job_stops_earlier(monkeypatch):
    monkeypatch.setenv(ending.VARIABLE, str(time.time() + 500))
    assert not Ending().is_near(100.0)
    assert Ending().is_near(600.0)


@pytest.mark.parametrize("text", ["soon", "nan", "12:30"])
def test_an_end_that_is_no_time_is_refused(monkeypatch, text):
    monkeypatch.setenv(ending.VARIABLE, text)
    with pytest.raises(UserError, match=f"LETHE_END: expected a time in Unix seconds.*{text}"):
        Ending()
