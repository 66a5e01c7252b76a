import Octets

/// Names, ports and bounds that the profile fixes and more than one part needs.
public enum ProfileNames {
  /// The device type that a configurator answers searches for (profile section 2).
  public static let configuratorType = "urn:schemas-homebed:device:Configurator:1"
  /// The device type of every CE agent: the HTIP L3 agent (profile section 2).
  public static let basicDeviceType = "urn:schemas-upnp-org:device:Basic:1"
  /// The device type of a home gateway (profile section 7).
  public static let gatewayType = "urn:schemas-upnp-org:device:InternetGatewayDevice:2"
  /// What every device type of an internet gateway begins with, whatever its version.
  public static let gatewayTypePrefix = "urn:schemas-upnp-org:device:InternetGatewayDevice:"

  /// The request field that ties messages of one cause together (profile section 1).
  public static let correlationField = "Homebed-Correlation"
  /// The request field that makes a POST or a `register` safe to repeat (profile section 1).
  public static let idempotencyField = "Idempotency-Key"

  public static let jsonType = "application/json"
  public static let problemType = "application/problem+json"
  public static let mergePatchType = "application/merge-patch+json"
  public static let eventStreamType = "text/event-stream"
  /// SOAP 1.1 and UPnP's documents (UDA 2.0).
  public static let soapType = "text/xml; charset=\"utf-8\""
  /// The fields SERVER and USER-AGENT of UPnP (UDA 2.0, 1.2.2).
  public static let upnpProduct = "Linux UPnP/2.0 homebed/1"

  /// 239.255.255.250, the SSDP group (UDA 2.0).
  public static let ssdpGroup = IPAddress.v4(0xEFFF_FFFA)
  public static let ssdpPort: UInt16 = 1900

  /// 64 KiB; a longer body is refused with 413.
  public static let bodyLimit = 65_536
  /// 16 KiB; a longer header block is refused with 431.
  public static let headerLimit = 16_384

  /// Problem types are this and a ``ProblemName``.
  public static let problemPrefix = "urn:homebed:problem:"
}

/// Default ports of the profile's section 1, each of which a flag may change.
public enum DefaultPort {
  public static let configurator: UInt16 = 49200
  public static let agent: UInt16 = 49210
  public static let gateway: UInt16 = 49300
  public static let echo: UInt16 = 7
  public static let serviceServer: UInt16 = 8080
  public static let stun: [UInt16] = [3478, 3479]
}

/// The names of problems that a server or an agent may answer with (profile section 9, RFC 9457).
public enum ProblemName: String, Sendable, Hashable, CaseIterable {
  case malformedBody = "malformed-body"
  case unauthorized
  case forbidden
  case noHome = "no-home"
  case noAgent = "no-agent"
  case noConfiguration = "no-configuration"
  case noApplication = "no-application"
  case noSession = "no-session"
  case noRequest = "no-request"
  case agentConflict = "agent-conflict"
  case applicationDisabled = "application-disabled"
  case refused
  case gatewayRefused = "gateway-refused"
  case staleRevision = "stale-revision"
  case bodyTooLarge = "body-too-large"
  case invalidField = "invalid-field"
  case unsupportedSetting = "unsupported-setting"
  case tooManyRequests = "too-many-requests"
  case configuratorOffline = "configurator-offline"
  case storageUnavailable = "storage-unavailable"
  case configuratorTimeout = "configurator-timeout"

  /// The HTTP status that goes with the name; `stale-revision` also comes with 428, where `If-Match` is missing.
  public var status: Int {
    switch self {
    case .malformedBody: 400
    case .unauthorized: 401
    case .forbidden: 403
    case .noHome, .noAgent, .noConfiguration, .noApplication, .noSession, .noRequest: 404
    case .agentConflict, .applicationDisabled, .refused, .gatewayRefused: 409
    case .staleRevision: 412
    case .bodyTooLarge: 413
    case .invalidField, .unsupportedSetting: 422
    case .tooManyRequests: 429
    case .configuratorOffline, .storageUnavailable: 503
    case .configuratorTimeout: 504
    }
  }

  /// The `type` member of the problem document: `urn:homebed:problem:no-agent`.
  public var type: String { ProfileNames.problemPrefix + rawValue }

  /// The `title` member of the problem document: the same words for every occurrence.
  public var title: String {
    switch self {
    case .malformedBody: "The body is not a JSON object"
    case .unauthorized: "A valid token is needed"
    case .forbidden: "The token does not allow this"
    case .noHome: "There is no such home"
    case .noAgent: "There is no such agent"
    case .noConfiguration: "There is no configuration for this agent"
    case .noApplication: "There is no such application"
    case .noSession: "There is no such session"
    case .noRequest: "There is no such request, or its deadline has passed"
    case .agentConflict: "The agent identifier belongs to another device"
    case .applicationDisabled: "The application is disabled"
    case .refused: "The request was refused"
    case .gatewayRefused: "The home gateway refused"
    case .staleRevision: "The document has another revision"
    case .bodyTooLarge: "The body is too large"
    case .invalidField: "A field has a value that is not allowed"
    case .unsupportedSetting: "A setting is not supported"
    case .tooManyRequests: "There are too many of these"
    case .configuratorOffline: "The home's configurator is not connected"
    case .storageUnavailable: "The store is not available"
    case .configuratorTimeout: "The configurator did not answer in time"
    }
  }

  /// Reads the `type` member of a problem document; `nil` for other types.
  public init?(type: String) {
    guard type.hasPrefix(ProfileNames.problemPrefix) else { return nil }
    self.init(rawValue: String(type.dropFirst(ProfileNames.problemPrefix.count)))
  }
}

/// The problems that a CE device shows its user (profile section 8, clause 4.6.2).
public enum DeviceProblem: String, Sendable, Hashable, CaseIterable {
  case noLink = "no-link"
  case noAddress = "no-address"
  case duplicateAddress = "duplicate-address"
  case wrongSubnet = "wrong-subnet"
  case wrongGateway = "wrong-gateway"
  case dnsFailure = "dns-failure"
  case noConfigurator = "no-configurator"
  case severalConfigurators = "several-configurators"
  case registrationRefused = "registration-refused"
  case configurationRefused = "configuration-refused"
  case applicationDown = "application-down"
}
