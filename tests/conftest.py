"""One thread a process, and slow tests before quick ones."""

import os
import signal
import sys

import pytest

# Read once, when torch is imported. Workers share the cores, and sums over threads would differ.
os.environ["OMP_NUM_THREADS"] = "1"
# As jobs have it: equal sums wherever in memory a matrix lies.
os.environ.setdefault("MKL_CBWR", "AUTO")
# What is started in the background may ignore Ctrl-C, and the end of its terminal under nohup; jobs
# then ignore them too.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """No worker is left with a long file at the end while the others have nothing to do.

    Tests marked `real` fetch a large package, so they run only if `-m` names them.
    """
    if "real" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("real")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_the_disk():
    """Files of tests need not outlive a power failure; waiting for that takes a third of the time.

    Processes that tests start, as those that are killed, wait as ever.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def tiny_numbers_stay():
    """A job flushes tiny numbers to zero for its whole process, which here goes on."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
