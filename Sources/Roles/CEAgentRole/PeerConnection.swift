import Messages
import RoleKit

/// A connection to an agent in another home, from the user's wish to its end (4.5).
struct PeerConnection: Sendable {
  enum Step: Sendable {
    /// 4.5 step 1 or 3: the configurator is asked.
    case asking(Courier<PeerErrand>.Errand)
    /// The session is there: steps 5 to 7.
    case open(OpenSession)
    case ended(reason: String)
  }

  /// Tells the connections of one run apart, from 1.
  let number: Int
  let peer: PeerName
  let application: String
  /// Where our socket is.
  let local: Endpoint
  let correlation: String
  var step: Step
  /// What the session came to, kept after its end.
  var last: OpenSession?

  var session: OpenSession? { if case .open(let session) = step { session } else { last } }

  var isEnded: Bool { if case .ended = step { true } else { false } }
}

/// What is asked of others for a connection.
enum PeerErrand: Sendable, Hashable {
  case connect(Int)
  /// With how many candidates that the server did not have; with none it is a mere poll.
  case join(Int, offers: Int)
  case map(Int)
}

/// A session that the agent takes part in.
struct OpenSession: Sendable {
  /// Our address as the server sees it.
  enum Reflexive: Sendable, Hashable {
    case asking(STUNRequest)
    case known(Endpoint)
    case unknown
  }

  /// `session-join`.
  enum Joining: Sendable, Hashable {
    /// Not begun, or pausing after a failure.
    case idle
    case polling(Courier<PeerErrand>.Errand)
  }

  /// 4.5 step 6.
  enum Mapping: Sendable, Hashable {
    case notAsked
    case asked(Courier<PeerErrand>.Errand)
    case mapped(Endpoint)
    case refused(String)

    var word: String {
      switch self {
      case .notAsked: "not-asked"
      case .asked: "asked"
      case .mapped: "mapped"
      case .refused: "refused"
      }
    }
  }

  let grant: PeerGrant
  var reflexive: Reflexive
  var joining = Joining.idle
  var mapping = Mapping.notAsked
  var pairs: CandidatePairs
  /// Ours, in the order in which they are offered, and how many of them the server has.
  var candidates: [PeerCandidate]
  var offered = 0
  /// The peer's.
  var peerCandidates: [PeerCandidate] = []
  var transfer: PeerTransfer
  /// Datagrams that came from nobody who was checked.
  var dropped = 0

  /// Where our data goes: the first address that was checked.
  var remote: Endpoint? { pairs.checked.first }

  /// Nanoseconds from the first candidate until the gateway is asked.
  static let mapPatience: UInt64 = .seconds(3)
  /// Nanoseconds for which our own address is waited for before the session is joined without it.
  static let stunPatience: UInt64 = .seconds(1)
}

extension PeerConnection {
  /// What `GET /peer-connections` tells: no token, no key.
  func json(at now: Moment) -> JSONValue {
    var value: JSONObject = [
      "number": .int(number), "peer": peer.json, "application": .string(application),
      "localPort": .int(Int(local.port)), "state": .string(state(at: now)),
    ]
    if case .ended(let reason) = step { value["reason"] = .string(reason) }
    guard let session else { return .object(value) }
    let transfer = session.transfer
    value["sessionId"] = .string(session.grant.sessionId)
    value["role"] = .string(session.grant.role.rawValue)
    value["natMapping"] = .string(session.grant.natMapping.rawValue)
    value["peerNatMapping"] = .string(session.grant.peerNatMapping.rawValue)
    value["expires"] = .string(ProfileTime.rfc3339(session.grant.expires))
    value["candidates"] = .array(session.candidates.map(\.json))
    value["peerCandidates"] = .array(session.peerCandidates.map(\.json))
    value["mapping"] = .string(session.mapping.word)
    if case .refused(let reason) = session.mapping { value["mappingProblem"] = .string(reason) }
    value["remote"] = session.remote.map { ["address": .text($0.address), "port": .int(Int($0.port))] } ?? .null
    value["sent"] = .int(transfer.sent)
    value["acknowledged"] = .int(transfer.acknowledged)
    value["repeats"] = .int(transfer.repeats)
    value["received"] = .int(transfer.received)
    value["duplicates"] = .int(transfer.duplicates)
    value["lost"] = .int(transfer.lost)
    value["dropped"] = .int(session.dropped)
    return .object(value)
  }

  /// `asking`, `joining`, `checking`, `unreached` (no check got through so far), `connected`, `ended`.
  private func state(at now: Moment) -> String {
    switch step {
    case .asking: return "asking"
    case .ended: return "ended"
    case .open(let session):
      if session.remote != nil { return "connected" }
      if session.peerCandidates.isEmpty { return "joining" }
      return session.pairs.isChecking(at: now) ? "checking" : "unreached"
    }
  }
}
