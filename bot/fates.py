"""What becomes of one patch of a request: before the call, by the call's answer, and as the device is read after it.

Status numbers: N-sight's ``patch_list_all`` (developer.n-able.com/n-sight/docs/list-all-patches-for-device).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.model import SETTLED, Fate, Patch, PatchStatus, RequestedPatch, RetryAnswer

RETRYING = "Retrying"  # N-sight's word for what it has queued, until the device is read
_WAITS = PatchStatus.PENDING | PatchStatus.QUEUED
_TAKEN = PatchStatus.PENDING | PatchStatus.QUEUED | PatchStatus.INSTALLED | PatchStatus.REBOOT_REQUIRED


def rechecked(patch: RequestedPatch, read: Patch | None) -> RequestedPatch:
    if read is None:
        return replace(patch, fate=Fate.GONE, label="no longer listed")
    if not read.failed:
        return replace(patch, fate=Fate.LEFT_OUT, label=read.label)
    return replace(patch, label=read.label or patch.seen)


def answered(patch: RequestedPatch, answer: RetryAnswer) -> RequestedPatch:
    if patch.fate in SETTLED:
        return patch
    if patch.id in answer.retried:
        return replace(patch, fate=Fate.QUEUED, label=RETRYING)
    return replace(patch, fate=Fate.ALREADY if patch.id in answer.already else Fate.UNCLEAR)


def arrived(patches: Iterable[RequestedPatch], read: Mapping[int, Patch]) -> bool:
    """A patch that was sent as Failed and waits or is installed now proves that the call reached N-sight."""
    sent = [patch.id for patch in patches if patch.fate not in SETTLED]
    return any(read[one].status & _TAKEN and not read[one].failed for one in sent if one in read)


def followed(patch: RequestedPatch, read: Patch | None, settled: bool) -> RequestedPatch:
    """A patch's fate by its present status. N-sight may show Failed for a while after it took the call, so Failed
    only counts once the patch was seen in another state or the call is ``settled`` (old enough)."""
    if patch.fate in SETTLED:
        return patch
    if read is None:
        return replace(patch, fate=Fate.GONE, label="no longer listed")
    if read.failed:
        return _failed(patch, read, settled)
    return replace(patch, fate=_by_status(read.status, patch.fate), label=read.label)


def _by_status(status: int, before: Fate) -> Fate:
    if status & PatchStatus.REBOOT_REQUIRED:
        return Fate.RESTART
    if status & PatchStatus.INSTALLED:
        return Fate.INSTALLED
    if status & _WAITS:
        return Fate.QUEUED
    # A number we do not know may be a step on the way, but only of what N-sight said it had queued.
    return Fate.QUEUED if before is Fate.QUEUED and not status & PatchStatus.IGNORED else Fate.OTHER


def _failed(patch: RequestedPatch, read: Patch, settled: bool) -> RequestedPatch:
    moved = patch.fate is Fate.QUEUED and patch.label != RETRYING
    if moved or (patch.fate is Fate.QUEUED and settled):
        return replace(patch, fate=Fate.FAILED_AGAIN, label=read.label)
    if patch.fate is Fate.ALREADY or (patch.fate is Fate.UNCLEAR and settled):
        return replace(patch, fate=Fate.STILL_FAILED, label=read.label)
    return patch
