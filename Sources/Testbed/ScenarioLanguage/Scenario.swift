// The whole syntax tree of the scenario language. Positions stand on everything that an error or a
// failure can name.

// References, paths and values come along with this module.
@_exported import LanguageKit
import Octets

/// A scenario file.
public struct Scenario: Sendable, Hashable {
  public var name: String
  public var title: String?
  /// The file it was read from, as errors print it.
  public var file: String
  public var header: Header
  public var given: Given?
  public var phases: [Phase]

  public init(name: String, title: String?, file: String, header: Header, given: Given?, phases: [Phase]) {
    self.name = name
    self.title = title
    self.file = file
    self.header = header
    self.given = given
    self.phases = phases
  }
}

/// What stands between the name and the first phase; durations are in nanoseconds.
public struct Header: Sendable, Hashable {
  /// Such as `4.2`; nil where the scenario judges a profile rule or names none.
  public var clause: String?
  public var figure: Int?
  /// The section of the profile that the scenario judges, where no clause does.
  public var profile: Int?
  public var topology: Located<String>
  public var options: [Option] = []
  public var requirements: [Requirement] = []
  public var timeLimit: Int64 = 30_000_000_000
  public var settle: Int64 = 150_000_000
  public var pace: Int = 1
  public var isStrict = false
  public var tags: [String] = []
  /// Where `clause`, `figure` and `profile` were said.
  public var clausePosition: Position?
  public var figurePosition: Position?
  public var profilePosition: Position?

  public init(topology: Located<String>) { self.topology = topology }
}

public struct Option: Sendable, Hashable {
  public var name: String
  public var title: String?
  /// The setting that the option sets before `given`.
  public var sets: (node: Reference, key: Path)? {
    get { node.flatMap { n in key.map { (n, $0) } } }
  }
  public var node: Reference?
  public var key: Path?
  /// `nil` for yes and no; else an option of values.
  public var values: [Value]?
  public var position: Position
  public var namePosition: Position
  public var keyPosition: Position
  public var valuesPosition: Position

  public init(
    name: String, title: String?, node: Reference?, key: Path?, values: [Value]?, position: Position
  ) {
    self.name = name
    self.title = title
    self.node = node
    self.key = key
    self.values = values
    self.position = position
    namePosition = position
    keyPosition = position
    valuesPosition = position
  }
}

/// `requires A implies [not] B`.
public struct Requirement: Sendable, Hashable {
  public var premise: String
  public var conclusion: String
  public var isNegated: Bool
  public var position: Position
  public var conclusionPosition: Position
  public init(
    premise: String, conclusion: String, isNegated: Bool, position: Position, conclusionPosition: Position? = nil
  ) {
    self.conclusionPosition = conclusionPosition ?? position
    self.premise = premise
    self.conclusion = conclusion
    self.isNegated = isNegated
    self.position = position
  }
}

public struct Given: Sendable, Hashable {
  public var actions: [Action]
  public var position: Position
  public init(actions: [Action], position: Position) {
    self.actions = actions
    self.position = position
  }
}

/// One `when` with the `expect` and `then` blocks that follow it, in the order written.
public struct Phase: Sendable, Hashable {
  public var when: [Action]
  public var blocks: [Block]
  public var position: Position
  public init(when: [Action], blocks: [Block], position: Position) {
    self.when = when
    self.blocks = blocks
    self.position = position
  }
}

public enum Block: Sendable, Hashable {
  case expect([Pattern], Position)
  case then([FactLine], Position)
}

public struct FactLine: Sendable, Hashable {
  public var fact: Fact
  /// Nanoseconds for which the fact must hold throughout; `nil`: once is enough.
  public var duration: Int64?
  public var guardian: Guard?
  public var position: Position
  public init(fact: Fact, duration: Int64?, guardian: Guard?, position: Position) {
    self.fact = fact
    self.duration = duration
    self.guardian = guardian
    self.position = position
  }
}

/// `if a and not b`, `unless a` (which is `if not a`).
public struct Guard: Sendable, Hashable {
  public var tests: [Test]
  /// Where each test was written; guards are equal by what they test.
  public var positions: [Position]
  public init(tests: [Test], positions: [Position] = []) {
    self.tests = tests
    self.positions = positions
  }

  public static func == (a: Guard, b: Guard) -> Bool { a.tests == b.tests }
  public func hash(into hasher: inout Hasher) { hasher.combine(tests) }

  public enum Test: Sendable, Hashable {
    case option(String, isNegated: Bool)
    case value(String, equals: Value, isNegated: Bool)
  }
}

/// A line or a group of lines in `expect`.
public indirect enum Pattern: Sendable, Hashable {
  case step(number: Int, title: String?, guardian: Guard?, [Pattern], Position)
  case message(MessageLine)
  case wait(Fact, guardian: Guard?, Position)
  case inAnyOrder(guardian: Guard?, [Pattern], Position)
  case either(guardian: Guard?, [[Pattern]], Position)
  case optional(guardian: Guard?, [Pattern], Position)
  case never(guardian: Guard?, [Pattern], Position)
  case repeated(Int, Int, guardian: Guard?, [Pattern], Position)
  case forEach(variable: String, [Reference], [Pattern], Position)

  public var position: Position {
    switch self {
    case .step(_, _, _, _, let position), .wait(_, _, let position), .inAnyOrder(_, _, let position),
      .either(_, _, let position), .optional(_, _, let position), .never(_, _, let position),
      .repeated(_, _, _, _, let position), .forEach(_, _, _, let position):
      position
    case .message(let line): line.position
    }
  }
}

