import Backends
import HTTPWire
import JSONText
import LinuxNetwork
import Messages
import ScenarioLanguage
import TopologyLanguage

/// `home-a.tv connects to home-b.tv share`: the user at a device asks for a connection (4.5 steps 1 and 3).
extension HomeConductor {
  /// Asks the device through its own interface, from inside the node. The connection itself comes about when the peer
  /// asks too, so that here only the device's consent is waited for.
  func connect(peer device: Node, to peer: Node, _ application: String) async throws {
    guard powered.contains(device.name) else {
      throw ActionFailure("\(device.name) has no power; hint: power it on in given")
    }
    guard let home = peer.home else { throw ActionFailure("\(peer.name) is in no home") }
    guard let address = addresses[device.name] else { throw ActionFailure("\(device.name) has no address") }
    let endpoint = Endpoint(address, knowledge.url(ofAgent: device.id)?.port ?? DefaultPort.agent)
    let body: JSONValue = [
      "peer": ["homeId": .string(home), "agentId": .string(peer.id)], "application": .string(application),
    ]
    let request = HTTPRequest(
      "POST", PeerInterface.path,
      fields: ["Host": endpoint.description, "Content-Type": ProfileNames.jsonType, "Connection": "close"],
      body: body.octets)
    let deadline = HostClock.wall() + PeerInterface.patience
    while true {
      let response = await answer(of: device, at: endpoint, to: request)
      if let response, response.status == 202 { return }
      let isEarly = response == nil || response?.status == 409
      guard isEarly, HostClock.wall() < deadline, !isOver else {
        throw ActionFailure(PeerInterface.refusal(of: device.name, response))
      }
      try await pump(until: HostClock.wall() + Pause.betweenPolls)
    }
  }

  private func answer(of device: Node, at endpoint: Endpoint, to request: HTTPRequest) async -> HTTPResponse? {
    guard let octets = try? request.octets(), let home else { return nil }
    let answer = try? await home.exchange(
      from: device.name, with: endpoint, sending: octets, within: .seconds(1),
      until: { PlainHTTP.response(in: $0, to: request.method, isEnded: false) != nil })
    return answer.flatMap { PlainHTTP.response(in: $0, to: request.method, isEnded: true) }
  }
}

/// The interface of a device at which its user asks for connections to other homes. It is this project's own: the
/// profile says what crosses the network, not how a user tells a device what to do.
enum PeerInterface {
  static let path = "/peer-connections"
  /// Nanoseconds for which the device may still be reading the reply that registers it, which was on the wire already.
  static let patience: Int64 = 3_000_000_000

  /// Why a device did not do as it was asked, in words.
  static func refusal(of device: String, _ response: HTTPResponse?) -> String {
    let what = "\(device) does not connect: its POST \(path)"
    guard let response else { return "\(what) has no answer; hint: is its program up?" }
    let detail = (try? JSONValue(parsing: response.body))?["detail"]?.string
    switch response.status {
    case 401, 404, 405, 501:
      return "\(what) answers \(response.status); hint: a program of somebody else's has its own way to be told"
    default: return "\(what) answers \(response.status)\(detail.map { ": \($0)" } ?? "")"
    }
  }

  /// The newest connection in what `GET` tells; `nil` where there is none.
  static func newest(in status: JSONValue) -> JSONValue? { status["connections"]?.array?.last }
}
