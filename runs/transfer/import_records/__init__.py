"""Turn the files of an import into records, and store these by their kind.

`reading` reads a file by its content: JSON, a recorded event stream, or an export request of OTLP in protobuf.
`classification` finds out what a JSON value is, `page_owners` whose a page of items is, and `storage` stores a batch.
"""

from runs.transfer.import_records.page_owners import ItemListName, ItemsOrder, PageDefaults, PageOwner
from runs.transfer.import_records.reading import read_import_records
from runs.transfer.import_records.records import ImportKind, ImportRecord
from runs.transfer.import_records.storage import StoredBatch, store_import_records

__all__ = [
    "ImportKind",
    "ImportRecord",
    "ItemListName",
    "ItemsOrder",
    "PageDefaults",
    "PageOwner",
    "StoredBatch",
    "read_import_records",
    "store_import_records",
]
