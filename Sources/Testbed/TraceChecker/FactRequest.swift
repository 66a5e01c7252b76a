// What the runner has to read from inside a node, and whether what it read is what the scenario asks for.

import LanguageKit
import ScenarioLanguage
import TopologyLanguage

enum FactTest: Sendable, Hashable {
  /// The condition is met by the value.
  case value(ValueTest)
  /// The value is this text, or an array that has it.
  case names(String)
  /// There is a value but null.
  case thereIs
  /// The value is true.
  case isTrue

  func holds(_ value: JSONValue, _ environment: Environment) -> Bool {
    switch self {
    case .value(let test): test.holds(value, environment)
    case .names(let name): value.string == name || (value.array?.contains(.string(name)) ?? false)
    case .thereIs: !value.isNull && value != .bool(false)
    case .isTrue: value == .bool(true)
    }
  }
}

/// One fact to poll. By its subject the value to read is: for `configuration` the node's whole document; for `problem`
/// the array of the problems shown; for `screen` the page's text; for `connection` and `run` an object with `status`
/// (and `output`); for `agent` the record as `agent-read` gives it, null where there is none; for `is up`, `knows` and
/// `topology matches` a Boolean; for `last result` nothing, the judge knows it from the trace.
public struct FactRequest: Sendable, Hashable {
  /// Its number among the variant's facts, the same in every run.
  public let id: Int
  public let fact: Fact
  let test: FactTest
  let environment: Environment

  init(id: Int, fact: Fact, test: FactTest, environment: Environment) {
    self.id = id
    self.fact = fact
    self.test = test
    self.environment = environment
  }

  /// The fact of an action's `wait until`, which the runner polls for itself; its id is -1.
  public init(waitingFor fact: Fact, in topology: Topology) { self = Planner.request(for: fact, topology) }

  /// Whether the fact is true if `value` was read for it; `nil` (nothing could be read) makes no fact true.
  public func holds(_ value: JSONValue?) -> Bool {
    guard let value else { return false }
    return test.holds(value, environment) != fact.isNegated
  }

  /// What to note for `value`.
  public func observation(of value: JSONValue?) -> FactObservation {
    FactObservation(id: id, value: value, holds: holds(value))
  }
}

/// What the judge waits for.
public enum Need: Sendable, Hashable {
  /// `given` has to be brought about and noted.
  case given
  /// The actions of this phase (from 0) have to be performed and noted.
  case perform(phase: Int)
  /// The facts have to be polled and noted, besides the passing of time; `until` as in `wait`.
  case facts([FactRequest], until: Int64?)
  /// Events, notes, or the clock; no earlier than `until` (CLOCK_REALTIME in nanoseconds) does time alone decide
  /// anything.
  case wait(until: Int64?)
  /// There is an outcome.
  case done
}
