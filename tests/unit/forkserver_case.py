"""A stand-in package with the real fork server and a small command line, put on disk.

So tests of the fork server need neither models nor the package's own verbs.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from lethe.artefacts.processes import boot, start_time

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
from lethe.jobs.announced import announce_driver
announce_driver()
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
