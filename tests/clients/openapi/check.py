"""schemathesis: whatever the description allows is answered as it says, and nothing else is."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

command = [
    pathlib.Path(sys.executable).with_name("schemathesis"),
    "--config-file", HERE / "schemathesis.toml",
    "run", os.environ["LOCI_URL"] + "/openapi.json",
]
environment = os.environ | {"PYTHONPATH": str(HERE), "SCHEMATHESIS_HOOKS": "rules"}
with tempfile.TemporaryDirectory() as folder:
    run = subprocess.run(
        command, cwd=folder, env=environment, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
# A request of megabytes is told in a line.
sys.stderr.write("\n".join(line[:1_000] for line in run.stdout.splitlines()))
sys.exit(run.returncode)
