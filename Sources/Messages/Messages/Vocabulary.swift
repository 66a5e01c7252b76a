// Roles import Messages and RoleKit alone; the plain values that messages are made of come along with Messages.
@_exported import HTIP
@_exported import HTTPWire
@_exported import JSONText
@_exported import Octets
@_exported import SOAP
@_exported import SSDP
@_exported import STUN
@_exported import UPnPDescription
