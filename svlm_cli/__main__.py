"""``python -m svlm_cli`` is ``svlm``."""

import sys

from svlm_cli.commands.app import main

if __name__ == "__main__":
    sys.exit(main())
