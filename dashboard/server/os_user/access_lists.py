"""The access of one user to a file: mode bits and POSIX access control lists.

The list is an extended attribute: a version, then entries of tag, permissions and id, sorted by tag and id (see
`include/uapi/linux/posix_acl_xattr.h` of Linux). Python has no module for it, and `setfacl` is often not installed.
"""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass
from pathlib import Path

EXECUTE, READ = 1, 4

_ATTRIBUTE = "system.posix_acl_access"
_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")
_OWNER, _NAMED_USER, _GROUP, _NAMED_GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_GROUP_CLASS = (_NAMED_USER, _GROUP, _NAMED_GROUP)  # the entries that the mask limits

_Entries = dict[tuple[int, int], int]  # permissions by tag and id


@dataclass(frozen=True)
class AccessList:
    """The access control list of a file; one that corresponds to its mode if it has no other."""

    path: Path

    def allows(self, uid: int, gid: int, permissions: int) -> bool:
        """Return whether a user without further groups has `permissions`."""
        status, entries = self.path.stat(), self._read()
        mask = entries.get((_MASK, _NO_ID), 7)
        if status.st_uid == uid:
            granted = entries[_OWNER, _NO_ID]
        elif (_NAMED_USER, uid) in entries:
            granted = entries[_NAMED_USER, uid] & mask
        elif status.st_gid == gid:
            granted = entries[_GROUP, _NO_ID] & mask
        elif (_NAMED_GROUP, gid) in entries:
            granted = entries[_NAMED_GROUP, gid] & mask
        else:
            granted = entries[_OTHERS, _NO_ID]
        return granted & permissions == permissions

    def grant(self, uid: int, permissions: int) -> None:
        """Give `permissions` to one user. The access of all others stays as it is. Raises OSError."""
        entries = self._read()
        mask = entries.get((_MASK, _NO_ID))
        if mask is not None:  # widening the mask must not widen other entries
            entries |= {key: value & mask for key, value in entries.items() if key[0] in _GROUP_CLASS}
        entries[_NAMED_USER, uid] = entries.get((_NAMED_USER, uid), 0) | permissions
        entries[_MASK, _NO_ID] = (mask or entries[_GROUP, _NO_ID]) | permissions
        packed = b"".join(_ENTRY.pack(tag, value, number) for (tag, number), value in sorted(entries.items()))
        os.setxattr(self.path, _ATTRIBUTE, _VERSION + packed)

    def _read(self) -> _Entries:
        try:
            content = os.getxattr(self.path, _ATTRIBUTE)
        except OSError as error:
            if error.errno not in (errno.ENODATA, errno.EOPNOTSUPP):
                raise
            mode = self.path.stat().st_mode
            tags = {_OWNER: mode >> 6 & 7, _GROUP: mode >> 3 & 7, _OTHERS: mode & 7}
            return {(tag, _NO_ID): permissions for tag, permissions in tags.items()}
        entries = _ENTRY.iter_unpack(content[len(_VERSION) :])
        return {(tag, number): permissions for tag, permissions, number in entries}
