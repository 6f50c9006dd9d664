"""Python code reduced to what it does: no comments, docstrings, annotations or unused imports."""

import ast
from collections.abc import Iterator

NO_MEANING = {"ctx", "type_comment", "kind", "type_ignores", "type_params"}
# Annotations that make a dataclass treat a field differently.
SPECIAL_FIELDS = {"ClassVar", "InitVar", "KW_ONLY"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def words(tree: ast.Module, package: str) -> list[str]:
    """The code as a flat list of words; equal lists mean equal behaviour.

    Annotations of fields are kept where a class may read them: in a class that has bases or
    decorators (pydantic models, named tuples). A plain dataclass ignores most of them.
    """
    _strip(tree)
    used = {node.id for node in _walk(tree) if isinstance(node, ast.Name)}
    _drop_unused_imports(tree, used, package)
    result: list[str] = []
    _write(tree, result)
    return result


def imports_of(tree: ast.Module, name: str, is_package: bool) -> list[str]:
    """Dotted names that a module may import, also inside functions; some may not be modules.

    Call it after `words`, which removes what only type checkers read.
    """
    names: set[str] = set()
    here = name.split(".") if is_package else name.split(".")[:-1]
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            names.add(module)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    names |= set(_named_at_run_time(tree))
    root = name.split(".")[0]
    return sorted(item for item in names if item.split(".")[0] == root and item != name)


def _named_at_run_time(tree: ast.Module) -> Iterator[str]:
    """The constant arguments of import_module("...")."""
    for node in _walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called == "import_module" and isinstance(node.args[0].value, str):
                yield node.args[0].value


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        body = getattr(node, field, None)
        if isinstance(body, list):
            yield body
    for field in ("handlers", "cases"):
        for part in getattr(node, field, None) or []:
            yield part.body


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    for body in _bodies(node):
        for statement in body:
            yield statement
            yield from _statements(statement)


def _strip(node: ast.AST) -> None:
    """Remove docstrings and annotations from a tree, in place."""
    if isinstance(node, FUNCTIONS):
        node.returns = None
        arguments = node.args
        extra = [item for item in (arguments.vararg, arguments.kwarg) if item]
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]:
            argument.annotation = None
    for body in _bodies(node):
        kept = []
        for statement in body:
            statement = _stripped_statement(statement, node)
            if statement is not None:
                _strip(statement)
                kept.append(statement)
        body[:] = kept


def _stripped_statement(statement: ast.stmt, parent: ast.AST) -> ast.stmt | None:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return None  # a docstring, or a constant that does nothing
    if isinstance(statement, ast.Pass):
        return None
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        statement.names = [name for name in statement.names if name.name != "annotations"]
        return statement if statement.names else None
    if isinstance(statement, ast.If) and _is_type_checking(statement.test):
        statement.test, statement.body = ast.Constant(False), []
        return statement if statement.orelse else None
    if isinstance(statement, ast.AnnAssign):
        return _stripped_annotation(statement, parent)
    return statement


def _is_type_checking(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"


def _stripped_annotation(statement: ast.AnnAssign, parent: ast.AST) -> ast.stmt | None:
    if isinstance(parent, ast.ClassDef) and (parent.bases or parent.decorator_list):
        if _is_plain_dataclass(parent) and not _mentions_special(statement.annotation):
            statement.annotation = ast.Constant(None)
        return statement  # a field: its presence and order matter
    if statement.value is None:
        return None
    return ast.Assign(targets=[statement.target], value=statement.value)


def _is_plain_dataclass(node: ast.ClassDef) -> bool:
    names = set()
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        names.add(getattr(called, "attr", getattr(called, "id", "")))
    return not node.bases and names == {"dataclass"}


def _mentions_special(annotation: ast.expr) -> bool:
    text = ast.unparse(annotation)
    return any(name in text for name in SPECIAL_FIELDS)


def _drop_unused_imports(node: ast.AST, used: set[str], package: str) -> None:
    """Drop imports that only annotations needed, but keep those of our own modules.

    An import of our own may have effects; one of a library does nothing if its name is unused.
    """
    for body in _bodies(node):
        kept = []
        for statement in body:
            if isinstance(statement, ast.Import):
                statement.names = [
                    alias
                    for alias in statement.names
                    if alias.name.split(".")[0] == package
                    or (alias.asname or alias.name.split(".")[0]) in used
                ]
            elif isinstance(statement, ast.ImportFrom) and not _is_own(statement, package):
                statement.names = [
                    alias
                    for alias in statement.names
                    if alias.name == "*" or (alias.asname or alias.name) in used
                ]
            if isinstance(statement, ast.Import | ast.ImportFrom) and not statement.names:
                continue
            _drop_unused_imports(statement, used, package)
            kept.append(statement)
        body[:] = kept


def _is_own(statement: ast.ImportFrom, package: str) -> bool:
    return bool(statement.level) or (statement.module or "").split(".")[0] == package


def _write(value: object, result: list[str]) -> None:
    if isinstance(value, ast.AST):
        result.append("(" + type(value).__name__)
        for field in value._fields:
            item = getattr(value, field, None)
            # Empty fields are left out, because newer versions of Python add such fields.
            if item is None and not isinstance(value, ast.Constant | ast.MatchSingleton):
                continue
            if field in NO_MEANING or (isinstance(item, list) and not item):
                continue
            result.append(field)
            _write(item, result)
        result.append(")")
    elif isinstance(value, list):
        result.append("[")
        for item in value:
            _write(item, result)
        result.append("]")
    else:
        result.append(ascii(value))
