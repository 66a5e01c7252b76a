import Messages
import RoleKit

/// An agent of another home.
struct PeerName: Sendable, Hashable {
  var homeId: String
  var agentId: String

  init(_ field: BodyField) throws(FieldFault) {
    let homeId = try field.object()["homeId"].text()
    guard Identifier.isHomeId(homeId) else { throw field["homeId"].fault("is not 1 to 64 of a-z, 0-9 and -") }
    self.homeId = homeId
    agentId = try field["agentId"].uuid()
  }

  var json: JSONValue { ["homeId": .string(homeId), "agentId": .string(agentId)] }
}

/// Our half of a session: what `peer-connect-reply` brings (profile section 6).
struct PeerGrant: Sendable, Hashable {
  enum Role: String, Sendable, Hashable, CaseIterable {
    case controlling, controlled

    var other: Role { self == .controlling ? .controlled : .controlling }
  }

  /// How a gateway maps (RFC 4787 clause 4.1).
  enum Mapping: String, Sendable, Hashable, CaseIterable {
    case endpointIndependent = "endpoint-independent"
    case addressDependent = "address-dependent"
    case addressAndPortDependent = "address-and-port-dependent"
    case unknown
  }

  var sessionId: String
  var token: String
  var checkKey: String
  var natMapping: Mapping
  var peerNatMapping: Mapping
  var role: Role
  var stun: Endpoint
  var server: Endpoint
  /// Milliseconds since 1970.
  var expires: Int64

  init(_ body: BodyField) throws(FieldFault) {
    sessionId = try body["sessionId"].uuid()
    token = try body["sessionToken"].text()
    checkKey = try body["checkKey"].text()
    natMapping = try body["natMapping"].word(Mapping.self)
    peerNatMapping = try body["peerNatMapping"].word(Mapping.self)
    role = try body["role"].word(Role.self)
    guard let stun = Endpoint(try body["stun"].text()) else { throw body["stun"].fault("is no address and port") }
    self.stun = stun
    guard let server = HTTPURL(try body["server"].text())?.endpoint else {
      throw body["server"].fault("is no http URL with an address")
    }
    self.server = server
    guard let expires = ProfileTime.milliseconds(rfc3339: try body["expires"].text(0...64)) else {
      throw body["expires"].fault("is no time of RFC 3339")
    }
    self.expires = expires
  }

  /// Neither side's port can be foretold: checks alone will not meet.
  var isHopeless: Bool {
    natMapping == .addressAndPortDependent && peerNatMapping == .addressAndPortDependent
  }

  /// The USERNAME of the checks that a side sends.
  func username(of role: Role) -> String { "\(sessionId):\(role.rawValue)" }
}

/// An address at which an agent may be reached (profile section 6 step 5).
struct PeerCandidate: Sendable, Hashable {
  enum Kind: String, Sendable, Hashable, CaseIterable { case host, srflx, mapped }

  var kind: Kind
  var endpoint: Endpoint

  init(_ kind: Kind, _ endpoint: Endpoint) {
    self.kind = kind
    self.endpoint = endpoint
  }

  /// A candidate of the peer; one that no single host has is refused, whatever the server let pass.
  init(_ field: BodyField) throws(FieldFault) {
    kind = try field.object()["type"].word(Kind.self)
    let address = try field["address"].address()
    guard !address.isMulticast, !address.isLimitedBroadcast, !address.isUnspecified else {
      throw field["address"].fault("is \(address), which is no host's address")
    }
    endpoint = Endpoint(address, try field["port"].port())
  }

  var json: JSONValue {
    ["type": .string(kind.rawValue), "address": .text(endpoint.address), "port": .int(Int(endpoint.port))]
  }
}
