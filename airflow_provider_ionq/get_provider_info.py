"""Provider metadata for Airflow. Airflow loads this module often and everywhere: it imports only the version."""

from __future__ import annotations

from typing import Any

from airflow_provider_ionq import __version__

DEFAULT_CONN_ID = "ionq_default"
"""The default of every `ionq_conn_id`."""

UI_FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["login", "schema"],
    "relabeling": {"password": "API key", "host": "API address"},
    "placeholders": {
        "host": "empty: https://api.ionq.co/v0.4",
        "password": "created at https://cloud.ionq.com",
        # Airflow 3.3 sends port 0 when it tests a stored connection without a port, and refuses its own request.
        "port": "443: Test connection needs a port",
    },
}

CONNECTION_FIELDS: dict[str, Any] = {
    "timeout_seconds": {
        "label": "Time-out in seconds",
        "description": "Longest wait for a response of the API. Empty means 30.",
        "schema": {"type": ["number", "null"], "minimum": 1, "maximum": 3600},
    },
    "max_retries": {
        "label": "Retries",
        "description": "Retries of a read request on transient errors. Empty means 3.",
        "schema": {"type": ["integer", "null"], "minimum": 0, "maximum": 10},
    },
    "verify": {
        "label": "Verify TLS",
        "description": "true, false or the path of a CA bundle. Empty means true.",
        "schema": {"type": ["string", "null"]},
    },
    "proxies": {
        "label": "Proxies",
        "description": 'By scheme: {"https": "http://proxy.example:3128"}. Empty means the proxies of the environment.',
        "schema": {"type": ["object", "null"]},
    },
    "console_job_url": {
        "label": "Console URL of a job",
        "description": "With {job_id} for the id. Empty means the list of jobs, https://cloud.ionq.com/jobs.",
        "schema": {"type": ["string", "null"]},
    },
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata."""
    return {
        "package-name": "airflow-provider-ionq",
        "name": "IonQ",
        "description": "Run jobs on the `IonQ Quantum Cloud <https://ionq.com>`__ in sessions that always end.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": "IonQ",
                "external-doc-url": "https://docs.ionq.com",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": "IonQ", "python-modules": ["airflow_provider_ionq.hooks.ionq"]}],
        "operators": [
            {
                "integration-name": "IonQ",
                "python-modules": [
                    "airflow_provider_ionq.operators.session",
                    "airflow_provider_ionq.operators.create_session",
                    "airflow_provider_ionq.operators.end_session",
                    "airflow_provider_ionq.operators.job",
                    "airflow_provider_ionq.operators.results",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": "IonQ",
                "python-modules": ["airflow_provider_ionq.sensors.session", "airflow_provider_ionq.sensors.job"],
            }
        ],
        "triggers": [
            {
                "integration-name": "IonQ",
                "python-modules": [
                    "airflow_provider_ionq.triggers.session",
                    "airflow_provider_ionq.triggers.capacity",
                    "airflow_provider_ionq.triggers.job",
                ],
            }
        ],
        "task-decorators": [
            {"name": "ionq_job", "class-name": "airflow_provider_ionq.decorators.job.ionq_job_task"},
        ],
        "cli": ["airflow_provider_ionq.cli.definition.get_cli_commands"],
        "extra-links": [
            "airflow_provider_ionq.utils.links.IonQConsoleLink",
            "airflow_provider_ionq.utils.links.IonQJobLink",
        ],
        "connection-types": [
            {
                "hook-class-name": "airflow_provider_ionq.hooks.ionq.IonQHook",
                "hook-name": "IonQ",
                "connection-type": "ionq",
                "ui-field-behaviour": UI_FIELD_BEHAVIOUR,
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
    }
