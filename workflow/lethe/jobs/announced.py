"""The driver that local jobs must end with: announced in their environment, and watched.

A job that outlived its driver would go on for as long as a stage takes, unseen by the next run.
"""

import os
import threading
import time
from typing import NoReturn

from lethe.artefacts.processes import boot, identity, is_proved_dead

VARIABLE = "LETHE_DRIVER"
ENDED_WITH_DRIVER = 143  # as if SIGTERM had ended it
LOOK_SECONDS = 0.5


def announce_driver() -> None:
    """Tell local jobs of this process that they must end with it."""
    this = identity(os.getpid())
    os.environ[VARIABLE] = f"{this['pid']} {this['started']} {this['boot']}"


def announced_driver() -> dict:
    """The announced driver, if it runs or ran on this machine since it was started; else empty."""
    words = os.environ.get(VARIABLE, "").split()
    if len(words) != 3 or not words[0].isdigit() or words[2] != str(boot()):
        return {}
    started = int(words[1]) if words[1].isdigit() else None
    return identity(os.getpid()) | {"pid": int(words[0]), "started": started}


def end_with_driver() -> None:
    """End this process when its announced driver ends, at once if that has ended already.

    Does nothing if no driver of this machine was announced.
    """
    driver = announced_driver()
    if driver:
        end_if_dead(driver)
        threading.Thread(target=_watch, args=(driver,), daemon=True).start()


def end_if_dead(driver: dict) -> None:
    """End this process with a sentence if its announced driver has ended."""
    if driver and is_proved_dead(driver):
        _end(driver)


def _watch(driver: dict) -> NoReturn:
    while True:
        end_if_dead(driver)
        time.sleep(LOOK_SECONDS)


def _end(driver: dict) -> NoReturn:
    sentence = (
        f"lethe: the run that started this job (pid {driver['pid']}) has ended, and the job with "
        f"it; run again to continue, or unset {VARIABLE} to run the job by hand\n"
    )
    try:
        # Not through sys.stderr, whose lock the job's own thread may hold.
        os.write(2, sentence.encode())
    finally:
        os._exit(ENDED_WITH_DRIVER)
