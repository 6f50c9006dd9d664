"""Names under which loaders are registered, without importing them, which takes seconds."""

import re

from lethe.artefacts.paths import PACKAGE

_REGISTERED = re.compile(r'^@register\("(\w+)"\)', re.MULTILINE)


def loader_names() -> list[str]:
    """Read from the loaders' files; a test holds them equal to the registry's."""
    folder = PACKAGE / "sources" / "loaders"
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))]
    return sorted(name for text in texts for name in _REGISTERED.findall(text))
