import Messages
import RoleKit

/// 4.6.3 steps 2, 5 and 6, and 4.6.4 step 2: the agent checks its ways and its application when it is asked to.
extension CEAgent {
  /// Checks at once.
  static let checkLimit = 8
  /// Nanoseconds for which the device's own application is waited for.
  static let applicationPatience: UInt64 = .seconds(3)

  /// `check`; the reply is held until everything was tried.
  mutating func check(_ served: ServedRequest) throws(Refusal) -> [Effect] {
    switch idempotency.admit(served.request, path: served.path, as: served.exchange, at: served.now) {
    case .proceed: break
    case .wait: return []
    case .repeated(let response): return [.reply(served.exchange, response.repeating(correlation: served.correlation))]
    case .otherBody: throw Refusal(.invalidField, "this Idempotency-Key came with another body before")
    case .full: throw Refusal(.tooManyRequests, "too many requests are in work")
    }
    do throws(Refusal) {
      guard checks.count < CEAgent.checkLimit else {
        throw Refusal(.tooManyRequests, "\(CEAgent.checkLimit) checks are under way already")
      }
      let body = try front.object(in: served.request)
      var check: AgentCheck
      do throws(FieldFault) {
        check = try AgentCheck(body, exchange: served.exchange, at: served.to)
      } catch {
        throw Refusal(error)
      }
      let effects = ask(&check, at: served.now)
      checkReplies.hold(served)
      checks[served.exchange] = check
      return effects + [.arm(tick(served.exchange), after: 0)]
    } catch {
      _ = idempotency.settle(served.exchange, with: error.response, at: served.now)
      throw error
    }
  }

  private func tick(_ exchange: Exchange) -> TimerName { TimerName(Timer.check, String(exchange.number)) }

  /// 4.6.4 step 2: the application is asked at its own port, without a token: any answer shows that it works.
  private mutating func ask(_ check: inout AgentCheck, at now: Moment) -> [Effect] {
    guard let name = check.applicationName else { return [] }
    guard let application = settings.applications.first(where: { $0.name == name }) else {
      check.application = .unknown
      return []
    }
    guard application.transport == .tcp else {
      check.application = .skipped("an application of UDP answers nothing that could be told apart")
      return []
    }
    let endpoint = Endpoint(check.local.address, memory.document.port(of: application))
    let call = courier.newCall()
    check.application = .asking(call, since: now.monotonic)
    return [
      .call(call, HTTPRequest("GET", "/\(name)"), to: endpoint, timeout: CEAgent.applicationPatience)
    ]
  }

