import Messages
import RoleKit

/// 4.6.3 and 4.6.4: the configurator finds out what is wrong with the way to a device or to its application.
///
/// Everything that can be asked is asked at once. What has not answered after ``checkPatience`` is taken for silent, so
/// that the result is there in time however much is dead.
extension Configurator {
  static let checkLimit = 32
  /// Nanoseconds from the request to the result at the latest.
  static let checkPatience: UInt64 = .milliseconds(4500)
  /// Nanoseconds for which an application is waited for, and a gateway.
  static let visitPatience: UInt64 = .milliseconds(2500)
  static let statusPatience: UInt64 = .milliseconds(800)
  /// Nanoseconds that the agent is ahead of the configurator's own rows.
  static let rowPause: UInt64 = .milliseconds(100)
  /// Milliseconds for which a port is mapped for a probe.
  static let probeLease: Int64 = 60_000

  // MARK: Step 1

  /// A `request` of kind `reachability-check` or `application-check`.
  mutating func takeCheck(
    _ kind: CheckEvidence.Kind, _ requestId: String, _ data: BodyField, saving rows: [Row], at now: Moment,
    bits: inout RandomBits
  ) -> [Effect] {
    let agentId: String
    let stun: Endpoint
    var application: String?
    do throws(FieldFault) {
      agentId = try data["agentId"].uuid()
      if kind == .application { application = try data["application"].text(1...64) }
      guard let end = Endpoint(try data["stun"].text()) else { throw data["stun"].fault("is no address with a port") }
      stun = end
    } catch {
      return refuse(requestId, .refused, "the check cannot be read: \(error)", saving: rows, at: now)
    }
    // A device that is in trouble may have fallen out of its registration: it is checked all the same.
    guard let record = records[agentId], let agent = record.registration.configurationURL.endpoint else {
      return refuse(requestId, .noAgent, "\(agentId) is not registered", saving: rows, at: now)
    }
    guard checks.count < Configurator.checkLimit else {
      return refuse(requestId, .refused, "\(checks.count) checks are under way", saving: rows, at: now)
    }
    var check = RunningCheck(
      requestId: requestId, agentId: agentId, correlation: data["correlation"].value?.string,
      evidence: evidence(kind, of: record), stun: stun, local: Endpoint(ownAddress(near: agent.address), 0))
    check.evidence.application = application
    prepareRows(of: &check, agent: agent)
    // 4.6.3 and 4.6.4 step 2.
    var effects = askAgent(for: check, record, agent, bits: &bits)
    if let application { effects += visit(application, record, agent, for: &check, at: now) }
    checks[requestId] = check
    var saved = rows
    if let handled = handled[requestId] { saved.append(ConfiguratorTables.row(request: requestId, handled)) }
    if check.outside == .mapping { effects += openWay(for: check, at: now, bits: &bits) }
    return [.save(saved)] + effects + [
      .arm(TimerName(Timer.checkTick, requestId), after: Configurator.rowPause),
      .arm(TimerName(Timer.checkEnd, requestId), after: Configurator.checkPatience),
    ]
  }

  private func evidence(_ kind: CheckEvidence.Kind, of record: AgentRecord) -> CheckEvidence {
    let body = record.registration.body
    let first = body["interfaces"]?[0]
    let name = body["device"]?["friendlyName"]?.string ?? first?["macAddress"]?.string ?? record.agentId
    var evidence = CheckEvidence(
      kind: kind, device: String(name.prefix(64)), configurator: settings.friendlyName,
      gateway: gatewayName ?? "home gateway")
    evidence.saidGoodbye = farewells.contains(record.agentId)
    evidence.isOwnLinkUp = interfaces.values.contains { $0.isUp }
    evidence.deviceAddresses = (first?["ipAddresses"]?.array ?? []).compactMap { $0.string.flatMap { CIDR($0) } }
    evidence.deviceGateway = first?["defaultGateway"]?.string.flatMap { IPAddress($0) }
    evidence.gatewayAddress =
      gateway.found?.location.address ?? interfaces.values.lazy.compactMap(\.defaultGateway).first
    return evidence
  }

