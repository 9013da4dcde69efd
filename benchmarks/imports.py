"""
The cost of imports on top of `airflow.sdk`, each in a fresh interpreter that finds compiled bytecode.

Run as a program, this module imports the modules that its arguments name, and prints the cost.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

from benchmarks.contestants import AIOHTTP, HTTP_PROVIDER, IONQ_CORE, JOBS, OURS

HTTP_LIBRARIES = ("aiohttp", "httpx", "requests", "urllib3")

MODULES = {
    OURS: ("airflow_provider_ionq.operators.session", "airflow_provider_ionq.sensors.session"),
    JOBS: ("airflow_provider_ionq.decorators.job", "airflow_provider_ionq.jobs.request"),
    HTTP_PROVIDER: ("airflow.providers.http.operators.http", "airflow.providers.http.sensors.http"),
    IONQ_CORE: ("ionq_core",),
    AIOHTTP: ("aiohttp",),
}


@dataclass(frozen=True, slots=True)
class Imported:
    """
    The cost of an import.

    :param seconds: its duration, in seconds.
    :param http_libraries: the HTTP libraries that it loaded, without those of `airflow.sdk`.
    """

    seconds: float
    http_libraries: list[str]


def import_in_fresh_interpreter(name: str, bytecode: str | None = None) -> Imported:
    """
    Import the modules that a DAG file needs.

    :param name: name of the contestant.
    :param bytecode: folder for compiled bytecode, which the first import of each contestant fills; None for Python's
        own folders, which may be empty.
    """
    command = [sys.executable, "-m", "benchmarks.imports", *MODULES[name]]
    environment = dict(os.environ)
    if bytecode is not None:
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = bytecode
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    return Imported(**json.loads(output.splitlines()[-1]))


def main() -> None:
    """Import the named modules after `airflow.sdk`."""
    importlib.import_module("airflow.sdk").BaseOperator  # noqa: B018 - the package loads its parts on first access
    before = set(sys.modules)
    began = time.perf_counter()
    for module in sys.argv[1:]:
        importlib.import_module(module)
    seconds = time.perf_counter() - began
    loaded = sys.modules.keys() - before
    print(json.dumps({"seconds": seconds, "http_libraries": [name for name in HTTP_LIBRARIES if name in loaded]}))


if __name__ == "__main__":
    main()
