"""Run the command line as `python -m spq`."""

import sys

from spq.cli import main

if __name__ == "__main__":
    sys.exit(main())
