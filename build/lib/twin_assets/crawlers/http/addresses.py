"""Which network addresses a crawler may connect to.

What a link looks like says little: ``http://2130706433/``, ``http://0x7f.1/`` and a DNS name of an
attacker's can all be this machine. So the judgement is over addresses as they are connected to.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from twin_assets.crawlers.http.faults import FetchError, Reason

Resolve = Callable[[str, int], Sequence[str]]

_GLOBAL_V6 = ip_network("2000::/3")  # all that is assigned to the public Internet
_NAT64 = ip_network("64:ff9b::/96")
# what Python 3.11 takes for global and is not, or is no place for a crawler
_NOT_PUBLIC = [
    ip_network(block)
    for block in (
        "168.63.129.16/32",  # Azure's metadata and agent service
        "192.0.0.0/24",  # protocol assignments, Oracle's metadata service among them
        "192.88.99.0/24",  # relays from 6to4, withdrawn
        "3fff::/20",  # documentation
    )
]


def is_public(address: str) -> bool:
    """Tell whether the IP address belongs to a host on the public Internet.

    An IPv6 address that carries an IPv4 address (mapped, 6to4, NAT64) is judged by that one.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        carried = _carried(ip)
        if carried is None and ip not in _GLOBAL_V6:
            return False
        ip = carried or ip
    return ip.is_global and not ip.is_multicast and not any(ip in block for block in _NOT_PUBLIC)


def _carried(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour


def resolve(host: str, port: int) -> list[str]:
    """Return the host's IP addresses, as the system's resolver has them and in its own time.

    Raises:
        OSError: the name is not known, or the resolver does not answer.
        UnicodeError: it is not a name that DNS could know.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def allowed_addresses(
    host: str, port: int, resolve: Resolve, *, allow_private: bool
) -> Sequence[str]:
    """Resolve the host and return the addresses that may be connected to.

    A host with one address that is not public is refused as a whole: no honest host has both.

    Raises:
        FetchError: the name is not known, or an address is not public.
    """
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        addresses = ()
    if not addresses:
        raise FetchError(Reason.UNREACHABLE, f"the host name {host} is not known")
    if not allow_private and not all(is_public(address) for address in addresses):
        raise FetchError(Reason.ADDRESS, f"{host} is not on the public Internet")
    return addresses
