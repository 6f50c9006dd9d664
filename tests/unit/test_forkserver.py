"""A forked job is as good as a fresh process, and nothing outlives its client or its parent."""

import json
import os
import signal
import subprocess
import sys

import pytest
from forkserver_case import CLI, Place, eventually, handles, is_gone, number_in

from lethe.jobs.announced import ENDED_WITH_DRIVER

# Servers start again and again, some of them with torch.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only"),
]


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.driver.kill()
    place.driver.wait()


def test_a_forked_job_sees_what_a_fresh_process_sees(place, tmp_path):
    told = {}
    for plain in (True, False):
        done = place.run(
            "plain",
            "tell",
            "é ü",
            plain=plain,
            input="text\n",
            cwd=tmp_path,
            umask=0o027,
            extra={"SOME": "value", "OMP_NUM_THREADS": "1"},
        )
        assert (done.returncode, done.stderr) == (0, "aside\n")
        told[plain] = json.loads(done.stdout)
    assert told[False]["modules"] and not told[True]["modules"]
    assert told[False]["parent"] != told[True]["parent"] == os.getpid()
    different = {"id", "parent", "modules"}
    for key in told[True].keys() - different:
        assert told[False][key] == told[True][key], key


@pytest.mark.parametrize(
    "arguments, status, words",
    [
        (("status", "0"), 0, ""),
        (("status", "2"), 2, ""),
        (("exit", "a sentence"), 1, "a sentence"),
        (("raise",), 1, "RuntimeError: it went wrong"),
    ],
)
def test_the_exit_status_and_message_are_those_of_a_fresh_process(place, arguments, status, words):
    for plain in (True, False):
        done = place.run("plain", *arguments, plain=plain)
        assert done.returncode == status and words in done.stderr


def test_a_job_killed_by_a_signal_ends_as_a_shell_would_say(place):
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
        assert place.run("plain", "die", str(int(number))).returncode == 128 + number


def test_a_signal_to_the_client_reaches_the_job(place, tmp_path):
    client = place.begin("plain", "wait", str(tmp_path / "id"), str(int(signal.SIGUSR1)))
    number_in(tmp_path / "id")
    client.send_signal(signal.SIGUSR1)
    assert client.wait(60) == signal.SIGUSR1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_that_comes_before_the_job_is_forked_ends_it_and_no_other(place, tmp_path, number):
    other = place.begin("plain", "wait", str(tmp_path / "other"))
    process = number_in(tmp_path / "other")
    client = place.begin("late", "wait", str(tmp_path / "id"))
    assert eventually(lambda: handles(client.pid, signal.SIGTERM))
    client.send_signal(number)
    assert client.wait(60) == 128 + number
    assert not is_gone(process) and place.run("plain", "status", "5").returncode == 5
    other.kill()
    assert "starts without it" not in client.stderr.read()


def test_a_killed_client_takes_its_job_with_it_and_no_other(place, tmp_path):
    clients = [place.begin("plain", "wait", str(tmp_path / name)) for name in "ab"]
    first, second = (number_in(tmp_path / name) for name in "ab")
    clients[0].kill()
    assert eventually(lambda: is_gone(first))
    assert not is_gone(second) and place.run("plain", "status", "5").returncode == 5


def test_a_killed_parent_takes_the_server_and_its_jobs_and_leaves_no_folder(place, tmp_path):
    client = place.begin("plain", "wait", str(tmp_path / "id"))
    server, job = place.server(), number_in(tmp_path / "id")
    place.driver.kill()
    place.driver.wait()
    assert eventually(lambda: is_gone(server) and is_gone(job))
    assert client.wait(60) == ENDED_WITH_DRIVER
    assert not place.socket.parent.exists()


def test_a_parent_killed_while_the_server_imports_takes_it_too(place):
    server = place.server()
    client = place.begin("slow", "status", "7")
    assert not eventually(lambda: client.poll() is not None, 0.3)
    place.driver.kill()
    place.driver.wait()
    assert eventually(lambda: is_gone(server))
    assert client.wait(60) == ENDED_WITH_DRIVER
    assert f"(pid {place.driver.pid}) has ended, and the job with it" in client.stderr.read()


def test_a_killed_server_takes_its_jobs_and_later_jobs_run_by_themselves(place, tmp_path):
    client = place.begin("plain", "wait", str(tmp_path / "id"))
    server, job = place.server(), number_in(tmp_path / "id")
    os.kill(server, signal.SIGKILL)
    assert client.wait(60) == 1
    assert "run again to continue" in client.stderr.read()
    assert eventually(lambda: is_gone(job))
    done = place.run("plain", "status", "7")
    assert done.returncode == 7 and "starts without it" in done.stderr


