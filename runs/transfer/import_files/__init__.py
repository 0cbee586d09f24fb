"""Read files, folders and archives as a stream of JSON values, in constant memory.

`sources` finds and opens the files, `unpacking` decompresses them and opens archives within `size_limits`, and
`json_values` splits their text into values. `foreign_formats` names what a file is that holds no JSON.
"""

from runs.transfer.import_files.json_values import RawJsonValue, read_json_values
from runs.transfer.import_files.sources import (
    find_skipped_files,
    is_import_input,
    open_import_sources,
    total_import_size,
)
from runs.transfer.import_files.unpacking import ImportSource

__all__ = [
    "ImportSource",
    "RawJsonValue",
    "find_skipped_files",
    "is_import_input",
    "open_import_sources",
    "read_json_values",
    "total_import_size",
]