  /// Our address on the way to a device.
  private func ownAddress(near other: IPAddress) -> IPAddress {
    let all = interfaces.values.filter(\.isUp).flatMap(\.addresses)
    return all.first { $0.contains(other) }?.address ?? all.first?.address ?? .v4(0)
  }

  private func lookUp(_ record: AgentRecord, into evidence: inout CheckEvidence, at now: Moment) {
    let mac = record.registration.body["interfaces"]?[0]?["macAddress"]?.string.flatMap { MACAddress($0) }
    if let mac { evidence.sight = linkSight(of: mac, at: now) }
  }

  private func prepareRows(of check: inout RunningCheck, agent: Endpoint) {
    func echo(_ address: IPAddress) -> ProbeTrain? {
      // On one machine ICMP proves nothing: the system answers for every address by itself.
      ProbeTrain.isOnThisMachine(address) ? nil : ProbeTrain(.echo(address), count: RunningCheck.echoes)
    }
    check.rows[.device] = echo(agent.address)
    check.rows[.gateway] = check.evidence.gatewayAddress.flatMap(echo)
    guard check.evidence.kind == .reachability else { return }
    // 4.6.3 step 4.
    check.rows[.server] = ProbeTrain(
      .stun(check.stun, username: "\(check.requestId):configurator"), count: RunningCheck.bindings)
  }

  // MARK: Questions

  /// How the gateway sees its outer line; asked when the rows are out, so that it tells what holds for their end.
  private mutating func askGateway(for check: inout RunningCheck, at now: Moment) -> [Effect] {
    check.isStatusAsked = true
    guard case .known(_, let service) = gateway else { return [] }
    let soap = SOAPCall(serviceType: service.type, action: "GetStatusInfo", arguments: [])
    let request = HTTPRequest(
      "POST", service.target,
      fields: ["Content-Type": "text/xml; charset=\"utf-8\"", "SOAPAction": soap.actionField], body: soap.octets)
    let call = courier.newCall()
    check.questions[call] = (.gatewayStatus, now.monotonic)
    return [.call(call, request, to: service.endpoint, timeout: Configurator.statusPatience)]
  }

  /// `check`.
  private mutating func askAgent(
    for check: RunningCheck, _ record: AgentRecord, _ agent: Endpoint, bits: inout RandomBits
  ) -> [Effect] {
    var targets: JSONObject = ["stun": .text(check.stun), "echoPort": .int(Int(DefaultPort.echo))]
    if let gateway = check.evidence.gatewayAddress { targets["gateway"] = .text(gateway) }
    var body: JSONObject = [
      "requestId": .string(check.requestId), "kind": .string(check.evidence.kind.rawValue),
      "targets": .object(targets),
    ]
    if let application = check.evidence.application { body["application"] = .string(application) }
    var request = HTTPRequest.json("POST", "/checks", .object(body))
    request.bearerToken = record.controlToken
    request.idempotencyKey = bits.uuid()
    request.correlation = check.correlation
    return courier.send(request, to: agent, for: .check(check.requestId), patience: .held).effects
  }

  /// 4.6.4 step 3 from the home: the application is asked at its own port.
  private mutating func visit(
    _ name: String, _ record: AgentRecord, _ agent: Endpoint, for check: inout RunningCheck, at now: Moment
  ) -> [Effect] {
    let told = record.registration.body["applications"]?.array?.first { $0["name"]?.string == name }
    guard let told, let port = told["port"]?.int.flatMap({ UInt16(exactly: $0) }) else {
      check.evidence.probeSkipped = "the device has not registered \(name)"
      return []
    }
    guard told["protocol"]?.string != PortMapping.Transport.udp.rawValue else {
      check.evidence.probeSkipped = "what answers by UDP cannot be told from what does not"
      return []
    }
    let configured = record.known?.document["applications"]?[name]?["port"]?.int.flatMap { UInt16(exactly: $0) }
    let endpoint = Endpoint(agent.address, configured ?? port)
    check.visited = ApplicationEndpoint(.tcp, endpoint)
    check.evidence.isRemote = told["remoteAccess"]?.bool ?? true
    if check.evidence.isRemote {
      check.outside = .mapping
    } else {
      check.evidence.probeSkipped = "\(name) is not to be reached from outside"
    }
    let call = courier.newCall()
    check.questions[call] = (.lanVisit, now.monotonic)
    return [.call(call, HTTPRequest("GET", "/\(name)"), to: endpoint, timeout: Configurator.visitPatience)]
  }

