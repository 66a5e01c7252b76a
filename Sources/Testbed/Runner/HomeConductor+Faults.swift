import Backends
import Messages
import ScenarioLanguage
import Trace
import TraceChecker

/// The faults that a conductor has armed, and those that befell their messages and wait for an action.
struct ArmedFaults: Sendable {
  let gate: MessageFaults
  let befallen: AsyncStream<MessageFaults.Befallen>
  /// The actions that arm a fault, by the number that it was armed with.
  fileprivate var actions: [Action] = []

  init(_ parties: PartyMap) {
    let (befallen, befall) = AsyncStream.makeStream(of: MessageFaults.Befallen.self)
    self.befallen = befallen
    gate = MessageFaults(parties) { befall.yield($0) }
  }
}

extension HomeConductor {
  /// Arms what is to befall the next message of the action's arrow.
  func arm(_ action: Action, _ trigger: Arrow) {
    let fault: MessageFaults.Fault =
      switch action.act {
      case .drop: .drop
      case .duplicate: .duplicate
      case .corrupt: .corrupt
      case .hold(let nanoseconds): .hold(nanoseconds / Int64(environment.pace))
      default: .act
      }
    faults.actions.append(action)
    faults.gate.arm(faults.actions.count - 1, fault, ArrowTest(trigger, in: topology), text: action.text)
  }

  /// Performs what befallen messages wait for and lets them go on, beside what else is done: a message may be one that
  /// an action under way waits for.
  func attendToFaults() async {
    for await befallen in faults.befallen {
      guard let held = befallen.held else { continue }
      var action = faults.actions[befallen.number]
      action.trigger = nil
      do {
        try await perform(action, mode: .once)
        faults.gate.letGo(held)
        try running().release(held: held)
      } catch let stop as Stop {
        inbox.post(.stopped(stop.judgement))
      } catch {
        inbox.post(.stopped(Judgement(.error, reason: "\(action.position): \(action.text): \(error)")))
      }
    }
  }
}
