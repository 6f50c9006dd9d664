"""End tasks of the catalogue: labelled texts that copies of checkpoints are fine-tuned on."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lethe.errors import shown
from lethe.parameters.entries import Count, Entry, File, Name, Number, Positive
from lethe.parameters.folds import FOLD, of_folds

SPLITS = ("train", "dev", "test")


class EndTask(Entry):
    """A labelled task that a copy of a checkpoint is fine-tuned on, to measure what it learned."""

    source: Name = Field(description="where its labelled texts come from")
    train: File = Field(
        "train.jsonl", description="jsonl within the source, rows with `text` and `label`"
    )
    dev: File | None = Field(None, description="a file like it that is scored too; null: none")
    test: File = Field("test.jsonl", description="a file like it; tables show its scores")
    labels: list[str] = Field([], description="all classes; none: those of the training file")
    metric: Literal["macro_f1", "micro_f1", "accuracy"] = Field(
        description="the headline metric; all three are computed"
    )
    task: Name = Field(description="the task of its domain, on which stages train")
    epochs: Count = Field(description="passes over its training file; the last one is scored")
    learning_rate: Positive = Field(
        3e-5, le=1, description="AdamW's at the first step; it falls linearly to zero"
    )
    batch_size: Count = Field(16, description="texts in one optimizer step")
    max_length: Count = Field(164, description="tokens of the longest text; the rest is cut off")
    weight_decay: Annotated[Number, Field(ge=0)] = Field(
        0.01, description="decoupled weight decay of matrices; vectors are not decayed"
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32", description="numeric type of training; weights are always float32"
    )

    reads: Literal["first", "slot"] = Field(
        "first",
        description="state that the classifier reads; `first`: an encoder's first token, a "
        "decoder's last one; `slot`: the one that predicts the text's mask token (ours)",
    )
    folds: Count = Field(
        1,
        le=100,
        description="copies, each trained and scored on files of its own, whose names hold "
        "`{fold}` (1 to `folds`); one score is computed of all their predictions",
    )

    def files(self, split: str) -> tuple[str, ...]:
        """The file of every fold; none if the task has no such split."""
        return of_folds(getattr(self, split), self.folds)

    @model_validator(mode="after")
    def _names_hold_the_fold(self) -> "EndTask":
        for split in SPLITS:
            name = getattr(self, split)
            if name is None or (FOLD in name) == (self.folds > 1):
                continue
            if self.folds > 1:
                raise ValueError(
                    f"`{split}` with {FOLD} in the name of its file, as `folds` is {self.folds}, "
                    f"found {shown(name)}"
                )
            raise ValueError(f"`folds` above 1, as `{split}` is {shown(name)}, found 1")
        return self

    @model_validator(mode="after")
    def _classes_differ(self) -> "EndTask":
        if len(set(self.labels)) != len(self.labels) or len(self.labels) == 1:
            raise ValueError(
                f"`labels` of two or more different classes, found {shown(self.labels)}"
            )
        return self
