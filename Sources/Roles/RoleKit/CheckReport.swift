import Messages

/// The checks of 4.6.3 and 4.6.4 (profile section 8).
public enum CheckName: String, Sendable, Hashable, CaseIterable {
  case collector
  case server = "server-check"
  case gateway = "gateway-check"
  case agentServer = "agent-server-check"
  case applicationLocal = "application-local"
  case applicationLAN = "application-lan"
  case applicationProbe = "application-probe"
}

/// An item of `checks`: what was looked at, and what was seen.
public struct CheckItem: Sendable, Hashable {
  public enum Result: String, Sendable, Hashable, CaseIterable { case ok, degraded, failed, skipped }

  public var name: CheckName
  public var result: Result
  /// A node, a port or a link.
  public var element: String
  public var detail: String
  public var tally: ProbeTally?
  /// Milliseconds, where there is no ``tally``.
  public var roundTrip: Double?

  public init(
    _ name: CheckName, _ result: Result, element: String, _ detail: String, tally: ProbeTally? = nil,
    roundTrip: Double? = nil
  ) {
    self.name = name
    self.result = result
    self.element = element
    self.detail = detail
    self.tally = tally
    self.roundTrip = roundTrip
  }

  /// A row of questions, told as a check.
  public init(_ name: CheckName, element: String, _ tally: ProbeTally) {
    let result: Result =
      tally.sent == 0 ? .skipped : tally.isSilent ? .failed : tally.isClean ? .ok : .degraded
    self.init(name, result, element: element, tally.description, tally: tally)
  }

  public var json: JSONValue {
    var value: JSONObject = [
      "name": .string(name.rawValue), "result": .string(result.rawValue), "element": .string(element),
      "detail": .string(detail),
    ]
    if let tally {
      value["sent"] = .int(tally.sent)
      value["received"] = .int(tally.received)
    }
    if let time = tally?.roundTrip ?? roundTrip { value["rttMs"] = .double(time) }
    return .object(value)
  }

  public init(_ body: BodyField) throws(FieldFault) {
    name = try body["name"].word(CheckName.self)
    result = try body["result"].word(Result.self)
    element = body["element"].isAbsent ? "" : try body["element"].text(0...256)
    detail = body["detail"].isAbsent ? "" : try body["detail"].text(0...1024)
    roundTrip = body["rttMs"].value?.double
    guard !body["sent"].isAbsent, !body["received"].isAbsent else { return }
    let sent = try body["sent"].int(0...10_000)
    tally = ProbeTally(sent: sent, received: try body["received"].int(0...sent), roundTrip: roundTrip)
  }
}

/// A finding: what is wrong, where, and what shows it.
public struct Finding: Sendable, Hashable {
  public enum Layer: String, Sendable, Hashable, CaseIterable { case link, network, application }

  public enum Fault: String, Sendable, Hashable, CaseIterable {
    case cableUnplugged = "cable-unplugged"
    case linkDegraded = "link-degraded"
    case deviceOff = "device-off"
    case wrongPort = "wrong-port"
    case noAddress = "no-address"
    case duplicateAddress = "duplicate-address"
    case wrongSubnet = "wrong-subnet"
    case wrongGateway = "wrong-gateway"
    case dnsFailure = "dns-failure"
    case gatewayDown = "gateway-down"
    case wanDown = "wan-down"
    case serverUnreachable = "server-unreachable"
    case portNotMapped = "port-not-mapped"
    case portBlocked = "port-blocked"
    case applicationDown = "application-down"
    case applicationRefuses = "application-refuses"
    case none

    public var layer: Layer {
      switch self {
      case .cableUnplugged, .linkDegraded, .deviceOff, .wrongPort: .link
      case .noAddress, .duplicateAddress, .wrongSubnet, .wrongGateway, .dnsFailure, .gatewayDown, .wanDown,
        .serverUnreachable, .portNotMapped, .portBlocked, .none:
        .network
      case .applicationDown, .applicationRefuses: .application
      }
    }
  }

  public var layer: Layer
  public var fault: Fault
  public var element: String
  public var evidence: String
  public var advice: String

  public init(_ fault: Fault, at element: String, evidence: String, advice: String, layer: Layer? = nil) {
    self.layer = layer ?? fault.layer
    self.fault = fault
    self.element = element
    self.evidence = evidence
    self.advice = advice
  }

  public var json: JSONValue {
    [
      "layer": .string(layer.rawValue), "fault": .string(fault.rawValue), "element": .string(element),
      "evidence": .string(evidence), "advice": .string(advice),
    ]
  }

  public init(_ body: BodyField) throws(FieldFault) {
    fault = try body["fault"].word(Fault.self)
    layer = body["layer"].isAbsent ? fault.layer : try body["layer"].word(Layer.self)
    element = body["element"].isAbsent ? "" : try body["element"].text(0...256)
    evidence = body["evidence"].isAbsent ? "" : try body["evidence"].text(0...1024)
    advice = body["advice"].isAbsent ? "" : try body["advice"].text(0...1024)
  }
}

/// How a check went as a whole: as the worst of what was found.
public enum CheckResult: String, Sendable, Hashable {
  case ok, degraded, failed

  public init(_ findings: [Finding]) {
    let faults = findings.map(\.fault).filter { $0 != .none }
    self = faults.isEmpty ? .ok : faults.allSatisfy { $0 == .linkDegraded } ? .degraded : .failed
  }
}
