import ConfiguratorRole
import Messages
import RoleKit
import Testing

/// A home gateway in the configurator's home, as tests play it.
extension ConfiguratorDialogue {
  static let gatewayUUID = "9a7e0000-0000-4000-8000-000000000001"
  static let externalAddress = "198.51.100.1"

  /// The gateway answers a search, or announces itself.
  mutating func gatewayAnswers(
    version: Int = 2, at location: String = "http://192.168.10.1:5000/desc.xml", uuid: String = gatewayUUID,
    byNotice: Bool = false
  ) {
    let type = "urn:schemas-upnp-org:device:InternetGatewayDevice:\(version)"
    let usn = "uuid:\(uuid)::\(type)"
    let text =
      byNotice
      ? "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\nLOCATION: \(location)\r\n"
        + "NT: \(type)\r\nNTS: ssdp:alive\r\nUSN: \(usn)\r\n\r\n"
      : "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: \(location)\r\nST: \(type)\r\nUSN: \(usn)\r\n\r\n"
    perform(
      .ssdp(
        Array(text.utf8), from: Endpoint("192.168.10.1:1900")!, byNotice ? .multicast : .unicast, interface: "eth0"))
  }

  mutating func gatewaySaysGoodbye(uuid: String = gatewayUUID) {
    let type = "urn:schemas-upnp-org:device:InternetGatewayDevice:2"
    let text =
      "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: \(type)\r\nNTS: ssdp:byebye\r\n"
      + "USN: uuid:\(uuid)::\(type)\r\n\r\n"
    perform(.ssdp(Array(text.utf8), from: Endpoint("192.168.10.1:1900")!, .multicast, interface: "eth0"))
  }

  static func gatewayDescription(version: Int = 2, control: String = "/ctl/IPConn") -> HTTPResponse {
    func device(_ type: String, _ version: Int, _ inner: String) -> String {
      "<device><deviceType>urn:schemas-upnp-org:device:\(type):\(version)</deviceType><friendlyName>x</friendlyName>"
        + "<manufacturer>x</manufacturer><modelName>x</modelName><UDN>uuid:\(gatewayUUID)</UDN>\(inner)</device>"
    }
    let service =
      "<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:\(version)</serviceType>"
      + "<serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId><SCPDURL>/s.xml</SCPDURL>"
      + "<controlURL>\(control)</controlURL><eventSubURL>/e</eventSubURL></service></serviceList>"
    let connection = device("WANConnectionDevice", version, service)
    let wan = device("WANDevice", version, "<deviceList>\(connection)</deviceList>")
    let root = device("InternetGatewayDevice", version, "<deviceList>\(wan)</deviceList>")
    let text =
      "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\"><specVersion><major>1</major>"
      + "<minor>1</minor></specVersion>\(root)</root>"
    return HTTPResponse(200, fields: ["Content-Type": "text/xml"], body: Array(text.utf8))
  }

  /// Finds the gateway, description and all.
  mutating func findGateway(version: Int = 2) {
    gatewayAnswers(version: version)
    answer("GET /desc.xml", Self.gatewayDescription(version: version))
  }

  /// The SOAP call that waits for its answer.
  var soap: SOAPCall? {
    asked.last { $0.request.path.hasPrefix("/ctl") }.flatMap { try? SOAPCall(parsing: $0.request.body) }
  }

  @discardableResult mutating func gatewayDoes(
    _ action: String, _ arguments: [SOAPArgument] = [], at location: SourceLocation = #_sourceLocation
  ) -> SOAPCall? {
    let call = soap
    #expect(call?.action == action, sourceLocation: location)
    let reply = SOAPReply(serviceType: call?.serviceType ?? "", action: action, arguments: arguments)
    let request = answer("POST /ctl/IPConn", HTTPResponse(200, body: reply.octets), at: location)
    #expect(request.fields["SOAPAction"] == call?.actionField, sourceLocation: location)
    return call
  }

  @discardableResult mutating func gatewayRefuses(
    _ code: Int, at location: SourceLocation = #_sourceLocation
  ) -> SOAPCall? {
    let call = soap
    answer("POST /ctl/IPConn", HTTPResponse(500, body: SOAPFault(errorCode: code, "no").octets), at: location)
    return call
  }

  mutating func gatewayTellsAddress(_ address: String = externalAddress) {
    gatewayDoes("GetExternalIPAddress", [SOAPArgument("NewExternalIPAddress", address)])
  }

  // MARK: The server's requests

  static let connectionId = "c0000000-0000-4000-8000-000000000001"
  static let controlRequest = "e0000000-0000-4000-8000-000000000001"
  static func result(_ requestId: String = controlRequest) -> String {
    "POST /v1/homes/home-a/requests/\(requestId)/result"
  }

  mutating func control(
    _ requestId: String = controlRequest, connection: String = connectionId, agentId: String = tv,
    application: String = "media", lasts: Int64 = 300, allowed: Int64 = 10
  ) {
    send(
      kind: "control",
      [
        "requestId": .string(requestId), "connectionId": .string(connection), "agentId": .string(agentId),
        "application": .string(application), "connectionToken": "secret",
        "expires": .string(ProfileTime.rfc3339(now.wall + lasts * 1000)),
      ], allowed: allowed)
  }

  mutating func disconnect(_ requestId: String, connection: String = connectionId) {
    send(
      kind: "disconnect",
      ["requestId": .string(requestId), "connectionId": .string(connection), "agentId": .string(Self.tv)], allowed: 10)
  }

  private mutating func send(kind: String, _ members: JSONValue, allowed: Int64) {
    guard let stream else {
      Issue.record("no stream is open")
      return
    }
    var data = members
    data["kind"] = .string(kind)
    data["deadline"] = .string(ProfileTime.rfc3339(now.wall + allowed * 1000))
    perform(.streamed(stream, ServerSentEvent(id: "1", event: kind, data: data.description)))
  }

  /// `control-reply`.
  mutating func agentAgrees(port: Int = 8200, address: String = "192.168.10.21", transport: String = "tcp") {
    answer(
      "POST /connections",
      .json(200, ["address": .string(address), "port": .int(port), "protocol": .string(transport)]))
  }

  /// A connection through the gateway, from the control to the result.
  mutating func connected(_ requestId: String = controlRequest, connection: String = connectionId, port: Int = 8200) {
    control(requestId, connection: connection)
    agentAgrees()
    gatewayTellsAddress()
    gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", String(port))])
    answer(Self.result(requestId), HTTPResponse(204))
  }
}
