"""Installs the clients that the tests drive Loci with, into `target/clients`: those of PyPI into an
environment of their own, those of npm beside it. Does nothing where they are there."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target")) / "clients"


def install(stamp, files, how):
    """Runs `how` unless it was run for these files already."""
    contents = b"".join((HERE / file).read_bytes() for file in files)
    wanted = hashlib.sha256(contents).hexdigest()
    stamp = TARGET / stamp
    if stamp.exists() and stamp.read_text() == wanted:
        return
    how()
    stamp.write_text(wanted)


def run(*words, cwd=None):
    # What a test prints on its standard output is not for others' progress.
    subprocess.run(words, cwd=cwd, check=True, stdout=sys.stderr)


def install_python():
    folder = TARGET / "python"
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--only-binary", ":all:", "--no-deps", "--requirement", HERE / "requirements.txt")


def install_node():
    for name in ["package.json", "package-lock.json", ".npmrc"]:
        shutil.copy(HERE / name, TARGET / name)
    run("npm", "ci", "--silent", "--ignore-scripts", cwd=TARGET)


TARGET.mkdir(parents=True, exist_ok=True)
install("python.installed", ["requirements.txt"], install_python)
install("node.installed", ["package-lock.json"], install_node)
