"""IonQ's own client, `ionq-core`, with the settings of ours. Needs the extra `ionq-core`. No Airflow."""

from __future__ import annotations

import os
import ssl
import warnings
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_ionq import __version__
from airflow_provider_ionq.api.settings import is_loopback

if TYPE_CHECKING:
    from ionq_core.client import AuthenticatedClient

    from airflow_provider_ionq.api.settings import ClientSettings


def ionq_core_client(settings: ClientSettings) -> AuthenticatedClient:
    """
    Return a client of `ionq-core` with the key, address, time-out, retries, TLS and proxies of our client.

    :param settings: the settings.
    :raises ImportError: if `ionq-core` is not installed; names the extra.
    """
    try:
        import httpx
        from httpx_retries import Retry, RetryTransport
        from ionq_core import ClientExtension, IonQClient
        from ionq_core._transport import RETRYABLE_STATUS_CODES, ErrorRaisingTransport
    except ImportError as error:
        raise ImportError(
            "The client of ionq-core needs the extra 'ionq-core':"
            f" pip install 'airflow-provider-ionq[ionq-core]' ({error})"
        ) from None
    # The transport that ionq-core makes knows neither verify nor proxies, and repeats a POST, which may pay twice.
    retry = Retry(
        total=settings.max_retries,
        backoff_factor=0.5,
        status_forcelist=RETRYABLE_STATUS_CODES,
        allowed_methods=["GET"],
    )
    verify, proxy = _verify(settings), _proxy(settings)
    extension = ClientExtension(
        user_agent_token=f"airflow-provider-ionq/{__version__}",
        transport_wrapper=lambda _: ErrorRaisingTransport(
            RetryTransport(httpx.HTTPTransport(verify=verify, proxy=proxy), retry=retry)
        ),
        async_transport_wrapper=lambda _: ErrorRaisingTransport(
            RetryTransport(httpx.AsyncHTTPTransport(verify=verify, proxy=proxy), retry=retry)
        ),
    )
    with warnings.catch_warnings():
        # It warns of plain http, which the settings allow only to a loopback address.
        warnings.simplefilter("ignore", UserWarning)
        return IonQClient(
            api_key=settings.api_key,
            base_url=settings.base_url,
            timeout=httpx.Timeout(settings.timeout_seconds),
            extension=extension,
        )


def _verify(settings: ClientSettings) -> ssl.SSLContext | bool:
    """Return how to verify the certificate: as requests does, with the CA bundle of the settings or the environment."""
    bundle = settings.verify
    if bundle is True:
        bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    if isinstance(bundle, bool):
        return bundle
    folder = os.path.isdir(bundle)
    return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)


def _proxy(settings: ClientSettings) -> str | None:
    """Return the proxy for the address of the API: that of the settings or of the environment, as requests does."""
    from requests.utils import get_environ_proxies, select_proxy

    if is_loopback(urlsplit(settings.base_url).hostname):
        return None
    chosen = None if settings.proxies is None else select_proxy(settings.base_url, dict(settings.proxies))
    return chosen or select_proxy(settings.base_url, get_environ_proxies(settings.base_url))
