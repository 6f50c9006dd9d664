"""What every table of a study says if texts of its stages were cut."""

from dataclasses import replace

import pandas as pd

from lethe.tables.writing import Table


def with_cut_note(table: Table, stages: pd.DataFrame) -> Table:
    """The table; where stages left out what was longer than `max_length`, a note says so."""
    wanted = ["cut.texts", "cut.tokens"]
    cut = stages[stages["measure"].isin(wanted)]
    if cut.empty or table.frame.empty:
        return table
    # Runs differ in what they draw and in the tokenizer: the most that any left out.
    most = cut.pivot_table("value", "stage_task", "measure", "max", sort=False)[wanted].astype(int)
    listed = ", ".join(
        f"{task} ({texts} texts, {tokens} tokens left out)"
        for task, (texts, tokens) in zip(most.index, most.to_numpy().tolist(), strict=True)
    )
    note = f"cut in training at the recipe's max_length, at most in a run: {listed}"
    return replace(table, notes=(*table.notes, note))
