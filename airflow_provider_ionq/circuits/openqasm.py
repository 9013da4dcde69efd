"""OpenQASM 3 as text. It is not parsed here: IonQ checks it after the submission."""

from __future__ import annotations

import re

from airflow_provider_ionq.api.json_text import json_text

_BEGINS = re.compile(r"(\s|//[^\n]*|/\*.*?\*/)*OPENQASM\s+(\d+)(\.\d+)?\s*;", re.DOTALL)


def is_openqasm(text: object) -> bool:
    """Return whether a value is the text of an OpenQASM program, of any version."""
    return isinstance(text, str) and _BEGINS.match(text) is not None


def openqasm3_of(name: str, text: object) -> str:
    """
    Return the text of an OpenQASM 3 program.

    :param name: name of the argument, for the error.
    :param text: the text.
    :raises ValueError: if it does not begin as such a program.
    """
    version = _BEGINS.match(text) if isinstance(text, str) else None
    if version is None:
        raise ValueError(f"{name} must be an OpenQASM 3 program that begins with 'OPENQASM 3;', not {json_text(text)}")
    if version[2] != "3":
        raise ValueError(f"{name} is a program of OpenQASM {version[2]}: IonQ runs OpenQASM 3")
    return str(text)
