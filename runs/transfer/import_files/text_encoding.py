"""Convert files in UTF-16 and UTF-32, as some shells and editors write them, to UTF-8."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator

from runs.errors import UnreadableBody
from runs.transfer.import_files.unpacking import ChunkStream

_MAX_BYTE_ORDER_MARK = 4  # bytes


def convert_to_utf8(stream: ChunkStream) -> Iterator[bytes]:
    """Yield the text of `stream` in UTF-8, without a byte order mark.

    The byte order mark or the zero bytes at the start tell the encoding (RFC 4627, section 3). Text in other
    encodings is returned as it is.

    Raises:
        UnreadableBody: the text is not valid in its encoding.
    """
    start = stream.peek(_MAX_BYTE_ORDER_MARK)
    encoding = json.detect_encoding(start)
    if encoding.startswith("utf-8"):
        if start.startswith(codecs.BOM_UTF8):
            stream.read(len(codecs.BOM_UTF8))
        yield from stream
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in stream:
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise UnreadableBody(f"the text is not valid {encoding.upper()}: {error}") from error
