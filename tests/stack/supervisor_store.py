"""The Supervisor's store and apps, as far as Home Assistant asks for them: added to the stand-in of the Supervisor."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.stack.supervisor import Supervisor

SLUG = "5c53de3b_whatsapp_gateway"

_OF_ANY_APP = {
    "apparmor": "profile", "arch": ["aarch64", "amd64"], "audio": False, "audio_input": None, "audio_output": None,
    "auth_api": False, "auto_update": False, "available": True, "boot": "auto", "boot_config": "auto", "build": False, "advanced": False,
    "changelog": True, "description": "Sends and receives WhatsApp messages", "detached": False, "devices": [], "devicetree": False,
    "discovery": ["whatsapp_gateway"], "dns": [], "docker_api": False, "documentation": True, "full_access": False, "gpio": False,
    "hassio_api": False, "hassio_role": "default", "homeassistant": "2026.10.0", "homeassistant_api": False, "host_dbus": False,
    "host_ipc": False, "host_network": False, "host_pid": False, "host_uts": False, "hostname": "5c53de3b-whatsapp-gateway", "icon": True,
    "ingress": True, "ingress_entry": None, "ingress_panel": False, "ingress_port": 8000, "ingress_url": None, "ip_address": "172.30.33.2",
    "kernel_modules": False, "logo": True, "long_description": None, "machine": [], "name": "WhatsApp Gateway", "network": None,
    "network_description": None, "options": {}, "privileged": [], "protected": True, "rating": 8, "repository": "5c53de3b", "schema": [],
    "services": [], "signed": False, "slug": SLUG, "stage": "stable", "startup": "services", "stdin": False, "system_managed": False,
    "system_managed_config_entry": None, "translations": {}, "uart": False, "udev": False, "update_available": False, "url": None,
    "usb": False, "version": "0.1.0", "version_latest": "0.1.0", "video": False, "watchdog": True, "webui": None,
}  # fmt: skip
"""What the Supervisor's API says of an app; Home Assistant's client checks that each key is there."""


async def _nothing() -> None:
    """Does nothing."""


@dataclass
class Store:
    """The store of a Supervisor that may know our app. `on_start` is what starting the app does."""

    supervisor: Supervisor
    known: bool = True
    installed: bool = False
    running: bool = False
    fails: set[str] = field(default_factory=set)
    """What goes wrong: `install`, `start`, `list`."""
    on_start: Callable[[], Awaitable[None]] = _nothing
    calls: list[str] = field(default_factory=list)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Adds what Home Assistant asks."""
        router.add_get("/store/addons", self._list)
        router.add_get(f"/store/addons/{SLUG}", self._store_info)
        router.add_post(f"/store/addons/{SLUG}/install", self._install)
        router.add_get(f"/addons/{SLUG}/info", self._info)
        router.add_post(f"/addons/{SLUG}/start", self._start)
        router.add_get("/discovery", self._discovery)

    def _app(self) -> dict[str, Any]:
        state = "started" if self.running else "stopped"
        return _OF_ANY_APP | {"installed": self.installed, "state": state}

    async def _answer(self, what: str, data: object) -> web.Response:
        self.calls.append(what)
        if what in self.fails:
            return web.json_response({"result": "error", "message": f"{what} failed"}, status=400)
        return web.json_response({"result": "ok", "data": data})

    async def _list(self, _request: web.Request) -> web.Response:
        others = [self._app() | {"slug": slug} for slug in ("core_whatsapp", "a0d7b954_whatsapp_gateway_old")]
        return await self._answer("list", {"addons": others + ([self._app()] if self.known else [])})

    async def _store_info(self, _request: web.Request) -> web.Response:
        return await self._answer("store info", self._app())

    async def _info(self, _request: web.Request) -> web.Response:
        return await self._answer("info", self._app())

    async def _install(self, _request: web.Request) -> web.Response:
        answer = await self._answer("install", {})
        self.installed = answer.status == 200
        return answer

    async def _start(self, _request: web.Request) -> web.Response:
        answer = await self._answer("start", {})
        if answer.status == 200:
            self.running = True
            await self.on_start()
        return answer

    async def _discovery(self, _request: web.Request) -> web.Response:
        # the Supervisor's DNS knows the app's host name; here it runs on this machine
        told = [
            {
                "addon": SLUG,
                "uuid": f"{number:032x}",
                "service": one["service"],
                "config": one["config"] | {"host": "127.0.0.1"},
            }
            for number, one in enumerate(self.supervisor.discovered)
        ]
        return await self._answer("discovery", {"discovery": told[-1:], "services": {}})
