"""A stage that is stopped at a step, as by a kill, for tests that begin it again."""

from contextlib import contextmanager

import pytest

from lethe.training import loop, snapshot_pace


@contextmanager
def stopped_at(step: int, monkeypatch):
    """Training within is stopped before `step`, and had time for a snapshot before every step."""
    take_step = loop.take_step

    def stopping(stage, *rest):
        if stage.step == step:
            raise KeyboardInterrupt
        take_step(stage, *rest)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(snapshot_pace, "LARGEST_SHARE", 1.0)
        patch.setattr(loop, "take_step", stopping)
        yield
