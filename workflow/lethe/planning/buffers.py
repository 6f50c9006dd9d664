"""Whether the examples that a method is to keep exist, as far as the catalogue tells."""

from lethe.config.catalogue import Catalogue
from lethe.errors import UserError
from lethe.methods.parameters.base import MethodParameters
from lethe.parameters.entries import parse_mixture
from lethe.planning.data import generated_rows


def require_buffer_fits(
    catalogue: Catalogue, name: str, hyper: MethodParameters, mixtures: list[str]
) -> None:
    """Refuse a `capacity` above the number of examples that later stages can look back on.

    A stage whose count only its data tell passes; where every stage needs enough, its own job
    refuses it then.

    Args:
        name: of the method's entry.
        mixtures: of the chain's stages, in order; the last one is never looked back on.

    Raises:
        UserError: the capacity is too large.
    """
    capacity = getattr(hyper, "capacity", None) if hyper.capacity_of else None
    counts = {mixture: _count(catalogue, mixture) for mixture in mixtures[:-1]}
    if capacity is None or not counts:
        return
    where, fewer = f"methods.{name}.hyper.capacity", "lower it"
    if hyper.capacity_of == "stage":
        fewer += ", or leave it out to keep all of them"
        of = {f"{mixture!r} draws {count}": count for mixture, count in counts.items()}
    else:
        total = None if None in counts.values() else sum(counts[m] for m in mixtures[:-1])
        of = {f"the stages before the last draw {total}": total}
    for words, count in of.items():
        if count is not None and count < capacity:
            raise UserError(
                f"{where}: expected at most as many examples as there are to keep, found "
                f"{capacity}, and {words}; {fewer}."
            )


def _count(catalogue: Catalogue, mixture: str) -> int | None:
    """Examples of a stage; None if a task's number is known to its data alone."""
    counts = [
        count or catalogue.tasks[task].count or generated_rows(catalogue, task)
        for task, count in parse_mixture(mixture)
    ]
    if None in counts:
        return None
    # Joined texts are counted as documents, which pieces of another length are cut from.
    joined = any(catalogue.tasks[task].joined for task, _ in parse_mixture(mixture))
    return None if joined else sum(counts)
