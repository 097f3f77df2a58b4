"""Fetching from the internet for callers, who must not reach the local network through the gateway (OWASP: server-side request forgery)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
import ipaddress
import socket
from typing import override

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from whatsapp_bridge.errors import BridgeError, ErrorCode

REDIRECTS = 5
TOTAL_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 20.0
_CHUNK = 64 * 1024
_HTTP_OK = 200
_REDIRECTIONS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a URL's server wants to see; sent to its own host alone."""

    username: str | None = None
    password: str = ""
    token: str | None = None

    def headers(self) -> dict[str, str]:
        """Spells them as headers."""
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token}"}
        if self.username is not None:
            return {"Authorization": aiohttp.encode_basic_auth(self.username, self.password)}
        return {}


class _ForbiddenAddressError(OSError):
    """A host is at an address that callers must not reach."""


class _GuardedResolver(AbstractResolver):
    """Resolves to allowed addresses alone; the connection is made to what was checked, so that a second answer changes nothing."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results = [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, protocol, _, address in found
            if is_allowed(host, str(address[0]), self._allowed)
        ]
        if not results:
            raise _ForbiddenAddressError(host)
        return results

    @override
    async def close(self) -> None:
        return


def is_allowed(host: str, address: str, allowed: Sequence[str]) -> bool:
    """Whether callers may reach an address: a public one, or one that the settings name, by host name, address or network."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and (inner := ip.ipv4_mapped or ip.sixtofour) is not None:
        ip = inner
    if ip.is_global and not ip.is_multicast:
        return True
    for entry in allowed:
        if entry == host:
            return True
        try:
            if ip in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False


@asynccontextmanager
async def fetched(
    url: str, allowed: Sequence[str], credentials: Credentials | None = None
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Opens a URL, following redirects; the body is still to be read with `body`.

    Raises:
        BridgeError: `media_url_forbidden`, `media_url_failed`, `media_url_timeout`.
    """
    timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
    connector = aiohttp.TCPConnector(resolver=_GuardedResolver(allowed), use_dns_cache=False, force_close=True)
    try:
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session:
            async with asyncio.timeout(TOTAL_SECONDS):
                yield await _follow(session, _checked(URL(url), allowed), allowed, credentials or Credentials())
    except _ForbiddenAddressError as error:
        raise _forbidden("it is in the local network") from error
    except TimeoutError as error:
        raise BridgeError(ErrorCode.MEDIA_URL_TIMEOUT, "The URL's server took too long.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if _caused_by_guard(error):
            raise _forbidden("it is in the local network") from error
        raise BridgeError(ErrorCode.MEDIA_URL_FAILED, f"The URL cannot be fetched ({type(error).__name__}).") from error


async def body(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Reads the body in pieces."""
    async for chunk in response.content.iter_chunked(_CHUNK):
        yield chunk


async def _follow(
    session: aiohttp.ClientSession, url: URL, allowed: Sequence[str], credentials: Credentials
) -> aiohttp.ClientResponse:
    first = url.origin()
    for _ in range(REDIRECTS + 1):
        headers = credentials.headers() if url.origin() == first else {}
        response = await session.get(url, headers=headers, allow_redirects=False)
        if response.status in _REDIRECTIONS and (target := response.headers.get("Location")):
            response.release()
            url = _checked(url.join(URL(target)), allowed)
            continue
        if response.status != _HTTP_OK:
            raise BridgeError(ErrorCode.MEDIA_URL_FAILED, f"The URL's server answers with {response.status}.")
        return response
    raise _forbidden(f"it redirects more than {REDIRECTS} times")


def _checked(url: URL, allowed: Sequence[str]) -> URL:
    """Checks what needs no resolving: the scheme, and hosts that are addresses, which no resolver is asked about."""
    if url.scheme not in {"http", "https"} or not url.host:
        raise _forbidden("it is neither http nor https")
    if url.user is not None:
        raise _forbidden("credentials belong into username and password")
    try:
        ipaddress.ip_address(url.host)
    except ValueError:
        return url
    if not is_allowed(url.host, url.host, allowed):
        raise _forbidden("it is in the local network")
    return url


def _caused_by_guard(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _ForbiddenAddressError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _forbidden(why: str) -> BridgeError:
    detail = f"The gateway does not fetch from this URL: {why}. BRIDGE_ALLOWED_ADDRESSES can allow local addresses."
    return BridgeError(ErrorCode.MEDIA_URL_FORBIDDEN, detail)
