import Messages
import RoleKit

/// A home gateway that SSDP told of.
struct FoundGateway: Sendable, Hashable {
  var uuid: String
  /// Its description, on an address literal in our own subnet.
  var location: HTTPURL
  var interface: String
}

/// Where the gateway's connection service takes SOAP requests.
struct GatewayService: Sendable, Hashable {
  /// The services that are used, the best first.
  static let types = [
    "urn:schemas-upnp-org:service:WANIPConnection:2", "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
  ]

  var type: String
  var endpoint: Endpoint
  /// The path of the control URL.
  var target: String

  /// Whether it has AddAnyPortMapping (IGD:2), by which a gateway gives another port where the wished one is taken.
  var givesAnyPort: Bool { type == GatewayService.types[0] }
}

/// What is known of the home's gateway. With several, the one that answered first counts.
enum GatewayContact: Sendable, Hashable {
  /// No gateway answered so far. While `isListening` the first search is young, and one may still answer.
  case none(isListening: Bool)
  /// Its description is on the way.
  case reading(FoundGateway, Courier<Purpose>.Errand)
  case known(FoundGateway, GatewayService)
  /// SSDP found it, but it cannot be controlled.
  case unusable(FoundGateway, reason: String)

  var found: FoundGateway? {
    switch self {
    case .none: nil
    case .reading(let found, _), .known(let found, _), .unusable(let found, _): found
    }
  }
}

/// For whom a port is mapped.
enum MappingOwner: Sendable, Hashable {
  /// A mobile device's connection, by connectionId (4.4 step 4).
  case connection(String)
  /// A session with another home, by sessionId (4.5 step 6).
  case session(String)
  /// A check's probe from outside, by requestId (4.6.4 step 3).
  case check(String)

  /// The key of its row.
  var text: String {
    switch self {
    case .connection(let id): "connection/\(id)"
    case .session(let id): "session/\(id)"
    case .check(let id): "check/\(id)"
    }
  }

  init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
    switch (parts.first, parts.count) {
    case ("connection", 2): self = .connection(parts[1])
    case ("session", 2): self = .session(parts[1])
    case ("check", 2): self = .check(parts[1])
    default: return nil
    }
  }
}

/// What asking for a mapping came to.
enum MappingOutcome: Sendable, Hashable {
  /// There is no gateway, or the client has the gateway's external address: it is reached as it is.
  case notNeeded
  /// Traffic to this endpoint reaches the client for so many seconds.
  case mapped(Endpoint, lease: Int)
  case refused(String)
}

/// A mapping from its wish to its end.
struct MappingWork: Sendable {
  enum Step: Sendable {
    /// It is not clear yet whether there is a gateway.
    case waiting
    /// GetExternalIPAddress.
    case askingAddress(Courier<Purpose>.Errand)
    /// AddAnyPortMapping or AddPortMapping.
    case adding(Courier<Purpose>.Errand, MappingWish)
    case held(HeldMapping)
    /// It is to be deleted as soon as its gateway is known.
    case owingDeletion(HeldMapping)
    case deleting(Courier<Purpose>.Errand, HeldMapping)
  }

  var owner: MappingOwner
  var transport: PortMapping.Transport
  var client: Endpoint
  /// Milliseconds since 1970.
  var expires: Int64
  var correlation: String?
  var step: Step
  /// A port that leads there already, as an earlier run of ours got it.
  var knownPort: UInt16?
  /// Its owner has given it up while the gateway was being asked: it is deleted when the answer is there.
  var isUnwanted = false
}

/// What is asked of a gateway.
struct MappingWish: Sendable, Hashable {
  /// The gateway that is asked, and whether it names the port itself.
  var gatewayUUID: String
  var givesAnyPort: Bool
  var external: IPAddress
  var port: UInt16
  var tries = 1
  /// The gateway takes no leases.
  var isPermanent = false
}

/// A port that a gateway has mapped for us.
struct HeldMapping: Sendable, Hashable {
  var gatewayUUID: String
  var external: Endpoint
  /// The gateway takes no leases: the mapping stays until it is deleted.
  var isPermanent: Bool
}
