"""`python -m bg_assets_tests.notifications.keeping PORT FILE`: a receiver that may be killed.

It notes what it gets before it answers: a line with the id, the company and the refresh. It
verifies nothing and knows no id again: that is for who reads the file.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from bg_assets_tests.notifications.receivers import Got, Said, receiving


def main(port: int, file: Path) -> None:
    """Serve until killed."""
    number = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def keep(got: Got, handler: BaseHTTPRequestHandler) -> Said:
        data = json.loads(got.body)["data"]
        line = [got.headers["webhook-id"], data["company"]["id"], data["refresh_id"]]
        # One call: what is killed in between has written a whole line or none.
        os.write(number, (json.dumps(line) + "\n").encode())
        return Said()

    with receiving(keep, port):
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
