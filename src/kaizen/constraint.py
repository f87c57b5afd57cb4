"""Known relations between parameters, as expressions that are read, never executed."""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from kaizen.errors import Malformed, Undeclared

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda item, group: item in group,
    ast.NotIn: lambda item, group: item not in group,
}
_CALLS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "abs": abs}
_LONGEST = 1_000
_DEEPEST = 100  # nested so deep, an expression is still far from Python's own limit

Formula = Callable[[Mapping[str, Any]], Any]


@lru_cache(maxsize=512)
def parse(text: str) -> tuple[Formula, frozenset[str]]:
    """Read an expression; return what computes it and the names it uses.

    Numbers, text, true/false, names, ``+ - * / // %``, comparisons, ``in``, ``and or not``, ``a if b else c``,
    ``min max abs`` and tuples are known. Powers, attributes, subscripts and other calls are not: an
    expression can neither reach outside the setting nor run for long.

    Raises:
        Malformed: the text is no such expression.
    """
    if len(text) > _LONGEST:
        raise Malformed(f"a constraint must be at most {_LONGEST} characters; got {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise Malformed(
            f"a constraint must be an expression over parameters; got {text!r}",
            hint="write it like 'block_x * block_y <= 1024'",
        ) from error
    if _depth(tree.body) > _DEEPEST:
        raise Malformed(f"a constraint must be nested at most {_DEEPEST} deep; got {text!r}")
    names: set[str] = set()
    return _compile(tree.body, names, text), frozenset(names)


def holds(text: str, setting: Mapping[str, Any]) -> bool:
    """Tell whether the constraint holds; one that speaks of an inactive parameter does.

    >>> holds("block_x * block_y <= 1024", {"block_x": 64, "block_y": 32})
    False

    Raises:
        Malformed: the expression cannot be computed for this setting (a division by zero, text plus number).
    """
    formula, names = parse(text)
    if not names <= setting.keys():
        return True
    try:
        return bool(formula(setting))
    except (ArithmeticError, TypeError, ValueError) as error:
        raise Malformed(
            f"constraint {text!r} must be computable for every setting; got {error} at {dict(setting)}",
            hint="guard the case in the expression, as in 'b == 0 or a / b <= 4'",
        ) from error


def check_names(text: str, declared: frozenset[str]) -> None:
    """Refuse an expression over undeclared names.

    Raises:
        Undeclared: a name in it is no parameter.
    """
    unknown = sorted(parse(text)[1] - declared)
    if unknown:
        raise Undeclared(
            f"constraint {text!r} must speak of declared parameters only; got {', '.join(unknown)}",
            hint=f"declared are: {', '.join(sorted(declared)) or 'none'}",
        )


def _compile(node: ast.expr, names: set[str], text: str) -> Formula:
    """Turn one node into a function of the setting, by the tables above."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return lambda _: value
        case ast.Name(id=name):
            names.add(name)
            return lambda setting: setting[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _binary(_BINARY[type(op)], _compile(left, names, text), _compile(right, names, text))
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            negated = _compile(inner, names, text)
            return lambda setting: not negated(setting)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            positive = _compile(inner, names, text)
            return lambda setting: -positive(setting)
        case ast.BoolOp(op=op, values=values):
            return _bool(op, [_compile(value, names, text) for value in values])
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARE for op in ops):
            return _compare(
                [_compile(part, names, text) for part in (left, *others)], [_COMPARE[type(op)] for op in ops]
            )
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _choose(*(_compile(part, names, text) for part in (test, body, orelse)))
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            items = [_compile(part, names, text) for part in parts]
            return lambda setting: tuple(item(setting) for item in items)
        case ast.Call(func=ast.Name(id=called), args=args, keywords=[]) if called in _CALLS and args:
            inputs = [_compile(part, names, text) for part in args]
            return lambda setting: _CALLS[called](*(part(setting) for part in inputs))
    raise Malformed(
        "a constraint must be made of names, numbers, comparisons and arithmetic; "
        f"got {_piece(text, node)!r} in {text!r}",
        hint="known are + - * / // %, comparisons, 'in', and/or/not, min, max, abs",
    )


def _depth(tree: ast.expr) -> int:
    """Count the levels of a tree without recursion."""
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _piece(text: str, node: ast.expr) -> str:
    return ast.get_source_segment(text.strip(), node) or text


def _binary(op: Callable[[Any, Any], Any], left: Formula, right: Formula) -> Formula:
    def compute(setting: Mapping[str, Any]) -> Any:
        a, b = left(setting), right(setting)
        if not (isinstance(a, int | float) and isinstance(b, int | float)):
            raise TypeError("arithmetic on what is no number")  # 'x' * 10**9 or (1, 2) * 10**9 would eat the memory
        return op(a, b)

    return compute


def _bool(op: ast.boolop, parts: list[Formula]) -> Formula:
    if isinstance(op, ast.And):
        return lambda setting: all(part(setting) for part in parts)
    return lambda setting: any(part(setting) for part in parts)


def _compare(parts: list[Formula], ops: list[Callable[[Any, Any], bool]]) -> Formula:
    def compute(setting: Mapping[str, Any]) -> bool:
        values = [part(setting) for part in parts]
        return all(op(a, b) for op, a, b in zip(ops, values[:-1], values[1:], strict=True))

    return compute


def _choose(test: Formula, body: Formula, orelse: Formula) -> Formula:
    return lambda setting: body(setting) if test(setting) else orelse(setting)
