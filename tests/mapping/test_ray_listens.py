"""Who may speak with a Ray that a map has started."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("ray")

SCRIPT = """
import json, os, sys
from fewscape.mapping import ray_engine
ray_engine._stay_here()
import ray
ray.init(include_dashboard=False, log_to_driver=False, num_cpus=1)

@ray.remote
def tell():
    return os.environ.get("RAY_AUTH_MODE")

def listening():
    "Addresses of sockets of this process and those that it started, as the system tells them."
    own = {os.getpid()}
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            pass
    for _ in range(6):
        own |= {child for child, parent in parents.items() if parent in own}
    inodes = set()
    for process in own:
        try:
            for name in os.listdir(f"/proc/{process}/fd"):
                inodes.add(os.readlink(f"/proc/{process}/fd/{name}"))
        except OSError:
            pass
    found = []
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as file:
            for line in file.readlines()[1:]:
                parts = line.split()
                if parts[3] == "0A" and f"socket:[{parts[9]}]" in inodes:
                    found.append(parts[1].partition(":")[0])
    return found

mode = ray.get(tell.remote())
print("told " + json.dumps([mode, listening()]))
"""

HERE = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
"""127.0.0.1 and ::1, as Linux writes them."""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_only_this_machine_and_only_with_a_token():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True
    )
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("told "))
    mode, places = json.loads(line.removeprefix("told "))
    assert mode == "token"
    assert len(places) >= 3
    assert set(places) <= HERE
