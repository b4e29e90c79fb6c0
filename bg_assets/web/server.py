"""`python -m bg_assets.web.server WORKSPACE [ADDRESS]`: the guarded UI of Dagster, on BG_WEB_PORT.

It has no login. Another address than this machine's own is for a container, whose port is published
to the machine alone.
"""

import signal
import sys

import uvicorn

from bg_assets import settings
from bg_assets.instance.private import webserver
from bg_assets.logs import setup
from bg_assets.web.guard import Guard
from bg_assets.web.rules import Rules

HOST = "127.0.0.1"


def serve(workspace: str, config: settings.Settings, address: str = HOST) -> None:
    """Serve the UI of the code locations in the workspace file, at this address, until a signal."""
    rules = Rules(config.web_hosts, config.web_read_only)
    with webserver.ui(workspace, config.web_read_only) as app:
        uvicorn.run(
            Guard(app, rules),
            host=address,
            port=config.web_port,
            log_config=None,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
        )


def main() -> int:
    """Serve until SIGTERM or SIGINT; 2 for a setting that can't be meant."""
    # uvicorn sends itself the signal again when it has ended, and what is open is to be closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        config = settings.read()
        setup.begin("webserver", config)
        serve(sys.argv[1], config, *sys.argv[2:3])
    except settings.BadSetting as err:
        sys.stderr.write(f"{err}\n")
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
