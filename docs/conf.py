"""Configuration of the documentation."""

from __future__ import annotations

import os
import tempfile

# Importing Airflow writes a configuration file into its home: not into the reader's.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="ionq-docs-"))

from airflow_provider_ionq import __version__  # noqa: E402 - after the home is set

project = "airflow-provider-ionq"
author = "the authors of airflow-provider-ionq"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's name
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"{project} {release}"

default_role = "code"
nitpicky = True
nitpick_ignore_regex = [
    # Airflow, requests and the standard library have inventories, but the build must not depend on the network.
    (r"py:.*", r"(?!airflow_provider_ionq).*"),
    # Internal modules have no page: a docstring may still name them, for instance as the base of a class.
    (
        r"py:.*",
        r"airflow_provider_ionq\.(api\.(jobs|results|transport)|emulator|hooks\.(jobs|results|sessions)|jobs"
        r"|operators\.(job_results|job_wait)|results\.fetch|sensors\.base)\b.*",
    ),
    (r"py:.*", r"airflow_provider_ionq\.(sessions|triggers|utils|waiting)\b.*"),
]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_default_options = {"members": True, "show-inheritance": True}
autoclass_content = "class"
