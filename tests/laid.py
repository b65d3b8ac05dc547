"""A database as `migrate` leaves it, laid into a folder as a copy: to migrate takes as long as a short scene.

For tests that begin with a database; how one is made and brought up to date is `test_store_open`'s.
"""

from pathlib import Path

from bot.store import Store

_copy: list[bytes] = []  # made by the first test that needs it


async def lay(folder: Path) -> Path:
    """``patches.db`` in the folder, empty and at the newest schema; one that is there stays as it is."""
    path = folder / "patches.db"
    if path.exists():
        return path
    if not _copy:
        store = await Store.open(f"sqlite+aiosqlite:///{path.absolute()}")
        await store.close()
        _copy.append(path.read_bytes())
    path.write_bytes(_copy[0])
    return path
