"""Where the program listens, and the addresses that people open: printed, shown as a QR code, put into OBS."""

from __future__ import annotations

import errno
import io
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import segno

from bodydouble.stage.tokens import new_token
from bodydouble.types import BodyDoubleError

LOOPBACK = "127.0.0.1"
PORT = 8420
MOST_TRIED = 20  # ports after the first, when nobody asked for a certain one
SEND_BUFFER = 1 << 18  # bytes the system holds for a page that does not read: little, as they are old when it does
BACKLOG = 128
_TAKEN = (errno.EADDRINUSE, errno.EACCES)  # the latter for ports that the system keeps, or another program has alone
_ELSEWHERE = ("192.0.2.1", 9)  # RFC 5737: documentation only; nothing is sent, the route there tells our own address


@dataclass(frozen=True, slots=True)
class Listening:
    """A bound socket and what it is called.

    host: as people write it. names: by which a Host header may call it, besides the loopback ones. everywhere: it is
    bound to all addresses of this computer. token: "" on the loopback address. certificate: files of a certificate and
    its key, for https; None without.
    """

    socket: socket.socket
    host: str
    names: tuple[str, ...] = ()
    everywhere: bool = False
    token: str = ""
    certificate: tuple[Path, Path] | None = None

    @property
    def scheme(self) -> str:
        """http, or https with a certificate."""
        return "http" if self.certificate is None else "https"

    @property
    def port(self) -> int:
        """The port that it is bound to."""
        number: int = self.socket.getsockname()[1]
        return number

    @property
    def control(self) -> str:
        """The control page's address."""
        return self._address("/")

    @property
    def stage(self) -> str:
        """The stage's address."""
        return self._address("/stage")

    @property
    def other(self) -> str:
        """The control page's address for other devices, "" if they cannot reach it."""
        return self.control if self.token else ""

    def _address(self, path: str) -> str:
        return f"{self.scheme}://{self.host}:{self.port}{path}" + (f"?token={self.token}" if self.token else "")

    def close(self) -> None:
        """Let go of the port."""
        self.socket.close()


def listen(
    host: str | None = None,
    port: int = PORT,
    *,
    exact: bool = False,
    certificate: tuple[Path, Path] | None = None,
    token: str = "",
) -> Listening:
    """Bind: to the loopback address, or to `host` and then with a token.

    exact: this port or none; otherwise the next free one. token: "" for a new one. certificate: files of a
    certificate and its key, for https. Raises BodyDoubleError for an address that is not ours, where no port is free,
    or for a certificate that is none.
    """
    if certificate is not None:
        _check_certificate(*certificate)
    if not 0 <= port <= 65535:
        raise BodyDoubleError(f"--port {port}; wanted a number from 1 to 65535, or 0 for any that is free")
    wanted = LOOPBACK if host is None else host.strip("[]")
    family, address = _resolved(wanted)
    bound = None
    for tried in range(port, min(port + (0 if exact else MOST_TRIED), 65535) + 1):
        bound = _bound(family, address, tried)
        if bound is not None:
            break
    if bound is None:
        what = f"port {port} is" if exact else f"ports {port} to {tried} are"
        raise BodyDoubleError(f"{what} in use on {wanted}; close the other program, or choose one with --port")
    if host is None:
        return Listening(bound, LOOPBACK, certificate=certificate)
    everywhere = ipaddress.ip_address(address.partition("%")[0]).is_unspecified
    shown = _own_address(family) if everywhere else wanted
    shown = f"[{shown}]" if ":" in shown else shown
    names = tuple(dict.fromkeys(name.lower() for name in (shown, f"[{address}]" if ":" in address else address)))
    return Listening(bound, shown, names, everywhere, token or new_token(), certificate)


def _check_certificate(certificate: Path, key: Path) -> None:
    """Raises BodyDoubleError for files that are no certificate with its key."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:  # SSLError is an OSError
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise BodyDoubleError(
            f"{certificate} with {key} is no certificate that can be used ({reason}); wanted two PEM files, the key "
            "without a password"
        ) from error


def _resolved(host: str) -> tuple[socket.AddressFamily, str]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise BodyDoubleError(
            f'--host "{host}" is no address; wanted one of this computer, or 0.0.0.0 for all of them'
        ) from error
    return family, str(address[0])


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket | None:
    """A listening socket, None if the port is taken. Raises BodyDoubleError for any other reason."""
    # The protocol is named, as asyncio sends small frames at once (TCP_NODELAY) only then; else some wait 40 ms.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows lets two programs share a port otherwise
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        made.bind((address, port))
        made.listen(BACKLOG)
        made.setblocking(False)
    except OSError as error:
        made.close()
        if error.errno in _TAKEN:
            return None
        raise BodyDoubleError(
            f"cannot listen on {address} port {port} ({error.strerror}); try another --host or --port"
        ) from error
    return made


def _own_address(family: socket.AddressFamily) -> str:
    """The address by which the network knows this computer; the loopback one if there is no network."""
    if family != socket.AF_INET:
        return socket.gethostname()
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return LOOPBACK
        return str(probe.getsockname()[0])


def qr_svg(address: str) -> bytes:
    """A QR code as SVG, dark on white with the margin that scanners want."""
    file = io.BytesIO()
    segno.make(address, error="m", micro=False).save(file, kind="svg", scale=8, border=4, dark="#000", light="#fff")
    return file.getvalue()


def qr_text(address: str) -> str:
    """A QR code for a terminal, in half blocks."""
    file = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(file, compact=True, border=2)
    return file.getvalue()
