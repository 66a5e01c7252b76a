import Messages
import RoleKit

/// The reasoning of troubleshooting (4.6.3, 4.6.4): from what was seen to what is wrong and where.
///
/// It goes from the near to the far, and a fault hides what lies behind it: of a gateway that is off nobody can tell
/// whether its outer line works too. `docs/troubleshooting.md` has the table.
extension CheckEvidence {
  var findings: [Finding] {
    if !isOwnLinkUp {
      return [
        Finding(
          .cableUnplugged, at: configurator, evidence: "the configurator's own link is down",
          advice: "Plug in the configurator's network cable.")
      ]
    }
    var found: [Finding] = []
    found += gatewayFindings
    found += outsideFindings
    found += deviceFindings
    found += wayFindings
    found += qualityFindings
    found += applicationFindings
    var seen: Set<String> = []
    found = found.filter { seen.insert("\($0.fault.rawValue) \($0.element)").inserted }
    return found.isEmpty ? [nothing] : found
  }

  private var nothing: Finding {
    let what =
      kind == .application ? "\(application ?? "the application") answers from everywhere" : "every way is open"
    return Finding(
      .none, at: device, evidence: what, advice: "Nothing is to be done.",
      layer: kind == .application ? .application : .network)
  }

  // MARK: Who is there

  /// Neither ICMP nor UPnP nor the device itself hears of the gateway.
  var isGatewayDown: Bool {
    guard isGatewayKnown, control != .answered(isConnected: true), control != .answered(isConnected: false) else {
      return false
    }
    // Where no echoes are to be had, both its UPnP and the device's own check have to be without an answer.
    let isSilentToUs = gatewayEcho?.isSilent ?? (control == .silent && item(.gateway)?.result == .failed)
    let isHeardByDevice = item(.gateway).map { $0.result == .ok || $0.result == .degraded } ?? false
    return isSilentToUs && !isHeardByDevice
  }

  private var isGatewayKnown: Bool { gatewayAddress != nil }

  /// The device answers something: an echo, or a request.
  var isDeviceHeard: Bool { agent.hasAnswered || isHeard(deviceEcho) || (lanVisit?.isAnswered ?? false) }

  private func isHeard(_ tally: ProbeTally?) -> Bool { tally.map { $0.sent > 0 && !$0.isSilent } ?? false }

  private var gatewayFindings: [Finding] {
    guard isGatewayDown else { return [] }
    if let broken = gatewaySight.broken, !gatewaySight.saidGoodbye {
      return [unplugged(broken, "the way to the home gateway is broken at \(broken), as HTIP tells")]
    }
    let echoes = gatewayEcho.map { "of the configurator's echoes \($0)" } ?? "it does not answer by UPnP"
    return [
      Finding(
        .gatewayDown, at: gateway, evidence: "the home gateway is silent: \(echoes)",
        advice: "Switch the home gateway on, and check its cable to the home network.")
    ]
  }

  /// The line outside and the service server.
  private var outsideFindings: [Finding] {
    guard !isGatewayDown else { return [] }
    let isServerSilent = serverBindings?.isSilent ?? self.isServerSilent
    guard isServerSilent else { return [] }
    if control == .answered(isConnected: false) {
      return [
        Finding(
          .wanDown, at: gateway, evidence: "the home gateway answers and tells that its outer line is down",
          advice: "Check the cable between the home gateway and the outer line, or ask the provider.")
      ]
    }
    let told = control == .answered(isConnected: true) ? "its outer line is up" : "nothing of its outer line"
    let seen = serverBindings.map { "of the Bindings \($0)" } ?? "its HTTP port does not answer"
    return [
      Finding(
        .serverUnreachable, at: server,
        evidence: "the home gateway tells that \(told), and the service server is silent: \(seen)",
        advice: "Wait, or ask whoever runs the service: inside the home nothing can be done.")
    ]
  }