  // MARK: Rows

  /// The next question of each row, or the end of the waiting for answers.
  mutating func checkTick(_ requestId: String, at now: Moment, bits: inout RandomBits) -> [Effect] {
    guard var check = checks[requestId] else { return unexpected("a tick for a check that is over") }
    var effects: [Effect] = []
    if check.rows[.server] != nil, !check.isSocketOpen {
      check.local.port = UInt16(bits.number(in: 50_000...59_999))
      check.isSocketOpen = true
      effects.append(.openDatagrams(port: check.local.port))
    }
    let isAsking = check.rows.values.contains { !$0.isSent }
    for row in RunningCheck.Row.allCases {
      if isAsking {
        effects += check.rows[row]?.next(at: now, local: check.local, call: { courier.newCall() }, bits: &bits) ?? []
      } else {
        effects += check.rows[row]?.end() ?? []
      }
    }
    let isLast = check.rows.values.allSatisfy(\.isSent)
    if isLast, !check.isStatusAsked { effects += askGateway(for: &check, at: now) }
    checks[requestId] = check
    if isAsking {
      let pause = isLast ? ProbeTrain.patience : ProbeTrain.interval
      effects.append(.arm(TimerName(Timer.checkTick, requestId), after: pause))
    }
    return effects + concludeCheck(requestId, at: now)
  }

  /// An echo, an answer, a failure or a datagram that belongs to a check; `nil` where it does not.
  mutating func checkTook(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect]? {
    for requestId in Array(checks.keys) {
      switch input {
      case .echoed(let call):
        for row in RunningCheck.Row.allCases where checks[requestId]?.rows[row]?.echoed(call, at: now) == true {
          return concludeCheck(requestId, at: now)
        }
      case .failed(let call, let failure):
        for row in RunningCheck.Row.allCases where checks[requestId]?.rows[row]?.failed(call, failure) == true {
          // Where ICMP is not permitted there is no evidence of it, for or against.
          if failure == .notPermitted { checks[requestId]?.rows[row] = nil }
          return concludeCheck(requestId, at: now)
        }
        guard let asked = checks[requestId]?.questions.removeValue(forKey: call) else { continue }
        switch asked.question {
        case .gatewayStatus: checks[requestId]?.evidence.control = .silent
        case .lanVisit: checks[requestId]?.evidence.lanVisit = .failed(failure)
        }
        return concludeCheck(requestId, at: now)
      case .answered(let call, let response):
        guard let asked = checks[requestId]?.questions.removeValue(forKey: call) else { continue }
        switch asked.question {
        case .gatewayStatus:
          let control = control(in: response)
          checks[requestId]?.evidence.control = control
        case .lanVisit:
          checks[requestId]?.evidence.lanVisit = .answered(status: response.status)
          let time = milliseconds(since: asked.since, now)
          checks[requestId]?.lanRoundTrip = time
        }
        return concludeCheck(requestId, at: now)
      case .datagram(let octets, let from, let to):
        guard let check = checks[requestId], check.isSocketOpen, check.local.port == to.port else { continue }
        _ = checks[requestId]?.rows[.server]?.heard(octets, from: from, at: now)
        return concludeCheck(requestId, at: now)
      default: return nil
      }
    }
    return nil
  }

  private func control(in response: HTTPResponse) -> CheckEvidence.Control {
    guard response.status == 200, case .reply(let reply)? = try? SOAPAnswer(parsing: response.body),
      let status = reply["NewConnectionStatus"]
    else { return .unknown }
    return .answered(isConnected: status == "Connected")
  }

  private func milliseconds(since: UInt64, _ now: Moment) -> Double {
    Double((now.monotonic - min(since, now.monotonic)) / 1000) / 1000
  }

  // MARK: check-reply

