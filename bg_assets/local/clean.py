"""`python -m bg_assets.local.clean`: stop the embedded servers and remove what they hold.

Their data may lie outside the checkout (see bg_assets.embedded.places), so `make clean` asks here.
"""

from bg_assets import settings
from bg_assets.embedded.server import EmbeddedPostgres

if __name__ == "__main__":
    home = settings.read().home
    for folder in (home, home / "demo"):
        EmbeddedPostgres(folder).destroy()