  /// A device that nothing is heard of.
  private var deviceFindings: [Finding] {
    guard agent != .notAsked, !isDeviceHeard else { return agentPortFindings + toldFindings }
    let silence = deviceEcho.map { "of the echoes to it \($0)" } ?? "its agent does not answer"
    if let broken = sight.broken {
      if sight.saidGoodbye {
        return [off(broken, "\(broken) said goodbye, and nothing of \(device) behind it is heard")]
      }
      // One broken link may cut off both.
      return [unplugged(broken, "HTIP tells nothing any more of what lies behind \(broken); \(silence)")]
    }
    if saidGoodbye { return [off(device, "\(device) said goodbye before it fell silent; \(silence)")] }
    if case .failed(.refused) = agent {
      return [
        Finding(
          .deviceOff, at: device, evidence: "the address of \(device) is there, but its agent's port is closed",
          advice: "Switch the device on, or restart it.")
      ]
    }
    let last = sight.lastPlace.map { "; it was last seen at \($0.element)" } ?? ""
    return [unplugged(sight.link(of: device) ?? device, "\(device) fell silent without a goodbye: \(silence)\(last)")]
  }

  /// The device is there and its agent is not to be reached.
  private var agentPortFindings: [Finding] {
    guard case .failed(let failure) = agent, isDeviceHeard, !(deviceEcho?.isLossy ?? false) else { return [] }
    if failure == .refused {
      return [
        Finding(
          .applicationDown, at: device, evidence: "\(device) answers echoes, but its agent's port is closed",
          advice: "Restart the device.")
      ]
    }
    return [
      Finding(
        .portBlocked, at: device, evidence: "\(device) answers echoes, but its agent does not answer: \(failure)",
        advice: "See what on the device blocks the port of its agent.")
    ]
  }

  /// What the device knows of itself (4.6.2); it speaks for itself alone.
  private var toldFindings: [Finding] {
    agentFindings.filter { $0.layer != .application && $0.fault != .none }.map {
      var finding = $0
      finding.element = device
      return finding
    }
  }

  // MARK: The device's ways

  /// The device answers, and a way that the configurator has is closed to it.
  private var wayFindings: [Finding] {
    // Over a link that loses much, ARP's own requests get lost too, and a whole row fails for that.
    guard agent.hasAnswered, !isGatewayDown, !(deviceEcho?.isLossy ?? false) else { return [] }
    let toGateway = item(.gateway)
    let toServer = item(.agentServer)
    if let subnet = wrongSubnet { return [subnet] }
    if toGateway?.result == .failed {
      return [
        Finding(
          .portBlocked, at: device,
          evidence: "the configurator reaches the home gateway and \(device); \(device) does not reach the gateway",
          advice: "See what on the device, or between it and the gateway, blocks echoes.")
      ]
    }
    guard toServer?.result == .failed, isHeard(serverBindings) else { return [] }
    guard deviceGateway == gatewayAddress else {
      let its = deviceGateway.map { "\($0)" } ?? "none"
      return [
        Finding(
          .wrongGateway, at: device,
          evidence: "its default gateway is \(its), the home gateway is \(gatewayAddress.map { "\($0)" } ?? "unknown")",
          advice: "Set the device's default gateway to the address of the home gateway.")
      ]
    }
    return [
      Finding(
        .portBlocked, at: gateway,
        evidence: "the configurator reaches the service server, and \(device) does not, by the same gateway",
        advice: "See whether the home gateway blocks the device, such as by a parental control.")
    ]
  }

  private var wrongSubnet: Finding? {
    guard let gateway = gatewayAddress, !deviceAddresses.isEmpty, item(.gateway)?.result == .failed,
      !deviceAddresses.contains(where: { $0.contains(gateway) })
    else { return nil }
    return Finding(
      .wrongSubnet, at: device,
      evidence: "its addresses \(deviceAddresses.map(\.description).joined(separator: ", ")) do not hold \(gateway)",
      advice: "Let the home gateway give the device its address, or set one of the home's network.")
  }

  // MARK: Quality

