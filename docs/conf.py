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
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"IonQ provider for Apache Airflow {release}"

default_role = "code"
nitpicky = True
# Airflow, requests and the standard library have inventories, but the build must not depend on the network.
nitpick_ignore_regex = [(r"py:.*", r"(?!airflow_provider_ionq).*")]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_default_options = {"members": True, "show-inheritance": True}
autoclass_content = "class"
