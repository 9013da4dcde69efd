"""Leak a string as a careless task would leak a secret."""

from __future__ import annotations

import base64
import logging
from urllib.parse import quote

from airflow.sdk import dag, get_current_context, task


@task
def plant() -> dict[str, str]:
    """Log the string, and return it in other clothes."""
    text: str = (get_current_context()["dag_run"].conf or {})["planted"]
    logging.getLogger(__name__).warning("planted: %s", text)
    header = base64.b64encode(f"apiKey {text}".encode()).decode()
    return {"plain": text, "header": header, "url": f"http://localhost/?key={quote(text, safe='')}"}


@dag(schedule=None, dag_id="plant")
def plant_dag() -> None:
    """Plant."""
    plant()


plant_dag()
