"""The common base of the parts of the IonQ hook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow_provider_ionq.api.ids import id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.settings import ClientSettings


class HookMethods:
    """The base of a part of :class:`~airflow_provider_ionq.hooks.ionq.IonQHook`, which declares what the part uses."""

    if TYPE_CHECKING:
        ionq_conn_id: str
        log: Any

        def get_settings(self) -> ClientSettings: ...

        def get_conn(self) -> IonQClient: ...


def plain_id(value: str | Mapping[str, Any]) -> str:
    """Return the id of a session or job from the id or its JSON; the client rejects an invalid one."""
    return cast("str", id_of(value))
