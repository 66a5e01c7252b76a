import Messages
import RoleKit

/// What a CE agent is told once, when it starts.
public struct CEAgentSettings: Sendable {
  /// An application that the device offers (profile section 3).
  public struct Application: Sendable, Hashable {
    public enum Transport: String, Sendable, Hashable, CaseIterable { case tcp, udp }
    public var name: String
    public var transport: Transport
    public var port: UInt16
    /// Whether the device lets it be reached from outside the home.
    public var remoteAccess: Bool
    /// Whether it is on, where the configuration says nothing of it.
    public var isEnabled: Bool
    /// The status that it answers whatever it is asked, for tests of what is out of order; `nil`: it serves.
    public var answers: Int?

    public init(name: String, transport: Transport, port: UInt16, remoteAccess: Bool, isEnabled: Bool = true) {
      self.name = name
      self.transport = transport
      self.port = port
      self.remoteAccess = remoteAccess
      self.isEnabled = isEnabled
    }
  }

  /// A UUID in lower case.
  public var agentId: String
  /// The `device` object of the `register` body; `manufacturerOUI`, `modelName` and `serialNumber` are required of it.
  public var device: JSONValue
  public var applications: [Application]
  /// Where the agent's own HTTP API listens.
  public var httpPort: UInt16
  /// Seconds for which a registration is asked to hold, 60 to 86400.
  public var lifetime: Int
  /// Seconds; MX of the agent's own searches.
  public var mx: Int
  /// Whether a stop is told to the configurator (`deregister`).
  public var deregistersOnStop: Bool
  /// Names beside its address under which the API may be addressed.
  public var hostNames: [String]
  public var ssdpGroup: Endpoint
  /// Nanoseconds; lowers the random delay of replies to searches. `nil`: MX alone rules.
  public var ssdpMaxDelay: UInt64?
  /// Nanoseconds for which the network must be quiet after a change before the agent searches anew, since one change
  /// often comes as several (an address goes, another comes, then a gateway).
  public var changeSettle: UInt64
  public var htip = HTIPRhythm.standard

  public init(
    agentId: String, device: JSONValue, applications: [Application] = [], httpPort: UInt16 = DefaultPort.agent,
    lifetime: Int = 3600, mx: Int = 1, deregistersOnStop: Bool = false, hostNames: [String] = [],
    ssdpGroup: Endpoint = Endpoint(ProfileNames.ssdpGroup, ProfileNames.ssdpPort), ssdpMaxDelay: UInt64? = nil,
    changeSettle: UInt64 = .milliseconds(20)
  ) {
    self.agentId = agentId
    self.device = device
    self.applications = applications
    self.httpPort = httpPort
    self.lifetime = lifetime
    self.mx = mx
    self.deregistersOnStop = deregistersOnStop
    self.hostNames = hostNames
    self.ssdpGroup = ssdpGroup
    self.ssdpMaxDelay = ssdpMaxDelay
    self.changeSettle = changeSettle
  }
}

extension CEAgentSettings {
  /// Reads the `device` object and the `applications` array as the environment and the command line give them.
  ///
  /// - Throws: ``FieldFault`` where a configurator would refuse them.
  public init(agentId: String, device: JSONValue, applications: JSONValue) throws(FieldFault) {
    let fields = BodyField(["agentId": .string(agentId), "device": device, "applications": applications])
    let id = try fields["agentId"].uuid()
    for name in ["manufacturerOUI", "modelName", "serialNumber"] { _ = try fields["device"].object()[name].text() }
    var read: [Application] = []
    for item in try fields["applications"].items() {
      read.append(
        Application(
          name: try item["name"].text(1...64), transport: try item["protocol"].word(Application.Transport.self),
          port: try item["port"].port(),
          remoteAccess: item["remoteAccess"].isAbsent ? true : try item["remoteAccess"].bool()))
    }
    self.init(agentId: id, device: device, applications: read)
  }
}