  mutating func checkReplied(_ requestId: String, _ ending: Courier<Purpose>.Ending, at now: Moment) -> [Effect] {
    guard checks[requestId] != nil else { return unexpected("check-reply for \(requestId), which is over") }
    checks[requestId]?.isAgentAsked = false
    switch ending {
    case .answered(let response) where response.status == 200:
      let body = BodyField(response.json ?? .null)
      do throws(FieldFault) {
        let (items, findings) = try told(body)
        checks[requestId]?.evidence.agentItems = items
        checks[requestId]?.evidence.agentFindings = findings
        checks[requestId]?.evidence.agent = .answered
      } catch {
        checks[requestId]?.evidence.agent = .refused("\(error)")
      }
    case .answered(let response):
      checks[requestId]?.evidence.agent = .refused(Problem(response).map { "\($0)" } ?? "status \(response.status)")
    case .failed(let failure): checks[requestId]?.evidence.agent = .failed(failure)
    }
    return concludeCheck(requestId, at: now)
  }

  private func told(_ body: BodyField) throws(FieldFault) -> ([CheckItem], [Finding]) {
    var items: [CheckItem] = []
    for item in try body["checks"].items(atMost: 16) { items.append(try CheckItem(item)) }
    var findings: [Finding] = []
    for finding in try body["findings"].items(atMost: 16) { findings.append(try Finding(finding)) }
    return (items, findings)
  }

  // MARK: The end

  /// Time is up: whatever has not answered is taken for silent.
  mutating func checkOverdue(_ requestId: String, at now: Moment) -> [Effect] {
    guard var check = checks[requestId] else { return unexpected("the end of a check that is over") }
    var effects = courier.cancel { $0 == .check(requestId) || $0 == .probe(requestId) }
    if check.isAgentAsked {
      check.evidence.agent = .failed(.timeout)
      check.isAgentAsked = false
    }
    for (call, asked) in check.questions {
      effects.append(.cancel(call))
      switch asked.question {
      case .gatewayStatus: check.evidence.control = .silent
      case .lanVisit: check.evidence.lanVisit = .failed(.timeout)
      }
    }
    check.questions = [:]
    for row in RunningCheck.Row.allCases { effects += check.rows[row]?.end() ?? [] }
    switch check.outside {
    case .mapping:
      check.evidence.mapping = .refused("the gateway does not answer")
      check.evidence.probeSkipped = "no port was mapped"
    case .probing:
      check.evidence.isServerSilent = true
      check.evidence.probeSkipped = "the service server does not answer"
    case .notWanted, .done: break
    }
    check.outside = .done
    checks[requestId] = check
    return effects + concludeCheck(requestId, at: now, isForced: true)
  }

  /// 4.6.3 step 7, 4.6.4 step 4: what was found goes to the service server, and into the management database.
  mutating func concludeCheck(_ requestId: String, at now: Moment, isForced: Bool = false) -> [Effect] {
    guard var check = checks[requestId], check.isOver || isForced else { return [] }
    checks[requestId] = nil
    // 4.6.3 step 3: what the collector knows at the end, as of everything else.
    if let record = records[check.agentId] { lookUp(record, into: &check.evidence, at: now) }
    check.evidence.gatewayEcho = check.rows[.gateway]?.tally
    check.evidence.deviceEcho = check.rows[.device]?.tally
    check.evidence.serverBindings = check.rows[.server]?.tally
    let findings = check.evidence.findings
    let result = CheckResult(findings)
    let body: JSONValue = [
      "result": .string(result.rawValue), "findings": .array(findings.map(\.json)),
      "checks": .array(check.items.map(\.json)),
    ]
    let (rows, sent) = conclude(requestId, body, correlation: check.correlation, at: now)
    let text = findings.map { "\($0.fault.rawValue) at \($0.element)" }.joined(separator: ", ")
    let closing: [Effect] = check.isSocketOpen ? [.closeDatagrams(port: check.local.port)] : []
    return [.save(rows + history(of: check, findings, result, at: now))] + closing + [
      .disarm(TimerName(Timer.checkTick, requestId)), .disarm(TimerName(Timer.checkEnd, requestId)),
      .report(Report(.info, "checked", "\(check.evidence.kind.rawValue) of \(check.evidence.device): \(text)")),
    ] + sent + removeMapping(of: .check(requestId), at: now)
  }
}