  /// Three ends see each other by pairs: what two bad pairs have in common is the bad link, and one bad pair is the
  /// link of the device that is asked about.
  private var qualityFindings: [Finding] {
    func isBad(_ tally: ProbeTally?) -> Bool { tally.map { $0.isLossy || $0.isSlow } ?? false }
    let deviceToGateway = item(.gateway)?.tally
    let (ours, theirs, between) = (isBad(gatewayEcho), isBad(deviceToGateway), isBad(deviceEcho))
    let deviceLink = sight.link(of: device) ?? device
    func degraded(_ element: String, _ tally: ProbeTally?, _ way: String) -> Finding {
      Finding(
        .linkDegraded, at: element, evidence: "\(way): \(tally.map { "\($0)" } ?? "no figures")",
        advice: "Check the cable and its plugs, or what else uses the link.")
    }
    if between, ours, !theirs { return [degraded(configurator, deviceEcho, "configurator to \(device) and gateway")] }
    if ours, theirs, !between { return [degraded(gateway, gatewayEcho, "the home gateway to both others")] }
    var found: [Finding] = []
    if between || theirs {
      found.append(degraded(deviceLink, between ? deviceEcho : deviceToGateway, "\(device) to the others"))
    } else if ours {
      found.append(degraded(gateway, gatewayEcho, "configurator to home gateway"))
    }
    // The outer line: it is bad where everything before it is good.
    if isBad(serverBindings), serverBindings?.isLossy ?? false, found.isEmpty {
      found.append(degraded("\(gateway)--\(server)", serverBindings, "home gateway to service server"))
    }
    if found.isEmpty, let quality = sight.quality, quality < 30 {
      found.append(
        Finding(
          .linkDegraded, at: deviceLink, evidence: "HTIP tells a link quality of \(quality) %",
          advice: "Move the device nearer to its access point."))
    }
    return found
  }

  // MARK: The application

  private var applicationFindings: [Finding] {
    guard kind == .application, let name = application, isDeviceHeard else { return [] }
    if let told = agentFindings.first(where: { $0.layer == .application }) {
      var finding = told
      finding.element = device
      return [finding]
    }
    let local = item(.applicationLocal)
    if local?.result == .failed {
      return [
        Finding(
          .applicationDown, at: device, evidence: local?.detail ?? "", advice: "Start \(name) on the device.")
      ]
    }
    switch lanVisit {
    case .answered(let status) where status >= 500:
      return [
        Finding(
          .applicationRefuses, at: device, evidence: "\(name) answers in the home with status \(status)",
          advice: "Restart \(name) on the device.")
      ]
    case .answered, nil: return outsideApplicationFindings(name)
    case .failed(.malformed(let reason)):
      return [
        Finding(
          .applicationRefuses, at: device, evidence: "what answers for \(name) is no HTTP: \(reason)",
          advice: "See whether another program has the port of \(name).")
      ]
    case .failed(let failure) where local?.result == .ok:
      return [
        Finding(
          .portBlocked, at: device, evidence: "\(name) answers the device itself, and in the home: \(failure)",
          advice: "See what on the device, such as a firewall, blocks the port of \(name).")
      ]
    case .failed(.refused):
      return [
        Finding(
          .applicationDown, at: device, evidence: "the port of \(name) is closed",
          advice: "Start \(name) on the device.")
      ]
    case .failed(let failure):
      return [
        Finding(
          .portBlocked, at: device, evidence: "the port of \(name) does not answer: \(failure)",
          advice: "See whether \(name) runs, and what on the device blocks its port.")
      ]
    case .unreachable(let detail):
      return [
        Finding(.portBlocked, at: device, evidence: detail, advice: "See what blocks the port of \(name).")
      ]
    }
  }

  /// In the home all is well: what is between home and service server?
  private func outsideApplicationFindings(_ name: String) -> [Finding] {
    guard outsideFindings.isEmpty, !isGatewayDown, isRemote else { return [] }
    if case .refused(let reason) = mapping {
      return [
        Finding(
          .portNotMapped, at: gateway, evidence: "the home gateway gave no port for \(name): \(reason)",
          advice: "Allow port mappings by UPnP on the home gateway.")
      ]
    }
    switch outsideVisit {
    case .answered, nil: return []
    case .failed, .unreachable:
      return [
        Finding(
          .portBlocked, at: mapping == .notNeeded ? device : gateway,
          evidence: "\(name) answers in the home, and from outside: \(outsideVisit.map { "\($0)" } ?? "nothing")",
          advice: "See what on the home gateway blocks what comes from outside.")
      ]
    }
  }

  // MARK: Words

  private func unplugged(_ element: String, _ evidence: String) -> Finding {
    Finding(
      .cableUnplugged, at: element, evidence: evidence,
      advice: "Check the cable of \(element) at both ends, and that the device is on.")
  }

  private func off(_ element: String, _ evidence: String) -> Finding {
    Finding(.deviceOff, at: element, evidence: evidence, advice: "Switch \(element) on.")
  }
}
