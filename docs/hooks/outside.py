"""Pages link to files of the project that lie outside of `docs/`: those become a part of the site.

A link such as `../results/reference/drift.md` works where a code host shows the page. Here every
file that is linked so, and what it links to in turn, is put below `project/` of the site.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

LINK = re.compile(r"\]\(([^)\s#]+)[^)\s]*\)")
OUTSIDE = "../"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside that pages link to."""
    # As links are, in a checkout that is reached through a symbolic link.
    docs = Path(config.docs_dir).resolve()
    waiting = [docs / page.src_uri for page in files.documentation_pages()]
    while waiting:
        page = waiting.pop()
        for link in linked(page):
            uri = relative(link, docs)
            if files.get_file_from_path(uri) is None:
                files.append(outside(link, uri, config))
                waiting += [link] if link.suffix == ".md" else []
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A page outside links to a page inside by its path from the folder of the pages."""
    if not page.file.src_uri.startswith(OUTSIDE):
        return markdown
    inside = rf"\]\((\.\./)*{Path(config.docs_dir).name}/"
    return re.sub(inside, "](/", markdown)


def linked(page: Path) -> list[Path]:
    """The files that a page links to, in the order of its links."""
    links = LINK.findall(page.read_text(encoding="utf-8"))
    targets = [(page.parent / link).resolve() for link in links if "://" not in link]
    return [target for target in targets if target.is_file()]


def relative(path: Path, docs: Path) -> str:
    """The path as links from the folder `docs` have it."""
    if path.is_relative_to(docs):
        return path.relative_to(docs).as_posix()
    return OUTSIDE + path.relative_to(docs.parent).as_posix()


def outside(path: Path, uri: str, config: MkDocsConfig) -> File:
    """A file of the site from one outside of the pages' folder."""
    level = InclusionLevel.NOT_IN_NAV
    file = File.generated(config, uri, abs_src_path=str(path), inclusion=level)
    file.dest_uri = f"project/{file.dest_uri.removeprefix(OUTSIDE)}"
    return file
