"""Imports of the package by Airflow and DAG files, and its provider metadata."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator
from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple
from airflow.triggers.base import BaseTrigger

import airflow_provider_ionq
from airflow_provider_ionq.api.settings import EXTRA_FIELDS
from airflow_provider_ionq.get_provider_info import CONNECTION_FIELDS, get_provider_info

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(airflow_provider_ionq.__file__).parent

CONTRACTS = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
# The last layer is below all: the metadata and the emulator, which have tests of their own.
WITHOUT_AIRFLOW = [name for layer in LAYERS[LAYERS.index("exceptions") + 1 : -1] for name in layer.split(" | ")]


def listed(kind: str) -> list[str]:
    """Return the modules that the metadata lists under a kind."""
    return [module for entry in get_provider_info()[kind] for module in entry["python-modules"]]


IN_DAG_FILES = (
    *listed("operators"),
    *listed("sensors"),
    *(decorator["class-name"].rpartition(".")[0] for decorator in get_provider_info()["task-decorators"]),
    "airflow_provider_ionq.task_groups.session",
    "airflow_provider_ionq.loops",
)

BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
"""


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.one_airflow
def test_the_packages_below_the_hook_work_without_airflow() -> None:
    code = (
        "import importlib, pkgutil\n"
        f"for name in {WITHOUT_AIRFLOW!r}:\n"
        "    package = importlib.import_module(f'airflow_provider_ionq.{name}')\n"
        "    for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith(('circuits.cirq', 'circuits.qiskit')):\n"
        "            importlib.import_module(module.name)\n"
    )
    run_python(BLOCK.format(blocked=["airflow"]) + code)


@pytest.mark.one_airflow
def test_every_layer_below_the_exceptions_is_forbidden_to_import_airflow() -> None:
    (forbidden,) = (one for one in CONTRACTS if "airflow_provider_ionq.api" in one.get("source_modules", ()))
    assert set(forbidden["source_modules"]) == {f"airflow_provider_ionq.{name}" for name in WITHOUT_AIRFLOW}
    assert "airflow" in forbidden["forbidden_modules"]


@pytest.mark.one_airflow
def test_metadata_loads_nothing_but_the_version() -> None:
    code = "import sys; before = set(sys.modules); import airflow_provider_ionq.get_provider_info; "
    code += "print([m for m in set(sys.modules) - before if 'ionq' in m or m.startswith(('airflow.', 'requests'))])"
    assert sorted(eval(run_python(code))) == ["airflow_provider_ionq", "airflow_provider_ionq.get_provider_info"]


