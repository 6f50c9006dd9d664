"""A note before a run on entries of `also` that name models which the study does not have."""

from collections.abc import Iterator

from lethe.config.catalogue import Study
from lethe.config.reading import DEFAULT, read_yaml


def unselected_models(study: Study) -> Iterator[str]:
    """A note for each entry of `also` with chains that are not made.

    Of the default study's entries nothing is said: a study of few models inherits them all.
    """
    default = read_yaml(DEFAULT)["also"]
    if [entry.model_dump(exclude_unset=True) for entry in study.also] == default:
        return
    for number, entry in enumerate(study.also, start=1):
        if others := [name for name in entry.models if name not in study.models]:
            are = "is" if len(others) == 1 else "are"
            yield (
                f"also, entry {number}: {', '.join(others)} {are} not in `models`, so these chains "
                "are not made; add them to `models`, or take them out here."
            )
