import Backends
import JSONText
import Messages
import ScenarioLanguage
import TopologyLanguage

/// Reads facts from inside a node, off every link, by the profile's own requests.
struct FactReader {
  /// What a fact was found to be.
  enum Reading {
    /// A document or value to which the fact's condition applies.
    case value(JSONValue)
    /// There is nothing: an agent that is not known, a configuration that cannot be read.
    case nothing
    /// The node did not answer; the fact is not true now.
    case unreadable(String)
    /// A fact of a part that this version does not have.
    case unsupported(String)
  }

  let home: any HomeUnderTest
  let secrets: RunSecrets
  /// The address of a node's interface, as actions may have changed it.
  let address: @Sendable (_ node: String) -> IPAddress?

  /// How long one reading may take.
  static let patience = Duration.seconds(1)

  func status(of node: Node, knowledge: WireKnowledge) async -> Reading {
    await get(node, port(of: node, knowledge), "/status", token: nil)
  }

  func screen(of node: Node, knowledge: WireKnowledge) async -> Reading {
    switch await exchange(node, port(of: node, knowledge), "/", token: nil) {
    case .success(let response): .value(.string(String(decoding: response.body, as: UTF8.self)))
    case .failure(let failure): .unreadable(failure.reason)
    }
  }

  func configuration(of node: Node, knowledge: WireKnowledge) async -> Reading {
    guard let token = knowledge.controlTokens[node.id] else { return .nothing }
    let path = knowledge.url(ofAgent: node.id)?.target ?? "/configuration"
    return await get(node, port(of: node, knowledge), path, token: token)
  }

  /// The newest connection to another home, as the device shows it to its user.
  func peerConnection(of node: Node, knowledge: WireKnowledge) async -> Reading {
    switch await get(node, port(of: node, knowledge), PeerInterface.path, token: nil) {
    case .value(let status): PeerInterface.newest(in: status).map { .value($0) } ?? .nothing
    case let other: other
    }
  }

  func agent(_ agent: Node, at configurator: Node) async -> Reading {
    await get(configurator, DefaultPort.configurator, "/agents/\(agent.id)", token: secrets.operatorToken)
  }

  /// What a configurator knows of its home's links.
  func topology(at configurator: Node) async -> Reading {
    await get(configurator, DefaultPort.configurator, "/topology", token: secrets.operatorToken)
  }

  private struct Unanswered: Error { var reason: String }

  private func get(_ node: Node, _ port: UInt16, _ target: String, token: String?) async -> Reading {
    switch await exchange(node, port, target, token: token) {
    case .failure(let failure): return .unreadable(failure.reason)
    case .success(let response) where response.status == 404: return .nothing
    case .success(let response) where response.status != 200:
      return .unreadable("\(node.name) answered \(response.status) to GET \(target)")
    case .success(let response):
      do {
        return .value(try JSONValue(parsing: response.body))
      } catch {
        return .unreadable("\(node.name) answered GET \(target) with no JSON: \(error)")
      }
    }
  }

  private func exchange(_ node: Node, _ port: UInt16, _ target: String, token: String?) async -> Result<
    HTTPResponse, Unanswered
  > {
    guard let address = address(node.name) else { return .failure(Unanswered(reason: "\(node.name) has no address")) }
    let endpoint = Endpoint(address, port)
    var request = HTTPRequest("GET", target, fields: ["Host": endpoint.description, "Connection": "close"])
    if let token { request.fields["Authorization"] = "Bearer \(token)" }
    do {
      let octets = try await home.exchange(
        from: node.name, with: endpoint, sending: try request.octets(), within: FactReader.patience,
        until: { PlainHTTP.response(in: $0, to: "GET", isEnded: false) != nil })
      guard let response = PlainHTTP.response(in: octets, to: "GET", isEnded: true) else {
        return .failure(Unanswered(reason: "\(node.name) answered GET \(target) with no whole response"))
      }
      return .success(response)
    } catch {
      return .failure(Unanswered(reason: "\(node.name): \(error)"))
    }
  }

  /// The port of an agent's interface: the one that it registered, else the profile's.
  private func port(of agent: Node, _ knowledge: WireKnowledge) -> UInt16 {
    knowledge.url(ofAgent: agent.id)?.port ?? DefaultPort.agent
  }
}
