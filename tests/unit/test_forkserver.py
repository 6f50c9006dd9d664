"""A forked job is as good as a fresh process, and nothing outlives its client or its parent.

A stand-in package with the real fork server and a small command line is put on disk, so that
these tests need neither models nor the package's own verbs.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lethe.jobs.drivers import boot, start_time

# Servers start again and again, some of them with torch.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only"),
]

SOURCE = Path(__file__).parents[2] / "workflow" / "lethe"

CLI = """
import json, os, signal, sys, time

def main(arguments):
    verb, what, *rest = arguments
    if what == "tell":
        umask = os.umask(0); os.umask(umask)
        known = {k: v for k, v in os.environ.items() if not k.startswith("LETHE_")}
        print(json.dumps({"argv": sys.argv[1:], "folder": os.getcwd(), "environment": known,
                          "umask": umask, "stdin": sys.stdin.read(), "id": os.getpid(),
                          "parent": os.getppid(), "modules": "colorsys" in sys.modules}))
        print("aside", file=sys.stderr)
    elif what == "status":
        return int(rest[0])
    elif what == "exit":
        sys.exit(rest[0])
    elif what == "raise":
        raise RuntimeError("it went wrong")
    elif what == "die":
        os.kill(os.getpid(), int(rest[0]))
    elif what == "wait":
        from pathlib import Path
        if rest[1:]:
            signal.signal(int(rest[1]), lambda number, frame: sys.exit(number))
        Path(rest[0]).write_text(str(os.getpid()))
        time.sleep(60)
    elif what == "compute":
        import torch
        torch.manual_seed(7)
        model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.GELU(),
                                    torch.nn.LayerNorm(256), torch.nn.Linear(256, 8))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        for _ in range(20):
            optimizer.zero_grad()
            torch.nn.functional.dropout(model(torch.randn(32, 64)), 0.1).exp().mean().backward()
            optimizer.step()
        import hashlib
        digest = hashlib.sha256()
        for parameter in model.parameters():
            digest.update(parameter.detach().numpy().tobytes())
        print(digest.hexdigest(), torch.get_num_threads())
    return 0
"""

PRELOAD = """
import importlib, time
GROUP_OF_VERB = {"plain": "plain", "torch": "torch", "slow": "slow", "late": "late"}
def preload(group):
    if group == "slow":
        time.sleep(60)
    if group == "late":
        time.sleep(1)
    importlib.import_module({"torch": "torch"}.get(group, "colorsys"))
"""

DRIVER = """
import sys, time
from lethe.forkserver.launch import start
print(start(), flush=True)
time.sleep(60)
"""


class Place:
    """The stand-in package, and a driver process that has started the server."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.package = folder / "a b" / "lethe"
        for room in ("forkserver", "jobs", "artefacts"):
            shutil.copytree(SOURCE / room, self.package / room)
        for path in SOURCE.glob("*.py"):
            shutil.copy(path, self.package)
        for name, text in {
            "__init__.py": "",
            "cli.py": CLI,
            "forkserver/preload.py": PRELOAD,
        }.items():
            (self.package / name).write_text(text)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "LETHE_"))}
        temporary = folder / "tmp"
        temporary.mkdir()
        self.environment = clean | {
            "PYTHONPATH": str(self.package.parent),
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
            **settings,
        }
        self.driver = subprocess.Popen(
            [sys.executable, "-c", DRIVER],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.socket = Path(self.driver.stdout.readline().strip())
        announced = f"{self.driver.pid} {start_time(self.driver.pid)} {boot()}"
        self.forked = self.environment | {
            "LETHE_FORKSERVER_SOCKET": str(self.socket),
            "LETHE_DRIVER": announced,
        }

    def command(self, *arguments: str) -> list[str]:
        program = "import sys; from lethe.forkserver.client import run; sys.exit(run(sys.argv[1:]))"
        return [sys.executable, "-c", program, *arguments]

    def run(self, *arguments: str, plain: bool = False, **options):
        environment = (self.environment if plain else self.forked) | options.pop("extra", {})
        return subprocess.run(
            self.command(*arguments), env=environment, capture_output=True, text=True, **options
        )

    def begin(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(*arguments), env=self.forked, stderr=subprocess.PIPE, text=True
        )

    def server(self) -> int:
        return json.loads(self.run("plain", "tell", input="").stdout)["parent"]


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.driver.kill()
    place.driver.wait()


def is_gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def handles(process: int, number: int) -> bool:
    """Whether a process has a handler of its own for a signal."""
    status = Path(f"/proc/{process}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def eventually(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def number_in(path: Path) -> int:
    assert eventually(lambda: path.exists() and path.read_text())
    return int(path.read_text())


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
    assert client.wait(10) == signal.SIGUSR1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_that_comes_before_the_job_is_forked_ends_it_and_no_other(place, tmp_path, number):
    other = place.begin("plain", "wait", str(tmp_path / "other"))
    process = number_in(tmp_path / "other")
    client = place.begin("late", "wait", str(tmp_path / "id"))
    assert eventually(lambda: handles(client.pid, signal.SIGTERM))
    client.send_signal(number)
    assert client.wait(10) == 128 + number
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
    assert client.wait(10) == 1
    assert not place.socket.parent.exists()


def test_a_parent_killed_while_the_server_imports_takes_it_too(place):
    server = place.server()
    client = place.begin("slow", "status", "7")
    assert not eventually(lambda: client.poll() is not None, 0.3)
    place.driver.kill()
    place.driver.wait()
    assert eventually(lambda: is_gone(server))
    assert client.wait(10) == 7 and "starts without it" in client.stderr.read()


def test_a_killed_server_takes_its_jobs_and_later_jobs_run_by_themselves(place, tmp_path):
    client = place.begin("plain", "wait", str(tmp_path / "id"))
    server, job = place.server(), number_in(tmp_path / "id")
    os.kill(server, signal.SIGKILL)
    assert client.wait(10) == 1
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
    assert client.wait(10) != 0
    assert eventually(lambda: is_gone(job))


def test_a_verb_that_gains_nothing_is_not_forked(place):
    assert json.loads(place.run("other", "tell", input="").stdout)["parent"] == os.getpid()


def test_many_jobs_at_once_each_get_their_own_status(place):
    clients = [place.begin("plain", "status", str(number)) for number in range(20)]
    assert [client.wait(20) for client in clients] == list(range(20))


def test_a_forked_job_computes_bit_for_bit_what_a_fresh_process_computes(place):
    forked = [place.run("torch", "compute") for _ in range(2)]
    plain = place.run("torch", "compute", plain=True)
    assert [done.stderr for done in forked] == ["", ""]
    assert forked[0].stdout == forked[1].stdout == plain.stdout != ""
    assert plain.stdout.split()[1] == "1"


def test_the_socket_is_for_this_user_alone(place):
    assert place.socket.parent.stat().st_mode & 0o777 == 0o700
