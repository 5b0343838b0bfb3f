"""`python -m edgeslm` is the command `edgeslm`."""

import sys

from edgeslm.cli.main import main

sys.exit(main())
