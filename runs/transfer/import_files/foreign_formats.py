"""Name what a file is that does not hold JSON, so that it is refused as a whole rather than line by line."""

from __future__ import annotations

import re

# By the first bytes of the file.
_BINARY_FORMATS = {
    b"BZh": "data compressed with bzip2. Decompress it first",
    b"\xfd7zXZ\x00": "data compressed with xz. Decompress it first",
    b"\x04\x22\x4d\x18": "data compressed with lz4. Decompress it first",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive. Unpack it first",
    b"Rar!\x1a\x07": "a RAR archive. Unpack it first",
    b"PAR1": "a Parquet file. Convert it to NDJSON",
    b"Obj\x01": "an Avro file. Convert it to NDJSON",
    b"ARROW1": "an Arrow file. Convert it to NDJSON",
    b"SQLite format 3\x00": "a SQLite database. Export its rows as NDJSON",
    b"PGDMP": "a dump of a Postgres database. Export its rows as NDJSON",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Office document. Export its rows as NDJSON",
    b"%PDF-": "a PDF document",
    b"\x89PNG\r\n": "an image",
    b"\x80\x02": "a Python pickle. Write the objects with json.dumps",
    b"\x80\x03": "a Python pickle. Write the objects with json.dumps",
    b"\x80\x04": "a Python pickle. Write the objects with json.dumps",
    b"\x80\x05": "a Python pickle. Write the objects with json.dumps",
}
# By the beginning of the text, after whitespace.
_TEXT_FORMATS = (
    (rb"<(!doctype|html|head|body)\b", "HTML. Perhaps an error or login page was saved in place of the data"),
    (rb"<(\?xml|[a-z]\w*[\s>])", "XML"),
    (rb"#", "a script, YAML or JSON with comments. Convert it to plain JSON"),
    (rb"\W{0,2}\{\s*'", "Python's notation of objects. Write them with json.dumps"),
    (rb'"?[a-z_][\w .-]*"?([,;\t]"?[a-z_][\w .-]*"?)+\s*[\r\n]', "CSV. Export the objects as JSON or NDJSON"),
    (rb"(---\s|[a-z_]\w*:\s|- \w+:\s)", "YAML. Convert it to JSON"),
)
_TEXT_PATTERNS = [(re.compile(pattern, re.IGNORECASE), description) for pattern, description in _TEXT_FORMATS]
# A string, to step over it, or a comment. Valid JSON has no slash outside of strings.
_STRING_OR_COMMENT = re.compile(rb'"(?:[^"\\]++|\\.)*+"|(?<![^\s,{}\[\]])(?P<comment>//|/\*)', re.DOTALL)
_HEAD_BYTES = 4096  # of the text that are looked at


def describe_foreign_format(text: bytes) -> str | None:
    """Return what a file that begins with `text` is, or None if it may be JSON."""
    for magic, description in _BINARY_FORMATS.items():
        if text.startswith(magic):
            return description
    head = text[:_HEAD_BYTES]
    for pattern, description in _TEXT_PATTERNS:
        if pattern.match(head):
            return description
    if any(match["comment"] for match in _STRING_OR_COMMENT.finditer(head)):
        return "JSON with comments. Remove them"
    return None
