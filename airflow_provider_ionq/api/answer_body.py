"""
Read a response body of bounded size.

Rules of this file: the size is checked while the body is read, and decompression stops at the limit.
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
    """A response exceeds its size limit, as sent or decompressed."""


def read_body(response: requests.Response, limit: int, body: bytearray) -> None:
    """
    Read and decompress a response body.

    :param response: a streamed response.
    :param limit: largest size in bytes, both as sent and decompressed.
    :param body: receives the data as it arrives, so that the beginning is available if the rest is lost.
    :raises AnswerTooLargeError: if the body is larger; `body` then holds at most `limit` bytes.
    :raises DecodeError: if the body cannot be decompressed.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise DecodeError(f"its content encoding was not requested: {encoding}")
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
        raise DecodeError("the compressed data is truncated")


class _Decompressor:
    """
    Expands gzip and zlib data.

    :param body: receives the decompressed data.
    :param limit: largest size of the body, in bytes.
    """

    def __init__(self, body: bytearray, limit: int) -> None:
        self._body = body
        self._limit = limit
        self._stream = zlib.decompressobj(GZIP_OR_ZLIB)
        self._began = False

    @property
    def is_whole(self) -> bool:
        """Whether the compressed stream is complete."""
        return self._stream.eof or not self._began

    def feed(self, data: bytes) -> None:
        """
        Expand the next part of the data.

        :raises AnswerTooLargeError: if the body would exceed the limit.
        :raises DecodeError: if the data is not gzip or zlib data.
        """
        try:
            while data:
                if self._stream.eof:
                    if not data.startswith(GZIP_MAGIC):
                        return  # padding after the end, which other clients ignore as well
                    self._stream = zlib.decompressobj(GZIP_OR_ZLIB)
                self._began = True
                self._add(self._stream.decompress(data, READ_AT_ONCE))
                data = self._stream.unconsumed_tail or self._stream.unused_data
            # Output that zlib still buffers.
            while not self._stream.eof and (rest := self._stream.decompress(b"", READ_AT_ONCE)):
                self._add(rest)
        except zlib.error as error:
            raise DecodeError(f"it does not match its content encoding: {error}") from error

    def _add(self, expanded: bytes) -> None:
        if len(self._body) + len(expanded) > self._limit:
            raise AnswerTooLargeError
        self._body += expanded
