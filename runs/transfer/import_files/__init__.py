"""Read files, folders and archives as a stream of JSON values, in constant memory.

`sources` finds and opens the files, `unpacking` decompresses them and opens archives within `size_limits`, and
`json_values` splits their text into values. `content_format` tells what holds no JSON but is read all the same, with
`plain_content`, and `foreign_formats` what nothing can be read from.
"""

from runs.transfer.import_files.content_format import ContentFormat, detect_content_format
from runs.transfer.import_files.json_values import RawJsonValue, read_json_values
from runs.transfer.import_files.plain_content import read_protobuf, read_text_lines
from runs.transfer.import_files.sources import (
    find_skipped_files,
    is_import_input,
    open_import_file,
    open_import_sources,
    total_import_size,
)
from runs.transfer.import_files.unpacking import ChunkStream, ImportSource

__all__ = [
    "ChunkStream",
    "ContentFormat",
    "ImportSource",
    "RawJsonValue",
    "detect_content_format",
    "find_skipped_files",
    "is_import_input",
    "open_import_file",
    "open_import_sources",
    "read_json_values",
    "read_protobuf",
    "read_text_lines",
    "total_import_size",
]
