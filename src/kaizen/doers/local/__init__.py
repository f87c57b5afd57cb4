"""Runs carried out on this machine, each under a guardian: nothing outlives its limit, its work or its supervisor.

    supervisor ── nursery ── guardian ── the work (a command) ── whatever the work starts
             └────────────── guardian ── the work (a function)

``doer``      the doer: starts runs, waits for them, says what came of them
``nursery``   a small process that forks guardians of commands, so that a large supervisor is not copied
``guard``     the guardian: starts one work, measures it, ends it and everything that it started
``call``      a Python function as work
``surroundings``  what the work finds in its environment
``reads``     a reading or a fault out of what the work left
``worktree``  a checkout for each revision of the code
``revisions`` what people call two revisions, and the working tree as one
``bare``      where there is no fork (Windows): commands only, and without a guardian
"""

from kaizen.doers.local.doer import LocalDoer

__all__ = ["LocalDoer"]
