"""``python -m fewscape`` is the ``fewscape`` command."""

import sys

from fewscape.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