def test_dag_file_loads_no_http_library_through_the_provider() -> None:
    code = (
        "import json, sys\n"
        "from airflow.providers.common.compat.sdk import DAG, BaseHook, BaseOperator, BaseSensorOperator, task\n"
        "before = set(sys.modules)\n"
        f"import {', '.join(IN_DAG_FILES)}\n"
        "airflow_provider_ionq.sensors.session.IonQSessionSensor(task_id='t', session_id='s', status='started')\n"
        "with DAG('d'), airflow_provider_ionq.task_groups.session.ionq_session(\n"
        "    'g', backend='b', duration_limit_min=1\n"
        ") as session:\n"
        "    airflow_provider_ionq.sensors.session.IonQSessionSensor(task_id='t', session_id='s', status='started')\n"
        "print('MODULES' + json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    loaded = json.loads(run_python(code).split("MODULES")[1])
    assert "airflow_provider_ionq.sensors.session" in loaded
    http = {
        "requests",
        "urllib3",
        "httpx",
        "aiohttp",
        "http.client",
        "airflow_provider_ionq.api.answer_body",
        "airflow_provider_ionq.api.bounded_http",
        "airflow_provider_ionq.api.client",
        "airflow_provider_ionq.api.transport",
    }
    assert not http & set(loaded)
    assert not [name for name in loaded if name.startswith("airflow_provider_ionq.emulator")]


@pytest.mark.one_airflow
def test_dag_file_loads_nothing_that_only_a_running_task_needs() -> None:
    code = (
        "import json, sys\n"
        "from airflow.providers.common.compat.sdk import BaseHook, BaseOperator, BaseSensorOperator\n"
        f"import {', '.join(IN_DAG_FILES)}\n"
        "print('MODULES' + json.dumps(sorted(sys.modules)))\n"
    )
    loaded = json.loads(run_python(code).split("MODULES")[1])
    of_tasks = (
        "hooks",
        "triggers",
        "api.settings",
        "waiting.blocking_poller",
        "waiting.poller",
        "sessions.create",
        "jobs.submit",
        "results.fetch",
    )
    prefixes = tuple(f"airflow_provider_ionq.{name}" for name in of_tasks)
    assert not [name for name in loaded if name.startswith(prefixes)]


def test_entry_point_leads_to_the_metadata() -> None:
    (entry,) = (e for e in entry_points(group="apache_airflow_provider") if e.value.startswith("airflow_provider_ionq"))
    assert entry.load()() == get_provider_info()


def test_metadata_names_modules_and_classes_that_exist() -> None:
    info = get_provider_info()
    assert info["versions"] == [airflow_provider_ionq.__version__]
    modules = [module for kind in ("hooks", "operators", "sensors", "triggers") for module in listed(kind)]
    (connection,) = info["connection-types"]
    module, _, name = connection["hook-class-name"].rpartition(".")
    run_python(f"import {', '.join(modules)}; assert {module}.{name}.conn_type == {connection['connection-type']!r}")


def own_classes(kind: str, base: type) -> Iterator[type]:
    """Yield the classes for users in the package of a kind: those of Airflow's base class, except our own bases."""
    package = importlib.import_module(f"airflow_provider_ionq.{kind}")
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            is_own = isinstance(value, type) and value.__module__ == found.name and issubclass(value, base)
            if is_own and value.__name__.startswith("IonQ") and not found.name.endswith(".base"):
                yield value


@pytest.mark.one_airflow
@pytest.mark.parametrize(
    ("kind", "base"), [("operators", BaseOperator), ("sensors", BaseSensorOperator), ("triggers", BaseTrigger)]
)
def test_metadata_names_the_module_of_every_operator_sensor_and_trigger(kind: str, base: type) -> None:
    assert {cls.__module__ for cls in own_classes(kind, base)} <= set(listed(kind))


@pytest.mark.one_airflow
@pytest.mark.parametrize(("kind", "base"), [("operators", BaseOperator), ("sensors", BaseSensorOperator)])
def test_the_api_page_lists_every_operator_and_sensor(kind: str, base: type) -> None:
    page = (PACKAGE.parent / "docs" / "api.md").read_text()
    names = {cls.__name__ for cls in own_classes(kind, base)}
    assert names
    assert {name for name in names if not re.search(rf"\b{name}\b", page)} == set()


def test_every_extra_is_declared_with_label_and_type() -> None:
    assert tuple(CONNECTION_FIELDS) == EXTRA_FIELDS
    for field in CONNECTION_FIELDS.values():
        assert field["label"]
        assert "null" in field["schema"]["type"], "the form stores null for an empty field"


def test_airflow_shows_provider_and_connection_type() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    assert manager.providers["airflow-provider-ionq"].version == airflow_provider_ionq.__version__
    hook = manager.hooks["ionq"]
    assert hook is not None
    assert (hook.hook_name, hook.connection_id_attribute_name) == ("IonQ", "ionq_conn_id")


@pytest.mark.skipif(
    get_base_airflow_version_tuple()[:2] in ((3, 0), (3, 1)) and not find_spec("flask_appbuilder"),
    reason="Airflow 3.0 and 3.1 ask a hook for its form only where there is Flask-AppBuilder",
)
def test_airflow_shows_the_connection_form() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    # Makes the manager read the hooks, which fills in the form.
    assert manager.hooks["ionq"] is not None
    fields = {name for name in manager.connection_form_widgets if name.startswith("extra__ionq__")}
    assert fields == {f"extra__ionq__{name}" for name in EXTRA_FIELDS}
    behaviour = manager.field_behaviours["ionq"]
    assert set(behaviour.get("hidden-fields") or behaviour["hidden_fields"]) == {"login", "schema"}
    assert behaviour["relabeling"] == {"password": "API key", "host": "API address"}
    assert "443" in behaviour["placeholders"]["port"], "Airflow 3.3 tests no stored connection without a port"
