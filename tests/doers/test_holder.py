"""Who holds a lease, and whether they are surely gone."""

import os
import platform
import shutil
import subprocess
import sys

import pytest

from kaizen.doers import holder as module
from kaizen.doers.holder import holder, is_gone


def dead() -> str:
    """Return a holder that was alive a moment ago."""
    script = "from kaizen.doers.holder import holder; print(holder())"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def test_alive_and_dead() -> None:
    """We live; the one that was is gone; a number used again is not taken for it."""
    assert holder() == holder()
    assert holder().startswith(f"{platform.node()}/{os.getpid()}/")
    assert not is_gone(holder())
    assert is_gone(dead())
    host, pid, start = holder().split("/")
    ticks, _, space = start.partition(".")
    assert is_gone(f"{host}/{pid}/{int(ticks) - 1}.{space}" if space else f"{host}/{pid}/another")


def test_a_zombie_is_gone() -> None:
    """Dead, not yet reaped, and holding nothing."""
    told, teller = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(teller, holder().encode())
        os._exit(0)
    who = os.read(told, 1000).decode()
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert is_gone(who)
    os.waitpid(child, 0)
    assert is_gone(who)
    os.close(told)
    os.close(teller)


@pytest.mark.parametrize(
    "who",
    ["", "ana", "elsewhere/1/2", f"{platform.node()}/1/?", f"{platform.node()}/x/2", f"{platform.node()}/1/5.999"],
)
def test_what_cannot_be_known_is_not_gone(who: str) -> None:
    """People, other hosts, other containers, other forms."""
    assert not is_gone(who)


def test_where_nobody_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a start, nobody is called gone."""
    gone = dead()
    monkeypatch.setattr(module, "_start", lambda _: None)
    assert not is_gone(gone)
    assert holder().endswith("/?")


@pytest.mark.skipif(not shutil.which("ps"), reason="no ps")
def test_by_ps() -> None:
    """Where there is no /proc, ps tells."""
    assert module._start_by_ps(os.getpid()) == module._start_by_ps(os.getpid())
    assert module._start_by_ps(os.getpid()) not in {None, "gone"}
    assert "gone" == module._start_by_ps(int(dead().split("/")[1]))
