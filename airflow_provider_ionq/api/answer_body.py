"""
Read the body of an answer, of a bounded size.

Rules of this file: the size is checked while the body is read, and nothing is decompressed far beyond the limit.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from urllib3.exceptions import DecodeError

if TYPE_CHECKING:
    import requests

READ_AT_ONCE = 64 * 1024
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
GZIP_MAGIC = b"\x1f\x8b"


class AnswerTooLargeError(Exception):
    """An answer has more bytes than its limit allows, decompressed or as sent."""


def read_body(response: requests.Response, limit: int, body: bytearray) -> None:
    """
    Read and decompress the body of an answer.

    :param response: an answer that is streamed.
    :param limit: largest number of bytes, both as sent and decompressed.
    :param body: what arrives is added here, so that the beginning is there when the rest is not.
    :raises AnswerTooLargeError: when there is more; at most `limit` bytes are then in `body`.
    :raises DecodeError: when it cannot be decompressed.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise DecodeError(f"its content encoding was not asked for: {encoding}")
    expand = None if encoding in ("", "identity") else _Decompressor(body, limit)
    sent = 0
    while part := response.raw.read1(READ_AT_ONCE, decode_content=False):
        sent += len(part)
        if sent > limit:
            raise AnswerTooLargeError
        if expand is None:
            body += part
        else:
            expand.feed(part)
    if expand is not None and not expand.is_whole:
        raise DecodeError("the compressed data ends too early")


class _Decompressor:
    """
    Expands gzip and zlib data.

    :param body: what the data expands to is added here.
    :param limit: largest size of the body, in bytes.
    """

    def __init__(self, body: bytearray, limit: int) -> None:
        self._body = body
        self._limit = limit
        self._stream = zlib.decompressobj(GZIP_OR_ZLIB)
        self._began = False

    @property
    def is_whole(self) -> bool:
        """Whether the data ended where it says that it ends."""
        return self._stream.eof or not self._began

    def feed(self, data: bytes) -> None:
        """
        Expand the next part of the data.

        :raises AnswerTooLargeError: when the body would be larger than the limit.
        :raises DecodeError: when it is not compressed data.
        """
        try:
            while data:
                if self._stream.eof:
                    if not data.startswith(GZIP_MAGIC):
                        return  # padding after the end, which other clients ignore too
                    self._stream = zlib.decompressobj(GZIP_OR_ZLIB)
                self._began = True
                self._add(self._stream.decompress(data, READ_AT_ONCE))
                data = self._stream.unconsumed_tail or self._stream.unused_data
            # What zlib still holds back of the data that it has taken.
            while not self._stream.eof and (rest := self._stream.decompress(b"", READ_AT_ONCE)):
                self._add(rest)
        except zlib.error as error:
            raise DecodeError(f"it is not compressed as it says: {error}") from error

    def _add(self, expanded: bytes) -> None:
        if len(self._body) + len(expanded) > self._limit:
            raise AnswerTooLargeError
        self._body += expanded
