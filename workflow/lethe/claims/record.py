"""The claims of a study as plain records, which is all that `lethe claims` is told of them."""

from pathlib import Path
from typing import Any

from lethe.artefacts import write_json
from lethe.config import Catalogue, Study
from lethe.strict_json import digest


def claims_record(study: Study, catalogue: Catalogue) -> dict[str, Any]:
    """The study's claims by name, in the order that it lists them."""
    return {
        "study": study.study,
        "claims": [
            {"name": name, **catalogue.claims[name].model_dump(mode="json")}
            for name in study.claims
        ],
    }


def write_claims_record(study: Study, record: dict[str, Any]) -> str:
    """The record's path, whose name holds its digest; written if the study has claims."""
    # Beside the study's record: what begins with `study-` is no node's spec.
    name = f"study-{study.study}-claims-{digest(record)[:12]}.json"
    path = Path(study.output) / "specs" / name
    if record["claims"] and not path.exists():
        write_json(path, record)
    return str(path)
