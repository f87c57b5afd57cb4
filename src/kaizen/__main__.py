"""``python -m kaizen`` is ``kaizen``."""

import sys

from kaizen.faces.cli import main

if __name__ == "__main__":
    sys.exit(main())
