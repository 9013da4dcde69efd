"""HTTP answers in the format of the API."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator.faults import Fault

_NAMES = {401: "Unauthorized Error", 404: "Not Found Error"}
_MESSAGES = {
    401: "Invalid key provided: send the header 'Authorization: apiKey <key>' with the key of this emulator.",
    404: "Resource not found.",
    410: "The resource is no longer available.",
}


def reply(content: Any, status: int = 200) -> Response:
    """
    Return an answer with a JSON body.

    :param content: value to encode; characters beyond ASCII are escaped, so that a lone surrogate can be sent back.
    :param status: HTTP status.
    """
    return text_reply(json.dumps(content, allow_nan=False), status)


def text_reply(text: str, status: int = 200) -> Response:
    """
    Return an answer with a JSON body.

    :param text: JSON text.
    :param status: HTTP status.
    """
    return Response(text, status, media_type="application/json")


def error(status: int, message: str | None = None, *, validation: dict[str, Any] | None = None) -> Response:
    """
    Return an answer with the API's error body.

    :param status: HTTP status.
    :param message: error message; None for the default of the status.
    :param validation: source and keys of the invalid input; None to omit it.
    """
    body: dict[str, Any] = {"statusCode": status, "error": _name(status), "message": message or _message(status)}
    if validation is not None:
        body["validation"] = validation
    return reply(body, status)


def fault_reply(fault: Fault) -> Response:
    """Return the answer of a fault."""
    if fault.body is None and fault.status >= 400:
        response = error(fault.status)
    else:
        response = Response(fault.body or b"", fault.status, media_type=fault.content_type)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


def _name(status: int) -> str:
    if status in _NAMES:
        return _NAMES[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _message(status: int) -> str:
    return _MESSAGES.get(status, f"The emulator was configured to answer {status}.")
