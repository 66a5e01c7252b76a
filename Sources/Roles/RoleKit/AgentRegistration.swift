import Messages

/// What an agent tells of itself: the body of `register`, which `server-register` passes on (profile section 3).
public struct AgentRegistration: Sendable, Hashable {
  /// Why an agent registers.
  public enum Reason: String, Sendable, Hashable, CaseIterable {
    /// At start and at another configurator: Sequence 1.
    case newDevice = "new-device"
    /// After a link-up, an address or gateway change, or a failed refresh: Sequence 2.
    case connectionChange = "connection-change"
    /// At half the lifetime.
    case refresh
  }

  /// Seconds that an agent may ask for.
  public static let lifetimes = 60...86_400

  /// The body as it came, with what this page does not know.
  public let body: JSONValue
  public let agentId: String
  public let reason: Reason
  public let serialNumber: String
  public let configurationURL: HTTPURL
  /// Seconds.
  public let lifetime: Int

  /// Checks a body against the rules that `register` and `server-register` share.
  ///
  /// - Parameter agentId: the agent that the path names.
  public init(_ body: BodyField, agentId: String) throws(FieldFault) {
    self.body = body.value ?? [:]
    self.agentId = try body["agentId"].uuid()
    guard self.agentId == agentId else { throw body["agentId"].fault("is not the agent of the path, \(agentId)") }
    reason = try body["reason"].word(Reason.self)
    serialNumber = try AgentRegistration.device(try body["device"].object())
    for interface in try body["interfaces"].items(atMost: 64) { try AgentRegistration.interface(interface) }
    try AgentRegistration.applications(body["applications"])
    let url = body["configurationURL"]
    guard let parsed = HTTPURL(try url.text(1...2048)), parsed.endpoint != nil else {
      throw url.fault("is no http URL with an address as its host")
    }
    configurationURL = parsed
    lifetime = try body["lifetime"].int(AgentRegistration.lifetimes)
  }

  private static func device(_ device: BodyField) throws(FieldFault) -> String {
    let oui = device["manufacturerOUI"]
    let digits = try oui.text()
    guard digits.utf8.count == 6, digits.utf8.allSatisfy(\.isHexDigit) else {
      throw oui.fault("is not six hexadecimal digits")
    }
    _ = try device["modelName"].text()
    let serialNumber = try device["serialNumber"].text()
    for name in ["modelNumber", "friendlyName"] where !device[name].isAbsent { _ = try device[name].text(0...256) }
    if !device["deviceCategory"].isAbsent {
      for category in try device["deviceCategory"].items(atMost: 64) { _ = try category.text() }
    }
    return serialNumber
  }

  private static func interface(_ interface: BodyField) throws(FieldFault) {
    _ = try interface.object()
    if !interface["name"].isAbsent { _ = try interface["name"].text() }
    if !interface["ifType"].isAbsent { _ = try interface["ifType"].int(0...Int(Int32.max)) }
    let mac = interface["macAddress"]
    if !mac.isAbsent, MACAddress(try mac.text()) == nil { throw mac.fault("is not a MAC address") }
    if !interface["ipAddresses"].isAbsent {
      for address in try interface["ipAddresses"].items(atMost: 64) { _ = try address.cidr() }
    }
    if !interface["defaultGateway"].isAbsent { _ = try interface["defaultGateway"].address() }
    if !interface["dnsServers"].isAbsent {
      for server in try interface["dnsServers"].items(atMost: 64) { _ = try server.address() }
    }
  }

  private enum TransportProtocol: String, CaseIterable { case tcp, udp }

  private static func applications(_ applications: BodyField) throws(FieldFault) {
    var names: Set<String> = []
    for application in try applications.items(atMost: 64) {
      let name = try application.object()["name"].text()
      guard names.insert(name).inserted else { throw application["name"].fault("is \"\(name)\" a second time") }
      _ = try application["protocol"].word(TransportProtocol.self)
      _ = try application["port"].port()
      if !application["remoteAccess"].isAbsent { _ = try application["remoteAccess"].bool() }
    }
  }
}
