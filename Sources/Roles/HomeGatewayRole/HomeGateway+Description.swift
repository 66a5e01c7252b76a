import Messages
import RoleKit

/// Where the gateway's documents and services are; no other page fixes these paths.
enum GatewayPath {
  static let description = "/description.xml"
  static let page = "/"

  static func service(_ service: GatewayService) -> String { "/\(service.rawValue).xml" }
  static func control(_ service: GatewayService) -> String { "/control/\(service.rawValue)" }
  static func events(_ service: GatewayService) -> String { "/events/\(service.rawValue)" }
}

/// What the gateway tells of itself: InternetGatewayDevice:2 with the devices and services that it must have.
extension HomeGateway {
  /// Changes with the documents (CONFIGID.UPNP.ORG).
  static let configurationID = 1

  private static let wanType = "urn:schemas-upnp-org:device:WANDevice:2"
  private static let connectionType = "urn:schemas-upnp-org:device:WANConnectionDevice:2"

  /// A UUID of an embedded device: the root's with another last digit, so that it outlives restarts too.
  private func uuid(_ number: UInt8) -> String {
    let last = settings.uuid.utf8.last.flatMap { UInt8(String(decoding: [$0], as: UTF8.self), radix: 16) } ?? 0
    return settings.uuid.dropLast() + String((last + number) % 16, radix: 16)
  }

  /// As SSDP announces it.
  var rootDevice: SSDPRootDevice {
    SSDPRootDevice(
      uuid: settings.uuid, deviceType: ProfileNames.gatewayType,
      devices: [.init(uuid: uuid(1), type: Self.wanType), .init(uuid: uuid(2), type: Self.connectionType)],
      services: [
        .init(uuid: uuid(1), type: GatewayService.wanCommonInterfaceConfig.type),
        .init(uuid: uuid(2), type: GatewayService.wanIPConnection.type),
      ])
  }

  /// The device description (UDA 2.0 clause 2.3).
  func description(at local: Endpoint) -> HTTPResponse {
    func device(_ type: String, _ uuid: String, _ name: String, _ service: GatewayService?, _ inner: [Device]) -> Device
    {
      Device(
        deviceType: type, friendlyName: name, manufacturer: "homebed", modelName: "home-gateway",
        uniqueDeviceName: "uuid:\(uuid)", modelDescription: "UPnP internet gateway", modelNumber: "1",
        services: service.map { [entry(of: $0)] } ?? [], devices: inner)
    }
    let name = settings.friendlyName
    let connection = device(Self.connectionType, uuid(2), name + ", connection", .wanIPConnection, [])
    let wan = device(Self.wanType, uuid(1), name + ", WAN", .wanCommonInterfaceConfig, [connection])
    var root = device(ProfileNames.gatewayType, settings.uuid, name, nil, [wan])
    root.presentationURL = "http://\(local)\(GatewayPath.page)"
    let document = DeviceDescription(device: root, configurationID: Self.configurationID)
    return Self.document(document.octets)
  }

  private func entry(of service: GatewayService) -> Service {
    Service(
      serviceType: service.type, serviceID: service.serviceID, descriptionURL: GatewayPath.service(service),
      controlURL: GatewayPath.control(service), eventSubscriptionURL: GatewayPath.events(service))
  }

  func description(of service: GatewayService) -> HTTPResponse {
    Self.document(service.description.octets(configurationID: Self.configurationID))
  }

  private static func document(_ octets: [UInt8]) -> HTTPResponse {
    HTTPResponse(
      200,
      fields: HTTPFields([
        .init("Content-Type", ProfileNames.soapType), .init("Server", ProfileNames.upnpProduct),
      ]), body: octets)
  }

  /// The presentation page: a person sees what is let in.
  func page(at now: Moment) -> HTTPResponse {
    func row(_ cell: String, _ texts: [String]) -> XMLElement {
      XMLElement("tr", texts.map { XMLElement(cell, text: $0.isEmpty ? "-" : $0) })
    }
    let heads = ["protocol", "port outside", "from", "to", "for", "enabled", "seconds left"]
    let rows = table.all.map { entry in
      row(
        "td",
        [
          entry.key.transport.rawValue, "\(entry.key.externalPort)", entry.key.remoteHost.map { "\($0)" } ?? "anybody",
          "\(entry.client)", entry.text, entry.isEnabled ? "yes" : "no", "\(entry.secondsLeft(at: now.wall))",
        ])
    }
    let page = XMLElement(
      "html",
      [
        XMLElement("head", [XMLElement("title", text: settings.friendlyName)]),
        XMLElement(
          "body",
          [
            XMLElement("h1", text: settings.friendlyName),
            XMLElement("p", text: "External address: \(externalAddress.map { "\($0)" } ?? "none")"),
            XMLElement("table", [row("th", heads)] + rows),
          ]),
      ])
    var text = "<!DOCTYPE html>\n"
    page.write(into: &text)
    return HTTPResponse(200, fields: ["Content-Type": "text/html; charset=utf-8"], body: Array(text.utf8))
  }
}
