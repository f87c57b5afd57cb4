"""Contours: closed outlines of where a grid of numbers is at least so high, by marching squares."""

from collections.abc import Sequence

Heights = Sequence[Sequence[float | None]]
"""Rows of heights; ``None`` is lower than anything."""
Point = tuple[float, float]
_Edge = tuple[str, int, int]

_NEVER = -float("inf")


def outlines(heights: Heights, xs: Sequence[float], ys: Sequence[float], level: float) -> list[list[Point]]:
    """Return closed outlines of the region at or above ``level``; what is inside one but not in two is the region.

    ``heights[j][i]`` stands at ``(xs[i], ys[j])``. The region ends at the grid's own border.
    """
    padded = [
        [_NEVER] * (len(xs) + 2),
        *([_NEVER, *map(_low, row), _NEVER] for row in heights),
        [_NEVER] * (len(xs) + 2),
    ]
    x, y = [xs[0], *xs, xs[-1]], [ys[0], *ys, ys[-1]]
    joined: dict[_Edge, list[_Edge]] = {}
    for j in range(len(y) - 1):
        for i in range(len(x) - 1):
            for one, other in _crossed(padded, j, i, level):
                joined.setdefault(one, []).append(other)
                joined.setdefault(other, []).append(one)
    return [[_at(edge, padded, (x, y), level) for edge in loop] for loop in _loops(joined)]


def _low(height: float | None) -> float:
    return _NEVER if height is None else height


def _crossed(grid: Sequence[Sequence[float]], j: int, i: int, level: float) -> list[tuple[_Edge, _Edge]]:
    """Return the pairs of a cell's edges that the outline joins."""
    corners = (grid[j][i], grid[j][i + 1], grid[j + 1][i + 1], grid[j + 1][i])
    inside = [corner >= level for corner in corners]
    edges: tuple[_Edge, ...] = (("h", j, i), ("v", j, i + 1), ("h", j + 1, i), ("v", j, i))
    cut = [edges[k] for k in range(4) if inside[k] != inside[(k + 1) % 4]]
    if len(cut) == 4:  # a saddle: the two corners that are unlike its middle are cut off
        unlike_first = (sum(corners) / 4 >= level) != inside[0]
        return (
            [(edges[3], edges[0]), (edges[1], edges[2])]
            if unlike_first
            else [(edges[0], edges[1]), (edges[2], edges[3])]
        )
    return [(cut[0], cut[1])] if cut else []


def _at(
    edge: _Edge, grid: Sequence[Sequence[float]], axes: tuple[Sequence[float], Sequence[float]], level: float
) -> Point:
    """Return where an edge is crossed."""
    kind, j, i = edge
    x, y = axes
    one, other = grid[j][i], grid[j][i + 1] if kind == "h" else grid[j + 1][i]
    if _NEVER in (one, other):
        t = 0.0 if other == _NEVER else 1.0
    else:
        t = (level - one) / (other - one)
    if kind == "h":
        return x[i] + t * (x[i + 1] - x[i]), y[j]
    return x[i], y[j] + t * (y[j + 1] - y[j])


def _loops(joined: dict[_Edge, list[_Edge]]) -> list[list[_Edge]]:
    """Walk every closed chain of edges once."""
    left, found = dict.fromkeys(joined), []
    while left:
        following: _Edge | None = next(iter(left))
        loop = []
        while following is not None:
            del left[following]
            loop.append(following)
            following = next((other for other in joined[following] if other in left), None)
        found.append(loop)
    return found
