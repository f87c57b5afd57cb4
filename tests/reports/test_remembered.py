"""The page says what memory of other processes contributed: which runs, what speaks for and against it, what it took."""

from pathlib import Path
from typing import Any

import pytest

from kaizen import Policy, Process, Setting, Workshop, lower
from kaizen.ledgers.memory import MemoryLedger
from kaizen.parameter import Real
from kaizen.plan import Plan, Scout
from kaizen.reports import html
from kaizen.reports.remembered import told

HERE, MEMORY = (
    "far from what is known",
    "as in line_a@north and line_c: heat={heat} ({odds} to 1 that memory tells here)",
)


class Scripted:
    """Asks for what it is told to, with the reasons that a planner with memory gives."""

    def __init__(self, asked: list[tuple[float, str]]) -> None:
        self._asked = iter(asked)

    def plan(self, *_: object, **__: object) -> Plan:
        heat, odds = next(self._asked, (0.0, ""))
        because = MEMORY.format(heat=heat, odds=odds) if odds else HERE
        return Scout(setting=Setting(heat=heat), because=because)


def baked(asked: list[tuple[float, str]]) -> Any:
    """A process that ran all that was asked for: nearer to 50 is better, above 90 nothing comes out."""
    process = Process(
        name="oven", parameters=(Real(name="heat", low=0, high=100),), metrics=(lower("burnt", worthwhile=0.02, exact=True),),
        standard=Setting(heat=10.0), policy=Policy(planner="steps"),
    )  # fmt: skip
    bench = Workshop(MemoryLedger(), root=Path(), planner=Scripted(asked)).describe(process)
    for heat, _ in asked:
        run = bench.ask()
        if heat > 90:
            bench.fault(run, "burnt to coal", seconds=60.0)
        else:
            bench.tell(run, burnt=1 + abs(heat - 50), seconds=60.0)
    return bench


ASKED = [
    (10.0, ""),
    (70.0, ""),
    (60.0, "4.7"),
    (30.0, ""),
    (61.0, "16"),
    (1.0, "13"),
    (95.0, "9"),
    (50.0, ""),
    (52.0, "7.8"),
]


@pytest.fixture
def story() -> Any:
    """A story with all that can come of what memory asks for."""
    return baked(ASKED).story(explained=True)


def test_what_memory_asked_for_is_told_with_what_came_of_it(story: Any) -> None:
    """Each of its settings with whence it came, how far it was believed and how it stood; and what speaks for it and against."""
    found = told(story)
    assert found is not None
    assert [(row.run, row.source, row.believed, row.read, row.stood) for row in found.rows] == [
        (3, "line_a@north and line_c", "4.7 to 1", ("burnt 11",), "the best until then"),
        (5, "line_a@north and line_c", "16 to 1", ("burnt 12",), "no worse than half of the others"),
        (6, "line_a@north and line_c", "13 to 1", ("burnt 50",), "wasted"),
        (7, "line_a@north and line_c", "9 to 1", ("fault: told (burnt to coal)",), "no reading"),
        (9, "line_a@north and line_c", "7.8 to 1", ("burnt 3",), "no worse than half of the others"),
    ]
    assert found.lead == (
        "Memory asked for 5 settings, 1 of them the best until then; of 3 that it did not ask for, 2 were. Against it count 2 of "
        "the 1.9 wasted settings that it may cost. It spent 5 runs, 300 s: 55.6 % of all runs."
    )


def test_the_page_shows_it(story: Any) -> None:
    """Under what drives the process: every such run, marked for and against, and the sentence that sums it up."""
    page, found = html.page(story), told(story)
    assert found is not None
    assert '<h3 id="memory">What other processes contributed</h3>' in page
    assert found.lead in page
    assert page.count("line_a@north and line_c</bdi>") == 5
    assert page.count('<span class="bad">▼ wasted</span>') == 1
    assert page.count('<span class="bad">■ no reading</span>') == 1


def test_the_latest_are_shown_where_there_are_many() -> None:
    """And how many earlier ones there are."""
    asked = [(10.0, ""), *((11.0 + heat, "3") for heat in range(30))]
    story = baked(asked).story(explained=True)
    found = told(story)
    assert found is not None
    assert (len(found.rows), found.left, found.rows[-1].run) == (20, 10, 31)
    assert "And 10 earlier settings." in html.page(story)


def test_nothing_is_said_where_it_asked_for_nothing(story: Any) -> None:
    """No memory, or nobody who looked: no section."""
    without = baked([(10.0, ""), (70.0, ""), (60.0, "")]).story(explained=True)
    assert told(without) is None
    assert "What other processes contributed" not in html.page(without)
    assert told(baked(ASKED).story()) is None
    assert told(story) is not None
