"""Where the checkpoint of a base lies on this machine, as far as it does before its job."""

from pathlib import Path
from typing import Any

from lethe.artefacts.paths import fetched_files, node_directory
from lethe.artefacts.strict_json import digest


def base_folder(spec: dict[str, Any], results: str) -> Path | None:
    """The folder with the weights and configuration of a base's spec; it need not be there yet.

    A package may carry a GGUF file, so what counts of it is the base that was made of it.

    Returns:
        None for a base that is trained here or merged.
    """
    if spec.get("source") == "import":
        return Path(spec["path"])
    if spec.get("source") == "package":
        made = node_directory(results, "base", "none").parent
        return next(made.glob(f"*-{digest(spec)[:12]}"), made / "none")
    return fetched_files(results, spec["fetched"]) if "fetched" in spec else None