public struct MessageLine: Sendable, Hashable {
  public var arrow: Arrow
  public var within: Within?
  public var saves: [Save]
  public var guardian: Guard?
  public var position: Position
  public init(arrow: Arrow, within: Within?, saves: [Save], guardian: Guard?, position: Position) {
    self.arrow = arrow
    self.within = within
    self.saves = saves
    self.guardian = guardian
    self.position = position
  }
}

/// `FROM -> TO NAME where ... with ...`.
public struct Arrow: Sendable, Hashable {
  public var from: PartyReference
  public var to: PartyReference
  public var message: String
  /// Selects: other events are passed over.
  public var selectors: [Condition]
  /// Judges: the event that is taken must meet these.
  public var judgements: [Condition]
  public var position: Position
  /// Where TO and NAME were written.
  public var toPosition: Position
  public var messagePosition: Position
  public init(
    from: PartyReference, to: PartyReference, message: String, selectors: [Condition], judgements: [Condition],
    position: Position, toPosition: Position? = nil, messagePosition: Position? = nil
  ) {
    self.toPosition = toPosition ?? position
    self.messagePosition = messagePosition ?? position
    self.from = from
    self.to = to
    self.message = message
    self.selectors = selectors
    self.judgements = judgements
    self.position = position
  }
}

public enum PartyReference: Sendable, Hashable {
  case any, network, `operator`
  case node(Reference)
}

/// `within D [of step N]`; the limit is in nanoseconds.
public struct Within: Sendable, Hashable {
  public var limit: Int64
  public var step: Int?
  public var stepPosition: Position?
  public init(limit: Int64, step: Int?, stepPosition: Position? = nil) {
    self.limit = limit
    self.step = step
    self.stepPosition = stepPosition
  }
}

public struct Save: Sendable, Hashable {
  public var path: Path
  /// With its `$`.
  public var variable: String
  public var position: Position?
  public init(path: Path, variable: String, position: Position? = nil) {
    self.path = path
    self.variable = variable
    self.position = position
  }
}

public struct Condition: Sendable, Hashable {
  public var path: Path
  public var test: Comparison
  public var position: Position
  /// Where the value was written; the path's place where there is none.
  public var valuePosition: Position
  public init(path: Path, test: Comparison, position: Position, valuePosition: Position? = nil) {
    self.path = path
    self.test = test
    self.position = position
    self.valuePosition = valuePosition ?? position
  }
}

public enum Comparison: Sendable, Hashable {
  case equal(Value), notEqual(Value), less(Value), lessOrEqual(Value), greater(Value), greaterOrEqual(Value)
  case contains(Value)
  /// A Swift regular expression over the whole value.
  case matches(String)
  case isIn([Value])
  case exists, absent
}

/// A line of `given` or `when`.
public struct Action: Sendable, Hashable {
  /// `at ARROW do`: armed once, befalls the next such message.
  public var trigger: Arrow?
  public var act: Act
  public var guardian: Guard?
  public var position: Position
  /// The line as it is written, for traces and reports.
  public var text: String
  /// Where the act itself begins, behind `at ... do`.
  public var actPosition: Position
  /// Where a setting's key and value, an application's name or a document's members were written.
  public var places: [Position]
  public init(
    trigger: Arrow?, act: Act, guardian: Guard?, position: Position, text: String, actPosition: Position? = nil,
    places: [Position] = []
  ) {
    self.actPosition = actPosition ?? position
    self.places = places
    self.trigger = trigger
    self.act = act
    self.guardian = guardian
    self.position = position
    self.text = text
  }
}

public enum Act: Sendable, Hashable {
  case powerOn([Reference]), powerOff([Reference]), crash([Reference]), restart([Reference])
  case drop, duplicate, corrupt
  /// Nanoseconds.
  case hold(Int64)
  /// A node (all its links), or a link where `other` is there.
  case unplug(Reference, other: Reference?), plugIn(Reference, other: Reference?), heal(Reference, other: Reference?)
  case degrade(Reference, Reference, towards: Reference?, [Quality])
  case move(Reference, to: Reference)
  case cutWAN(Reference), restoreWAN(Reference)
  case block(TransportProtocol, port: Int?, at: Reference), unblock(TransportProtocol, port: Int?, at: Reference)
  case stopApplication(String, on: Reference), startApplication(String, on: Reference)
  case set(Reference, Path, Value)
  case connect(Reference, to: Reference, application: String, token: Value?)
  case checkReachability(of: Reference), checkApplication(String, of: Reference)
  case send(from: Reference, to: PartyReference, Carrier, [UInt8])
  case run(String, on: Reference)
  case ask(String)
  case waitUntil(Fact)
  /// Nanoseconds.
  case wait(Int64)
  /// `server holds configuration for tv ... end`: the operator stores the document.
  case holdsConfiguration(server: Reference, agent: Reference, [(Path, Value)])

  public static func == (a: Act, b: Act) -> Bool { "\(a)" == "\(b)" }
  public func hash(into hasher: inout Hasher) { hasher.combine("\(self)") }
}

public enum Carrier: Sendable, Hashable { case http, udp(Int), tcp(Int), ethernet }
/// Something that can be read from inside a node, or from the run's own record.
public struct Fact: Sendable, Hashable {
  public var isNegated: Bool
  public var subject: Subject
  public var position: Position
  /// The fact as it is written.
  public var text: String
  public init(isNegated: Bool, subject: Subject, position: Position, text: String) {
    self.isNegated = isNegated
    self.subject = subject
    self.position = position
    self.text = text
  }

  public enum Subject: Sendable, Hashable {
    case configuration(Reference, Condition)
    case problem(Reference, String)
    case screen(Reference, contains: Value)
    case connection(Reference, Condition)
    case run(Reference, Condition)
    case isUp(Reference)
    case agent(at: Reference, Reference, Condition?)
    case knows(Reference, Reference, at: Reference?)
    case topologyMatches(Reference)
    case lastResult(Condition)
  }
}