def test_changed_code_is_noticed_and_jobs_run_the_new_code(place):
    assert place.run("plain", "status", "7").stderr == ""
    changed = CLI.replace("return int(rest[0])", "return int(rest[0]) + 1")
    (place.package / "cli.py").write_text(changed)
    done = place.run("plain", "status", "7")
    assert done.returncode == 8 and "code has changed" in done.stderr
    assert place.run("plain", "status", "8").returncode == 9
    assert eventually(lambda: not place.socket.parent.exists())


def test_a_job_with_other_import_settings_runs_by_itself(place):
    done = place.run("plain", "tell", extra={"OMP_NUM_THREADS": "2"}, input="")
    assert json.loads(done.stdout)["environment"]["OMP_NUM_THREADS"] == "2"
    assert "another OMP_NUM_THREADS" in done.stderr


def test_it_can_be_switched_off(place):
    done = place.run("plain", "tell", extra={"LETHE_FORKSERVER": "0"}, input="")
    assert json.loads(done.stdout)["parent"] == os.getpid() and done.stderr == "aside\n"
    program = "from lethe.forkserver.launch import start; print(start())"
    off = subprocess.run(
        [sys.executable, "-c", program],
        env=place.environment | {"LETHE_FORKSERVER": "0"},
        capture_output=True,
        text=True,
    )
    assert off.stdout == "None\n"


@pytest.mark.parametrize("switch", ["0", "1"])
def test_a_job_ends_with_a_killed_driver_whether_forked_or_not(tmp_path, switch):
    place = Place(tmp_path, LETHE_FORKSERVER=switch)
    client = place.begin("plain", "wait", str(tmp_path / "id"))
    job = number_in(tmp_path / "id")
    assert (job == client.pid) == (switch == "0")
    place.driver.kill()
    place.driver.wait()
    assert client.wait(60) == ENDED_WITH_DRIVER
    assert eventually(lambda: is_gone(job))


@pytest.mark.parametrize("switch", ["0", "1"])
def test_a_job_whose_driver_is_already_dead_does_not_begin(tmp_path, switch):
    place = Place(tmp_path, LETHE_FORKSERVER=switch)
    place.driver.kill()
    place.driver.wait()
    done = place.run("plain", "wait", str(tmp_path / "id"), timeout=60)
    assert done.returncode == ENDED_WITH_DRIVER and not (tmp_path / "id").exists()
    assert done.stderr.count("\n") == 1 and "unset LETHE_DRIVER" in done.stderr


def test_client_and_job_end_with_their_driver_even_if_the_server_hangs(place, tmp_path):
    client = place.begin("plain", "wait", str(tmp_path / "id"))
    server, job = place.server(), number_in(tmp_path / "id")
    os.kill(server, signal.SIGSTOP)
    try:
        place.driver.kill()
        place.driver.wait()
        assert client.wait(60) == ENDED_WITH_DRIVER
        assert eventually(lambda: is_gone(job))
    finally:
        os.kill(server, signal.SIGKILL)


def test_a_server_killed_while_it_imports_takes_the_job_with_it(place):
    server = place.server()
    client = place.begin("slow", "status", "7")
    assert not eventually(lambda: client.poll() is not None, 0.3)
    os.kill(server, signal.SIGKILL)
    assert client.wait(60) == 1
    assert client.stderr.read().count("the fork server ended, and this job with it") == 1


def test_a_server_without_a_first_job_ends_with_its_driver(place):
    place.driver.kill()
    place.driver.wait()
    assert eventually(lambda: not place.socket.parent.exists())


def test_a_verb_that_gains_nothing_is_not_forked(place):
    assert json.loads(place.run("other", "tell", input="").stdout)["parent"] == os.getpid()


def test_many_jobs_at_once_each_get_their_own_status(place):
    clients = [place.begin("plain", "status", str(number)) for number in range(20)]
    assert [client.wait(60) for client in clients] == list(range(20))


def test_a_forked_job_computes_bit_for_bit_what_a_fresh_process_computes(place):
    forked = [place.run("torch", "compute") for _ in range(2)]
    plain = place.run("torch", "compute", plain=True)
    assert [done.stderr for done in forked] == ["", ""]
    assert forked[0].stdout == forked[1].stdout == plain.stdout != ""
    assert plain.stdout.split()[1] == "1"


def test_the_socket_is_for_this_user_alone(place):
    assert place.socket.parent.stat().st_mode & 0o777 == 0o700
