"""A virtual camera: pictures as a webcam that other programs can choose, through pyvirtualcam.

pyvirtualcam is under the GPL, so it is an extra of its own and imported only when a camera is asked for. Each system
needs a driver besides, whose absence is told with what to do about it.
"""

from __future__ import annotations

import errno
import platform
from typing import Any

from bodydouble.types import BodyDoubleError, Image

EXTRA = 'pip install "bodydouble[virtualcam]"'
# What a driver's absence means, and its cure, by platform.system(). The label is what other programs list.
_DRIVERS = {
    "Linux": (
        "there is no virtual camera device; install the kernel module v4l2loopback (Debian, Ubuntu: sudo apt install "
        'v4l2loopback-dkms) and load it: sudo modprobe v4l2loopback exclusive_caps=1 card_label="bodydouble"'
    ),
    "Windows": (
        "there is no virtual camera to use; install OBS Studio (obsproject.com), which brings one, and start this "
        "again; in OBS itself the virtual camera must be off"
    ),
    "Darwin": (
        "there is no virtual camera to use; install OBS Studio 30 or later (obsproject.com), press Start Virtual "
        "Camera in it once, allow its system extension in System Settings, press Stop, and start this again"
    ),
}
_DRIVER_TOO = {  # behind the package's command, for who has neither: all in one go
    "Linux": (
        "; and a driver: sudo apt install v4l2loopback-dkms (Debian, Ubuntu), then "
        'sudo modprobe v4l2loopback exclusive_caps=1 card_label="bodydouble"'
    ),
    "Windows": "; and a driver, which OBS Studio brings (obsproject.com)",
    "Darwin": (
        "; and a driver, which OBS Studio 30 or later brings (obsproject.com): press Start Virtual Camera in it once, "
        "allow its system extension, press Stop"
    ),
}
_OTHER = "there is no virtual camera for this system; Linux, Windows and macOS have one"
_BUSY = "another program is sending to the virtual camera (OBS?); stop it there and start this again"
_FORBIDDEN = (
    "no permission to use the virtual camera's device; add yourself to the group video (sudo usermod -aG video $USER), "
    "log out and in, and start this again"
)
# Words of pyvirtualcam 0.9 to 0.15 and of the systems below it.
_BUSY_WORDS = ("in use", "busy", "could not be started", "already")
_FORBIDDEN_WORDS = ("permission",)


class VirtualCameraDevice:
    """An open virtual camera; one thread's.

    size: width, height in pixels. fps: pictures a second. Raises BodyDoubleError, one line, that says why there is none
    and what to do.
    """

    def __init__(self, size: tuple[int, int], fps: float) -> None:
        camera = _package()
        width, height = size
        try:
            self._camera = camera.Camera(width, height, fps, fmt=camera.PixelFormat.RGB)
        except (RuntimeError, OSError, ValueError) as error:
            raise BodyDoubleError(explained(error, platform.system())) from error
        self.name = str(self._camera.device)

    def send(self, picture: Image) -> None:
        """Show an (H, W, 3) uint8 RGB picture of the camera's size until the next.

        Raises BodyDoubleError when the device takes none.
        """
        try:
            self._camera.send(picture)
        except (RuntimeError, OSError) as error:
            raise BodyDoubleError(
                f"the virtual camera {self.name} takes no pictures any more ({_line(error)})"
            ) from error

    def close(self) -> None:
        """Give the device back. Closing twice is allowed."""
        self._camera.close()


def explained(error: Exception, system: str) -> str:
    """Why a virtual camera could not be opened, and what to do, in one line. system: as platform.system() says."""
    words = str(error).lower()
    if any(word in words for word in _FORBIDDEN_WORDS) or getattr(error, "errno", None) == errno.EACCES:
        return _FORBIDDEN if system == "Linux" else f"no permission to use the virtual camera ({_line(error)})"
    missing = "not found" in words or "no v4l2" in words or "not installed" in words
    if not missing and any(word in words for word in _BUSY_WORDS):
        # the driver of Windows says no more than that where OBS is not installed, either
        return f"{_BUSY}; or {_DRIVERS[system]}" if system == "Windows" else _BUSY
    return f"{_DRIVERS.get(system, _OTHER)} ({_line(error)})"


def _package() -> Any:
    """pyvirtualcam, or why it is not there."""
    try:
        import pyvirtualcam
    except ModuleNotFoundError as error:
        driver = _DRIVER_TOO.get(platform.system(), "")
        raise BodyDoubleError(f"the virtual camera needs a package of its own: {EXTRA}{driver}") from error
    except (ImportError, OSError) as error:
        raise BodyDoubleError(f"pyvirtualcam cannot be loaded ({_line(error)}); install it anew: {EXTRA}") from error
    return pyvirtualcam


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