  /// The next question of each row, or the end of the waiting for answers.
  mutating func checkTick(_ key: String, at now: Moment, bits: inout RandomBits) -> [Effect] {
    guard let exchange = UInt64(key).map({ Exchange($0) }), var check = checks[exchange] else {
      return ignored(.fired(TimerName(Timer.check, key)), "the check is over")
    }
    var effects: [Effect] = []
    if !check.trains.isEmpty, !check.isSocketOpen {
      check.local.port = UInt16(bits.number(in: 50_000...59_999))
      check.isSocketOpen = true
      effects.append(.openDatagrams(port: check.local.port))
    }
    let isAsking = check.trains.values.contains { !$0.isSent }
    for name in check.trains.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
      if isAsking {
        effects +=
          check.trains[name]?.next(at: now, local: check.local, call: { courier.newCall() }, bits: &bits) ?? []
      } else {
        effects += check.trains[name]?.end() ?? []
      }
    }
    checks[exchange] = check
    let isLast = isAsking && check.trains.values.allSatisfy(\.isSent)
    if isAsking { effects.append(.arm(tick(exchange), after: isLast ? ProbeTrain.patience : ProbeTrain.interval)) }
    return effects + concludeCheck(exchange, at: now)
  }

  // MARK: Answers

  /// A datagram to the socket of a check; `nil` where there is none at that port.
  mutating func checkHeard(_ octets: [UInt8], from: Endpoint, to local: Endpoint, at now: Moment) -> [Effect]? {
    guard let exchange = checks.first(where: { $0.value.isSocketOpen && $0.value.local.port == local.port })?.key else {
      return nil
    }
    for name in CheckName.allCases where checks[exchange]?.trains[name]?.heard(octets, from: from, at: now) == true {
      return concludeCheck(exchange, at: now)
    }
    return [.report(Report(.debug, "ignored", "a datagram from \(from) that no check waits for"))]
  }

  /// An echo, an answer or a failure that belongs to a check; `nil` where it does not.
  mutating func checkTook(_ input: Input, at now: Moment) -> [Effect]? {
    for exchange in Array(checks.keys) {
      switch input {
      case .echoed(let call):
        for name in CheckName.allCases where checks[exchange]?.trains[name]?.echoed(call, at: now) == true {
          return concludeCheck(exchange, at: now)
        }
      case .failed(let call, let failure):
        for name in CheckName.allCases where checks[exchange]?.trains[name]?.failed(call, failure) == true {
          let isAskedAnew = checks[exchange]?.trains[name]?.isSent == false
          return (isAskedAnew ? [.arm(tick(exchange), after: 0)] : []) + concludeCheck(exchange, at: now)
        }
        guard case .asking(call, _) = checks[exchange]?.application else { continue }
        checks[exchange]?.application = .failed(failure)
        return concludeCheck(exchange, at: now)
      case .answered(let call, let response):
        guard case .asking(call, let since) = checks[exchange]?.application else { continue }
        let roundTrip = Double((now.monotonic - min(since, now.monotonic)) / 1000) / 1000
        checks[exchange]?.application = .answered(status: response.status, roundTrip: roundTrip)
        return concludeCheck(exchange, at: now)
      default: return nil
      }
    }
    return nil
  }

  // MARK: The reply

  private mutating func concludeCheck(_ exchange: Exchange, at now: Moment) -> [Effect] {
    guard let check = checks[exchange], check.isOver else { return [] }
    checks[exchange] = nil
    let items = self.items(of: check)
    var found = ownFindings
    if let finding = applicationFinding(of: check), !found.contains(where: { $0.fault == finding.fault }) {
      found.append(finding)
    }
    let isWorse = items.contains { $0.result == .failed }
    let result = isWorse ? CheckResult.failed : items.contains { $0.result == .degraded } ? .degraded : .ok
    let told = CheckResult(found) == .failed ? CheckResult.failed : result
    let body: JSONValue = [
      "result": .string(told.rawValue), "findings": .array(found.map(\.json)), "checks": .array(items.map(\.json)),
    ]
    let closing: [Effect] = check.isSocketOpen ? [.closeDatagrams(port: check.local.port)] : []
    return closing + [.disarm(tick(exchange))]
      + checkReplies.answer(exchange, with: .json(200, body), in: &idempotency, at: now)
      + [.report(Report(.info, "checked", "\(check.kind.rawValue) \(check.requestId): \(told.rawValue)"))]
  }

  private var ownName: String { settings.device["friendlyName"]?.string ?? settings.agentId }

  private func items(of check: AgentCheck) -> [CheckItem] {
    var items: [CheckItem] = []
    for (name, train) in check.trains.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      let element =
        switch train.means {
        case .echo(let address): "\(address)"
        case .datagramEcho(let endpoint), .stun(let endpoint, _): "\(endpoint.address)"
        }
      items.append(CheckItem(name, element: element, train.tally))
    }
    guard let name = check.applicationName, let application = check.application else { return items }
    func item(_ result: CheckItem.Result, _ detail: String, _ roundTrip: Double? = nil) -> CheckItem {
      CheckItem(.applicationLocal, result, element: ownName, detail, roundTrip: roundTrip)
    }
    switch application {
    case .asking: break
    case .answered(let status, let time):
      items.append(item(status < 500 ? .ok : .failed, "\(name) answered with status \(status)", time))
    case .failed(let failure): items.append(item(.failed, "\(name): \(failure)"))
    case .skipped(let reason): items.append(item(.skipped, reason))
    case .unknown: items.append(item(.failed, "the device has no application \(name)"))
    }
    return items
  }

  private func applicationFinding(of check: AgentCheck) -> Finding? {
    guard let name = check.applicationName, let application = check.application else { return nil }
    switch application {
    case .asking, .skipped: return nil
    case .answered(let status, _):
      guard status >= 500 else { return nil }
      return Finding(
        .applicationRefuses, at: ownName, evidence: "\(name) answers the device itself with status \(status)",
        advice: "Restart \(name) on the device; if that does not help, see its own messages.")
    case .failed(let failure):
      let isOff = settings.applications.first { $0.name == name }.map { !isEnabled($0) } ?? false
      return Finding(
        .applicationDown, at: ownName, evidence: "the device's own request to \(name): \(failure)",
        advice: isOff
          ? "Switch \(name) on: the configuration of the device has switched it off." : "Start \(name) on the device.")
    case .unknown:
      return Finding(
        .applicationDown, at: ownName, evidence: "the device has no application \(name)",
        advice: "Choose an application that the device offers.")
    }
  }

  /// The problems that the device shows its user, as far as they are faults of the network (4.6.2).
  private var ownFindings: [Finding] {
    troubles.list.compactMap { trouble in
      guard let fault = Finding.Fault(rawValue: trouble.name.rawValue), fault != .applicationDown else { return nil }
      return Finding(fault, at: ownName, evidence: trouble.detail, advice: trouble.advice)
    }
  }

  // MARK: The user at the device

  /// `POST /applications/{name}/stop` and `/start`, which the user at the device does.
  mutating func switchApplication(_ name: String, isStop: Bool, at now: Moment) throws(Refusal) -> [Effect] {
    guard settings.applications.contains(where: { $0.name == name }) else {
      throw Refusal(.noApplication, "the device has no application \(name.prefix(64))")
    }
    if isStop { stopped.insert(name) } else { stopped.remove(name) }
    let shown =
      stopped.isEmpty
      ? withdraw(.applicationDown)
      : show(.applicationDown, "\(stopped.sorted().joined(separator: ", ")) does not run.", at: now)
    return servePorts() + shown
  }
}
