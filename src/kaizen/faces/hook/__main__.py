"""Run by the hook's script, in isolation and without site packages; where Kaizen lies is told by where this file lies."""

import faulthandler
import os
import sys

# Before anything else is loaded: a disk that hangs, a lock, a pipe that nobody writes to, all end here, and the commit goes on.
faulthandler.dump_traceback_later(0.6, exit=True, file=os.open(os.devnull, os.O_WRONLY))
sys.path.insert(0, __file__.rpartition("/kaizen/")[0])

from kaizen.faces.hook import main  # noqa: E402 - the watchdog comes first

if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # nothing is left to be tidied up, and a commit waits
