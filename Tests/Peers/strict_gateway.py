"""Puts a home gateway to async-upnp-client, which in strict mode refuses whatever breaks the rules of UPnP.

Arguments: the description's URL and this host's address. The last line printed is `all is well`.
"""

import asyncio
import sys

from async_upnp_client.aiohttp import AiohttpNotifyServer, AiohttpRequester
from async_upnp_client.client_factory import UpnpFactory
from async_upnp_client.exceptions import UpnpActionError

IP = "urn:schemas-upnp-org:service:WANIPConnection:2"
COMMON = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"


async def expect_error(code, action, **arguments):
    try:
        await action.async_call(**arguments)
    except UpnpActionError as error:
        assert error.error_code == code, f"{action.name}: {error.error_code}, expected {code}"
        print(f"{action.name}: {code} {error.error_desc}")
    else:
        raise AssertionError(f"{action.name} did not fail, expected {code}")


async def changed(service, name, value, seconds=5):
    """Waits for an event that gives a variable its value."""
    end = asyncio.get_running_loop().time() + seconds
    while service.state_variable(name).value != value:
        left = end - asyncio.get_running_loop().time()
        assert left > 0, f"{name} is {service.state_variable(name).value}, expected {value}"
        await asyncio.sleep(min(left, 0.02))
    print(f"event: {name} = {value}")


async def main(url, address):
    requester = AiohttpRequester()
    device = await UpnpFactory(requester, non_strict=False).async_create_device(url)
    services = list(device.all_services)
    print(device.device_type, [service.service_type for service in services])
    connection = device.find_service(IP)
    common = device.find_service(COMMON)

    # Every action that only reads, called with outputs checked against the service description.
    for service in services:
        for action in service.actions.values():
            if action.name.startswith("Get") and not action.in_arguments():
                print(action.name, await action.async_call())

    server = AiohttpNotifyServer(requester, source=(address, 0))
    await server.async_start_server()
    handler = server.event_handler
    sid, _ = await handler.async_subscribe(connection)
    await handler.async_subscribe(common)
    await changed(connection, "PortMappingNumberOfEntries", 0)
    await changed(connection, "ConnectionStatus", "Connected")
    await changed(common, "PhysicalLinkStatus", "Up")

    mapping = {
        "NewRemoteHost": "", "NewExternalPort": 18080, "NewProtocol": "TCP", "NewInternalPort": 8080,
        "NewInternalClient": address, "NewEnabled": True, "NewPortMappingDescription": "strict <&>",
        "NewLeaseDuration": 600,
    }
    key = {name: mapping[name] for name in ("NewRemoteHost", "NewExternalPort", "NewProtocol")}
    await connection.action("AddPortMapping").async_call(**mapping)
    await changed(connection, "PortMappingNumberOfEntries", 1)
    taken = await connection.action("AddAnyPortMapping").async_call(**{**mapping, "NewInternalPort": 9090})
    assert taken["NewReservedPort"] != 18080, taken
    await changed(connection, "PortMappingNumberOfEntries", 2)

    entry = await connection.action("GetSpecificPortMappingEntry").async_call(**key)
    assert entry["NewPortMappingDescription"] == "strict <&>" and entry["NewEnabled"] is True, entry
    assert 590 <= entry["NewLeaseDuration"] <= 600, entry
    first = await connection.action("GetGenericPortMappingEntry").async_call(NewPortMappingIndex=0)
    assert first["NewExternalPort"] == 18080, first
    span = {"NewStartPort": 1, "NewEndPort": 65535, "NewProtocol": "TCP", "NewManage": False}
    listed = await connection.action("GetListOfPortMappings").async_call(**span, NewNumberOfPorts=0)
    assert listed["NewPortListing"].count("<p:PortMappingEntry>") == 2, listed

    await expect_error(606, connection.action("AddPortMapping"), **{**mapping, "NewInternalClient": "192.168.10.2"})
    await expect_error(713, connection.action("GetGenericPortMappingEntry"), NewPortMappingIndex=2)
    await expect_error(716, connection.action("AddPortMapping"), **{**mapping, "NewExternalPort": 0})
    await connection.action("DeletePortMapping").async_call(**key)
    await expect_error(714, connection.action("DeletePortMapping"), **key)
    await connection.action("DeletePortMappingRange").async_call(**span)
    await expect_error(730, connection.action("DeletePortMappingRange"), **span)
    await changed(connection, "PortMappingNumberOfEntries", 0)

    await handler.async_resubscribe(sid)
    await handler.async_unsubscribe_all()
    await server.async_stop_server()
    print("all is well")


asyncio.run(main(*sys.argv[1:]))
