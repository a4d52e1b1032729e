"""Why a camera cannot be used, found out per system, in one sentence that says what to do.

`before` is asked before a camera is opened, `after` when opening failed or no first picture came. Both look, and change
nothing, but for macOS, where the first look makes the system ask the user.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import Any

from bodydouble.sources import v4l2
from bodydouble.sources.devices import Device
from bodydouble.sources.live import Condition
from bodydouble.sources.reopening import Fault

SOON = 1.0  # seconds until a camera that is away, busy or forbidden is looked at again
# AVAuthorizationStatus (AVFoundation): not asked yet, forbidden by an administrator, by the user, allowed.
_NOT_ASKED, _RESTRICTED, _DENIED = 0, 1, 2
_CONSENT = r"Software\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore\webcam"
_LINUX_NO_PERMISSION = frozenset({errno.EACCES, errno.EPERM})
_LINUX_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO})


def before(device: Device) -> Fault | None:
    """What is known to keep this camera from being used now; None if nothing is."""
    if sys.platform == "darwin":
        return mac(device, _avfoundation())
    if sys.platform == "win32":
        return windows_forbids(device, _registry())
    return linux(device)


def after(device: Device) -> Fault:
    """Why this camera did not open or gave no picture, as well as can be told."""
    found = before(device)
    if found is None and sys.platform == "win32":
        found = windows_in_use(device, _registry())
    return found or Fault(
        Condition.FAILED,
        f"{device.name} cannot be opened; close other programs that use it, or unplug it and plug it in again",
    )


def unplugged(device: Device) -> Fault:
    """It was there and is not."""
    what = f"{device.name} was unplugged; plug it in again, it is then taken up by itself"
    return Fault(Condition.UNPLUGGED, what, again=SOON)


def busy(device: Device, users: list[str]) -> Fault:
    """Other programs hold it. users: their names, if known."""
    who = " and ".join(users) or "another program"
    return Fault(
        Condition.BUSY,
        f"{device.name} is in use by {who}; close the camera there, it is then taken up by itself",
        again=SOON,
    )


def linux(device: Device, why_not: Callable[[str], int] = v4l2.why_not) -> Fault | None:
    """By the device file: gone, forbidden, or its buffers taken by another program."""
    if not device.path.startswith("/dev/"):
        return None
    code = why_not(device.path)
    if code in _LINUX_GONE:
        return unplugged(device)
    if code in _LINUX_NO_PERMISSION:
        what = f"no permission to use {device.name} ({device.path}); "
        todo = f"run: sudo usermod -aG {_group_of(device.path)} $USER, then log out and in again"
        return Fault(Condition.NO_PERMISSION, what + todo, again=SOON)
    if code == errno.EBUSY:
        return busy(device, v4l2.users_of(device.path))
    return None


def mac(device: Device, avfoundation: Any) -> Fault | None:
    """By the system's privacy setting; where the user was not asked yet, the system is told to ask now."""
    if avfoundation is None:
        return None
    kind = avfoundation.AVMediaTypeVideo
    status = int(avfoundation.AVCaptureDevice.authorizationStatusForMediaType_(kind))
    if status == _NOT_ASKED:
        ask = avfoundation.AVCaptureDevice.requestAccessForMediaType_completionHandler_
        ask(kind, lambda allowed: None)
        what = f"macOS asks whether this program may use {device.name}; say OK, it is then taken up by itself"
        return Fault(Condition.WAITING, what, again=SOON)
    if status in (_RESTRICTED, _DENIED):
        where = "System Settings > Privacy & Security > Camera"
        what = f"no permission to use {device.name}; allow the terminal under {where}, then start bodydouble again"
        return Fault(Condition.NO_PERMISSION, what, again=SOON)
    return None


def windows_forbids(device: Device, registry: Any) -> Fault | None:
    """By the privacy settings of the machine, the user, and the user's desktop programs."""
    places = (
        (registry.HKEY_LOCAL_MACHINE, _CONSENT),
        (registry.HKEY_CURRENT_USER, _CONSENT),
        (registry.HKEY_CURRENT_USER, _CONSENT + r"\NonPackaged"),
    )
    if not any(str(_value(registry, root, path, "Value")).lower() == "deny" for root, path in places):
        return None
    where = "Settings > Privacy & security > Camera"
    what = f"no permission to use {device.name}; under {where} switch on camera access, also for desktop apps"
    return Fault(Condition.NO_PERMISSION, what, again=SOON)


def windows_in_use(device: Device, registry: Any) -> Fault | None:
    """By the system's record of who uses a camera: a program that has started and not stopped has it."""
    users = []
    for path in (_CONSENT, _CONSENT + r"\NonPackaged"):
        for program in _keys(registry, registry.HKEY_CURRENT_USER, path):
            if _value(registry, registry.HKEY_CURRENT_USER, f"{path}\\{program}", "LastUsedTimeStop") == 0:
                users.append(program.split("#")[-1].split("_")[0].removesuffix(".exe"))
    own = os.path.basename(sys.executable).removesuffix(".exe").lower()  # noqa: PTH119  a name, and of Windows'
    users = sorted({user for user in users if user.lower() != own})
    return busy(device, users) if users else None


def _group_of(path: str) -> str:
    """The group that may use a device file; "video" on most systems."""
    try:
        import grp

        name = grp.getgrgid(os.stat(path).st_gid).gr_name  # noqa: PTH116  may be a made path in a test
    except (ImportError, KeyError, OSError):
        return "video"
    return name if name != "root" else "video"


def _avfoundation() -> Any:
    """pyobjc's AVFoundation, which cv2-enumerate-cameras brings on macOS."""
    try:
        import AVFoundation  # type: ignore[import-not-found]
    except ImportError:
        return None
    return AVFoundation


def _registry() -> Any:
    import winreg

    return winreg


def _value(registry: Any, root: Any, path: str, name: str) -> Any:
    """A value in the registry, None if it is not there."""
    try:
        with registry.OpenKey(root, path) as key:
            return registry.QueryValueEx(key, name)[0]
    except OSError:
        return None


def _keys(registry: Any, root: Any, path: str) -> list[str]:
    """The names of a registry key's children."""
    try:
        with registry.OpenKey(root, path) as key:
            return [registry.EnumKey(key, index) for index in range(registry.QueryInfoKey(key)[0])]
    except OSError:
        return []
