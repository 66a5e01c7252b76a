import Messages

/// How long no answer is waited for, and what is tried again (profile section 1).
public struct Patience: Sendable, Hashable {
  /// Nanoseconds after which one try counts as unanswered.
  public var timeout: UInt64
  /// Statuses that are tried again as if there had been no answer.
  public var retried: Set<Int>

  public init(timeout: UInt64, retried: Set<Int> = [429, 503]) {
    self.timeout = timeout
    self.retried = retried
  }

  /// 5 s.
  public static let ordinary = Patience(timeout: .seconds(5))
  /// 15 s: `connect`, `session-join`, `check`, `peer-map`, `application-probe`.
  public static let held = Patience(timeout: .seconds(15))
  /// 40 s: the operator's checks and `peer-connect`.
  public static let longHeld = Patience(timeout: .seconds(40))
}

/// Delivers requests by the retry rule of profile section 1: four tries in all, 0.5, 1 and 2 s apart (each +-20 %), on
/// no answer, a reset, 429 or 503, where `Retry-After` wins over the pauses.
///
/// A role embeds one courier for all that it asks of others, offers it every `.answered`, `.failed` and `.fired`, and
/// learns how each errand ended. Every try carries the same octets, so that an `Idempotency-Key` does its work.
/// `Purpose` is what the role wants back with the ending.
public struct Courier<Purpose: Sendable>: Sendable {
  /// A request under way, through all of its tries.
  public struct Errand: Sendable, Hashable {
    public let number: UInt64
  }

  public enum Ending: Sendable, Hashable {
    /// The answer; 429 or 503 only from the last try.
    case answered(HTTPResponse)
    /// What the last try came to instead of an answer.
    case failed(Failure)
  }

  public enum Outcome: Sendable {
    /// The input belongs to no errand.
    case notMine
    /// The errand goes on; the effects are to be returned from the turn.
    case working([Effect])
    case ended(Errand, Purpose, Ending)
  }

  /// The timer between two tries; its key is the errand's number.
  public static var retryTimer: String { "retry" }
  /// One try and three repeats.
  public static var tryLimit: Int { 4 }

  private enum State: Sendable {
    case waitingForAnswer(Call)
    case pausing(last: Ending)
  }

  private struct Parcel: Sendable {
    var purpose: Purpose
    var request: HTTPRequest
    var destination: Endpoint
    var patience: Patience
    var tries: Int
    var state: State
  }

  private var parcels: [UInt64: Parcel] = [:]
  private var lastNumber: UInt64 = 0

  /// - Parameter first: a role with two couriers numbers their calls apart.
  public init(numberedFrom first: UInt64 = 0) { lastNumber = first }

  /// Errands under way.
  public var errands: [(errand: Errand, purpose: Purpose)] {
    parcels.sorted { $0.key < $1.key }.map { (Errand(number: $0.key), $0.value.purpose) }
  }

  /// A call number that no errand uses, for `subscribe` and other calls outside the retry rule.
  public mutating func newCall() -> Call {
    lastNumber += 1
    return Call(lastNumber)
  }

  /// Begins an errand with its first try.
  public mutating func send(
    _ request: HTTPRequest, to destination: Endpoint, for purpose: Purpose, patience: Patience = .ordinary
  ) -> (errand: Errand, effects: [Effect]) {
    let call = newCall()
    parcels[call.number] = Parcel(
      purpose: purpose, request: request, destination: destination, patience: patience, tries: 1,
      state: .waitingForAnswer(call))
    return (
      Errand(number: call.number), [.call(call, request, to: destination, timeout: patience.timeout)]
    )
  }

  /// Takes what belongs to an errand and says how it stands.
  public mutating func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> Outcome {
    switch input {
    case .answered(let call, let response):
      guard let number = owner(of: call), let parcel = parcels[number] else { return .notMine }
      guard parcel.patience.retried.contains(response.status) else {
        return end(number, .answered(response))
      }
      let wanted = response.retryAfter(at: now.wall).map { UInt64.seconds(Double($0)) }
      return retry(number, after: .answered(response), pause: wanted, bits: &bits)
    case .failed(let call, let failure):
      guard let number = owner(of: call) else { return .notMine }
      // Octets that are no HTTP come from something that is no partner of ours: another try will not mend that.
      if case .malformed = failure { return end(number, .failed(failure)) }
      return retry(number, after: .failed(failure), pause: nil, bits: &bits)
    case .fired(let timer):
      guard timer.name == Self.retryTimer, let number = UInt64(timer.key), var parcel = parcels[number],
        case .pausing = parcel.state
      else { return .notMine }
      let call = newCall()
      parcel.tries += 1
      parcel.state = .waitingForAnswer(call)
      parcels[number] = parcel
      return .working([.call(call, parcel.request, to: parcel.destination, timeout: parcel.patience.timeout)])
    case .commitFailed(let failure, let lost):
      // The turn that an ending began came to nothing, and the call will not end a second time.
      switch lost {
      case .answered(let call, _), .failed(let call, _):
        guard let number = owner(of: call) else { return .notMine }
        return end(number, .failed(failure))
      case .fired(let timer):
        guard timer.name == Self.retryTimer, let number = UInt64(timer.key), parcels[number] != nil else {
          return .notMine
        }
        return end(number, .failed(failure))
      default: return .notMine
      }
    default: return .notMine
    }
  }

  /// Gives an errand up; nothing more is heard of it.
  public mutating func cancel(_ errand: Errand) -> [Effect] {
    guard let parcel = parcels.removeValue(forKey: errand.number) else { return [] }
    switch parcel.state {
    case .waitingForAnswer(let call): return [.cancel(call)]
    case .pausing: return [.disarm(TimerName(Self.retryTimer, String(errand.number)))]
    }
  }

  /// Gives up every errand whose purpose fits.
  public mutating func cancel(where fits: (Purpose) -> Bool) -> [Effect] {
    errands.filter { fits($0.purpose) }.flatMap { cancel($0.errand) }
  }

  private func owner(of call: Call) -> UInt64? {
    parcels.first {
      if case .waitingForAnswer(call) = $0.value.state { true } else { false }
    }?.key
  }

  private mutating func end(_ number: UInt64, _ ending: Ending) -> Outcome {
    guard let parcel = parcels.removeValue(forKey: number) else { return .notMine }
    return .ended(Errand(number: number), parcel.purpose, ending)
  }

  private mutating func retry(
    _ number: UInt64, after ending: Ending, pause wanted: UInt64?, bits: inout RandomBits
  ) -> Outcome {
    guard var parcel = parcels[number], parcel.tries < Self.tryLimit else { return end(number, ending) }
    parcel.state = .pausing(last: ending)
    parcels[number] = parcel
    // 0.5, 1 and 2 s in microseconds, each between 80 and 120 %.
    let base = UInt64(500_000) << UInt64(parcel.tries - 1)
    let pause = wanted ?? bits.number(in: base * 4 / 5...base * 6 / 5) * 1000
    let cause =
      switch ending {
      case .answered(let response): "status \(response.status)"
      case .failed(let failure): "\(failure)"
      }
    return .working([
      .arm(TimerName(Self.retryTimer, String(number)), after: pause),
      .report(
        Report(
          .notice, "retry",
          "\(parcel.request.method) \(parcel.request.path) to \(parcel.destination): \(cause); "
            + "try \(parcel.tries + 1) of \(Self.tryLimit) in \(pause / 1_000_000) ms")),
    ])
  }
}
