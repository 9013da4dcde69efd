"""
Start-up code of every process of the stack, which has this folder first on its PYTHONPATH.

`IONQ_TEST_NAMES` is a folder that stands for the DNS zone `ionq.test`: a name of that zone resolves to this machine
while the folder has a file of that name. `IONQ_TEST_CHILDREN_FAKETIME` shifts the clock of all forked processes, for
instance by `+3600s`, if libfaketime is preloaded: the clock of a scheduler's workers, not of the scheduler itself.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

ZONE = ".ionq.test"

_really_resolve = socket.getaddrinfo


def _resolve(host: Any, *arguments: Any, **options: Any) -> Any:
    if not isinstance(host, str) or not host.endswith(ZONE):
        return _really_resolve(host, *arguments, **options)
    if not (Path(os.environ["IONQ_TEST_NAMES"]) / host).exists():
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _really_resolve("127.0.0.1", *arguments, **options)


if "IONQ_TEST_NAMES" in os.environ:
    socket.getaddrinfo = _resolve

if "IONQ_TEST_CHILDREN_FAKETIME" in os.environ:
    os.register_at_fork(after_in_child=lambda: os.environ.update(FAKETIME=os.environ["IONQ_TEST_CHILDREN_FAKETIME"]))
