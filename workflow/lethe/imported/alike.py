"""How the stages of a chain were scored, of which lm-eval's result files tell everything known."""

from dataclasses import dataclass

from lethe.imported.result_file import ResultFile, TaskResult
from lethe.imported.settings import fill_arguments
from lethe.longtables.same_versions import Scored

AFTER_THE_PROMPT = {
    "output_type", "generation_kwargs", "repeats", "filter_list", "metric_list", "process_results",
    "should_decontaminate",
}  # fmt: skip
"""Keys of a task's configuration that change a score, but neither documents nor prompts."""


@dataclass(frozen=True)
class StageFiles:
    """The result files of one stage, and which of them holds each task."""

    index: int
    mixture: str
    files: list[ResultFile]
    holder: dict[str, ResultFile]

    def task(self, name: str) -> TaskResult | None:
        """What the stage's files hold on a task; None if they lack it."""
        return self.holder[name].tasks[name] if name in self.holder else None


def how_scored(task: str, stages: list[StageFiles], again: str = "") -> list[Scored]:
    """How the task was scored in each stage that has it, with everything that changes a score.

    again: how to score it again, as in `Scored`.
    """
    way = kind_of_digest(task, stages)
    having = [stage for stage in stages if stage.task(task)]
    settings = fill_arguments([stage.holder[task].settings for stage in having])
    scored = []
    for stage, values in zip(having, settings, strict=True):
        result, file = stage.holder[task].tasks[task], stage.holder[task]
        values |= file.tokenizer if stage.index == 0 else {}
        values |= {"version": result.version, "task_digest": task_digest(result, way)}
        numbers = {"shots": result.shots, "n": result.n}
        values |= {key: str(value) for key, value in numbers.items() if value is not None}
        # Digests of documents and prompts do not show how an answer becomes a score.
        keys = result.keys if way != "hashed" else result.keys.keys() & AFTER_THE_PROMPT
        values |= {f"task.{key}": result.keys[key] for key in keys}
        scored.append(Scored(stage.index, stage.mixture, again, values, file.short))
    return scored


def kind_of_digest(task: str, stages: list[StageFiles]) -> str:
    """The kind of digest that all stages with the task have, so that they can be compared."""
    results = [result for result in (stage.task(task) for stage in stages) if result]
    for way in ("hashed", "configured"):
        if results and all(getattr(result, way) for result in results):
            return way
    return "none"


def task_digest(result: TaskResult, way: str) -> str:
    """The digest that `kind_of_digest` chose; "unknown" if the files have none for the task."""
    return "unknown" if way == "none" else getattr(result, way)
