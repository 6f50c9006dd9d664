"""Nodes, bases and the plan that holds them and the runs."""

from dataclasses import dataclass, field, replace
from typing import Any

from lethe.artefacts.lineage import inputs_of
from lethe.artefacts.strict_json import digest
from lethe.longtables.run import Origin, Run


@dataclass(frozen=True)
class Node:
    """Anything with a spec and an id. `inputs` are the (kind, id) it is made from."""

    id: str
    kind: str
    spec: dict[str, Any]
    inputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Base(Origin):
    """Where a run starts: the node, the words of its model, and the mixtures it was trained on.

    tokenizer: the node that holds the model's tokenizer. For a model that is built here it is the
        data node, so that its bases of all seeds share what is tokenized.
    """

    node: Node
    tokenizer: Node
    history: tuple[str, ...] = ()
    mixtures: tuple[list[dict[str, Any]], ...] = ()

    @property
    def slug(self) -> str:
        return slug_of(self.model, self.world_seed, self.base_seed)

    def after(self, mixture: str, components: list[dict[str, Any]]) -> "Base":
        """The same start, trained on one more mixture."""
        return replace(
            self, history=(*self.history, mixture), mixtures=(*self.mixtures, components)
        )


@dataclass
class Plan:
    """All nodes of a study by id, its runs, and each checkpoint's probe and end-task nodes.

    `probes` holds the probe node by name of the probe, for each checkpoint.
    `data` holds the data node of each source and world seed: many stages share few of them.
    `rows` holds how many rows the files of a data node will have, of those where it is known.
    `sizes` holds the approximate number of parameters of a node's model, if it is known; it changes
    no result and is in no spec. `results` is the folder in which fetched files may tell it.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    probes: dict[str, dict[str, str]] = field(default_factory=dict)
    end_tasks: dict[str, list[str]] = field(default_factory=dict)
    data: dict[tuple[str, int | None], Node] = field(default_factory=dict)
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)
    results: str = "results"

    def add(self, kind: str, slug: str, spec: dict[str, Any], size: float = 0.0) -> Node:
        """The node of a spec, added if it is new; the same spec always gives the same node."""
        spec = {"kind": kind, **spec}
        node = Node(f"{slug}-{digest(spec)[:12]}", kind, spec, tuple(inputs_of(spec)))
        if size:
            self.sizes[node.id] = size
        return self.nodes.setdefault(node.id, node)

    def of_kind(self, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind == kind]


def chat_of(checkpoint: Node) -> dict[str, Any]:
    """For the specs of what is made from a checkpoint: its `chat`, if its prompts are chats."""
    return {"chat": checkpoint.spec["chat"]} if "chat" in checkpoint.spec else {}


def slug_of(model: str, world_seed: int | None, base_seed: int | None) -> str:
    parts = [model]
    parts += [f"w{world_seed}"] if world_seed is not None else []
    parts += [f"b{base_seed}"] if base_seed is not None else []
    return "-".join(parts)


def slug_word(mixture: str) -> str:
    return mixture.replace("&", "_").replace(":", "")[:24]
