import Messages
import RoleKit

/// A mobile device's connection, from the `control` that asked for it to its end (4.4).
struct RemoteConnection: Sendable {
  enum Step: Sendable {
    /// 4.4 step 3.
    case controlling(Courier<Purpose>.Errand)
    /// The agent answered 401 just after its registration: it may not have read the reply yet.
    case pausing
    /// 4.4 step 4.
    case mapping
    /// 4.4 step 5: the server has not taken the result yet.
    case reporting
    /// An earlier run of ours was at it; it goes on if the server asks again, or has taken its result.
    case interrupted
    case open
    /// `connection-end` is under way.
    case endingAtAgent(Courier<Purpose>.Errand)
    /// The mapping is being deleted.
    case unmapping
  }

  var connectionId: String
  /// Of the `control`.
  var requestId: String
  var agentId: String
  var application: String
  var token: String
  /// Milliseconds since 1970, both.
  var expires: Int64
  var deadline: Int64
  var correlation: String?
  var step: Step
  /// Where the agent says that the application is; `nil` before it has.
  var endpoint: ApplicationEndpoint?
  /// Requests that wait for the end.
  var disconnects: [String] = []

  var isInterrupted: Bool { if case .interrupted = step { true } else { false } }

  var isEnding: Bool {
    switch step {
    case .endingAtAgent, .unmapping: true
    case .controlling, .pausing, .mapping, .reporting, .interrupted, .open: false
    }
  }
}

/// `{address, port, protocol}` (profile section 5).
struct ApplicationEndpoint: Sendable, Hashable {
  var transport: PortMapping.Transport
  var endpoint: Endpoint

  init(_ transport: PortMapping.Transport, _ endpoint: Endpoint) {
    self.transport = transport
    self.endpoint = endpoint
  }

  init(_ body: BodyField) throws(FieldFault) {
    transport = try body["protocol"].word(PortMapping.Transport.self)
    endpoint = Endpoint(try body["address"].address(), try body["port"].port())
  }

  var json: JSONValue {
    [
      "address": .text(endpoint.address), "port": .int(Int(endpoint.port)), "protocol": .string(transport.rawValue),
    ]
  }
}
