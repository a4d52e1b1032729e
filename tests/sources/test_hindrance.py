"""Why a camera cannot be used, per system, with made answers of the systems; each is one sentence with a way out."""

from __future__ import annotations

import errno
from types import SimpleNamespace

import pytest

from bodydouble.sources import hindrance, v4l2
from bodydouble.sources.devices import Device
from bodydouble.sources.live import Condition
from bodydouble.sources.reopening import Fault

CAMERA = Device("HD Webcam", "HD Webcam", "/dev/video99", "", ((99, 200),))


@pytest.mark.parametrize(
    "code, condition, words",
    [
        (errno.ENOENT, Condition.UNPLUGGED, "plug it in again"),
        (errno.ENODEV, Condition.UNPLUGGED, "plug it in again"),
        (errno.EACCES, Condition.NO_PERMISSION, "sudo usermod -aG video $USER"),
        (errno.EPERM, Condition.NO_PERMISSION, "log out and in again"),
        (errno.EBUSY, Condition.BUSY, "in use by zoom; close the camera there"),
    ],
)
def test_linux(monkeypatch: pytest.MonkeyPatch, code: int, condition: Condition, words: str) -> None:
    monkeypatch.setattr(v4l2, "users_of", lambda path: ["zoom"])
    fault = hindrance.linux(CAMERA, lambda path: code)
    assert fault is not None
    assert fault.condition is condition
    assert words in str(fault)
    assert "HD Webcam" in str(fault)
    assert "\n" not in str(fault)


def test_linux_without_hindrance() -> None:
    assert hindrance.linux(CAMERA, lambda path: 0) is None
    assert hindrance.linux(CAMERA, lambda path: errno.EIO) is None
    assert hindrance.linux(Device("a", "a", "id", "", ((0, 0),)), lambda path: errno.EBUSY) is None


def test_a_device_file_that_is_gone_is_told_for_real() -> None:
    fault = hindrance.after(CAMERA)
    assert fault.condition is Condition.UNPLUGGED


@pytest.mark.parametrize(
    "status, condition", [(0, Condition.WAITING), (1, Condition.NO_PERMISSION), (2, Condition.NO_PERMISSION), (3, None)]
)
def test_mac(status: int, condition: Condition | None) -> None:
    asked = []
    device = SimpleNamespace(
        authorizationStatusForMediaType_=lambda kind: status,
        requestAccessForMediaType_completionHandler_=lambda kind, done: asked.append(kind),
    )
    fault = hindrance.mac(CAMERA, SimpleNamespace(AVMediaTypeVideo="vide", AVCaptureDevice=device))
    assert (fault.condition if fault else None) is condition
    assert asked == (["vide"] if status == 0 else [])
    assert hindrance.mac(CAMERA, None) is None


class Registry:
    """winreg, of a dict {(root, path): {name: value}}."""

    HKEY_LOCAL_MACHINE, HKEY_CURRENT_USER = "machine", "user"

    def __init__(self, keys: dict[tuple[str, str], dict[str, object]]) -> None:
        self.keys = keys

    def OpenKey(self, root: str, path: str) -> Registry.Key:
        if not any(there == root and (name + "\\").startswith(path + "\\") for there, name in self.keys):
            raise FileNotFoundError(2, "no such key")
        return Registry.Key(root, path)

    class Key(tuple):
        def __new__(cls, root: str, path: str) -> Registry.Key:
            return super().__new__(cls, (root, path))

        def __enter__(self) -> Registry.Key:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    def QueryValueEx(self, key: tuple[str, str], name: str) -> tuple[object, int]:
        values = self.keys.get((key[0], key[1]), {})
        if name not in values:
            raise FileNotFoundError(2, "no such value")
        return values[name], 1

    def children(self, key: tuple[str, str]) -> list[str]:
        start = key[1] + "\\"
        names = [path[len(start) :] for root, path in self.keys if root == key[0] and path.startswith(start)]
        return sorted({name.split("\\")[0] for name in names})

    def QueryInfoKey(self, key: tuple[str, str]) -> tuple[int, int, int]:
        return len(self.children(key)), 0, 0

    def EnumKey(self, key: tuple[str, str], index: int) -> str:
        return self.children(key)[index]


WEBCAM = hindrance._CONSENT


@pytest.mark.parametrize(
    "keys, forbids",
    [
        ({}, False),
        ({("user", WEBCAM): {"Value": "Allow"}}, False),
        ({("user", WEBCAM): {"Value": "Deny"}}, True),
        ({("user", WEBCAM): {"Value": "Allow"}, ("user", WEBCAM + r"\NonPackaged"): {"Value": "Deny"}}, True),
        ({("machine", WEBCAM): {"Value": "deny"}}, True),
    ],
)
def test_windows_privacy(keys: dict[tuple[str, str], dict[str, object]], forbids: bool) -> None:
    fault = hindrance.windows_forbids(CAMERA, Registry(keys))
    assert (fault is not None) == forbids
    if fault is not None:
        assert fault.condition is Condition.NO_PERMISSION
        assert "Settings > Privacy & security > Camera" in str(fault)


def test_windows_names_who_uses_it() -> None:
    desktop = WEBCAM + r"\NonPackaged"
    keys: dict[tuple[str, str], dict[str, object]] = {
        ("user", desktop + r"\C:#Programs#Zoom#zoom.exe"): {"LastUsedTimeStop": 0},
        ("user", desktop + r"\C:#Programs#obs64.exe"): {"LastUsedTimeStop": 132},
        ("user", WEBCAM + r"\Microsoft.WindowsCamera_8wekyb"): {"LastUsedTimeStop": 0},
    }
    fault = hindrance.windows_in_use(CAMERA, Registry(keys))
    assert isinstance(fault, Fault)
    assert fault.condition is Condition.BUSY
    assert "in use by Microsoft.WindowsCamera and zoom;" in str(fault)
    assert hindrance.windows_in_use(CAMERA, Registry({})) is None
