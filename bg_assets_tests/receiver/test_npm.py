"""Events signed by the libraries for JavaScript, as senders use them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bg_assets_tests.receiver.doors import STANDARD, Door, event

PACKAGES = {"standardwebhooks": "^1.1", "svix": "^2"}
_SIGN = """
const { Webhook } = require(process.argv[1]);
const body = require("fs").readFileSync(0, "utf8");
const at = new Date();
const signature = new Webhook(process.argv[2]).sign(process.argv[3], at, body);
process.stdout.write(JSON.stringify([String(Math.floor(at / 1000)), signature]));
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both libraries."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    try:
        done = subprocess.run(
            [*command, *wanted], cwd=folder, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip("npm's registry does not answer in time")
    if done.returncode:
        pytest.skip("npm could not install the libraries: is its registry reachable?")
    return folder


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("prefix", ["webhook", "svix"])
def test_what_the_libraries_for_javascript_sign_is_accepted(
    door: Door, installed: Path, package: str, prefix: str
) -> None:
    name = f"msg.{package}-{prefix}"
    body = json.dumps(event(id=name, note="Zoë — 株式会社"), ensure_ascii=False)
    done = subprocess.run(
        ["node", "-e", _SIGN, package, STANDARD, name],
        input=body, cwd=installed, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    time, signature = json.loads(done.stdout)
    headers = {
        f"{prefix}-id": name,
        f"{prefix}-timestamp": time,
        f"{prefix}-signature": signature,
    }
    answer = door.send(body.encode(), headers)
    assert (answer.status, answer.document["id"]) == (202, name)
    assert door.send(body.encode() + b" ", headers).status == 401
