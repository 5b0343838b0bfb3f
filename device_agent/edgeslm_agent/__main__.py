"""`python -m edgeslm_agent` is the command `edgeslm-agent`."""

import sys

from edgeslm_agent.cli import main

sys.exit(main())
