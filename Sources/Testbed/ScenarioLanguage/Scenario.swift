// The whole syntax tree of the scenario language, after language.ebnf. Positions stand on everything that an error or a
// failure can name.

import LanguageKit
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
  /// A section of PROTOCOL alone.
  public var profile: Int?
  public var topology: Located<String>
  public var options: [Option] = []
  public var requirements: [Requirement] = []
  public var timeLimit: Int64 = 30_000_000_000
  public var settle: Int64 = 150_000_000
  public var pace: Int = 1
  public var isStrict = false
  public var tags: [String] = []

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

  public init(
    name: String, title: String?, node: Reference?, key: Path?, values: [Value]?, position: Position
  ) {
    self.name = name
    self.title = title
    self.node = node
    self.key = key
    self.values = values
    self.position = position
  }
}

/// `requires A implies [not] B`.
public struct Requirement: Sendable, Hashable {
  public var premise: String
  public var conclusion: String
  public var isNegated: Bool
  public var position: Position
  public init(premise: String, conclusion: String, isNegated: Bool, position: Position) {
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
  public init(tests: [Test]) { self.tests = tests }

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
  public init(
    from: PartyReference, to: PartyReference, message: String, selectors: [Condition], judgements: [Condition],
    position: Position
  ) {
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
  public init(limit: Int64, step: Int?) {
    self.limit = limit
    self.step = step
  }
}

public struct Save: Sendable, Hashable {
  public var path: Path
  /// With its `$`.
  public var variable: String
  public init(path: Path, variable: String) {
    self.path = path
    self.variable = variable
  }
}

public struct Condition: Sendable, Hashable {
  public var path: Path
  public var test: Comparison
  public var position: Position
  public init(path: Path, test: Comparison, position: Position) {
    self.path = path
    self.test = test
    self.position = position
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

/// `interfaces[0].macAddress`, `applications[].name`, `vendor."odd name"`.
public struct Path: Sendable, Hashable, CustomStringConvertible {
  public var segments: [Segment]
  public init(segments: [Segment]) { self.segments = segments }

  public enum Segment: Sendable, Hashable {
    case member(String)
    case index(Int)
    /// `[]`: some element.
    case anyElement
  }

  public var description: String {
    segments.enumerated().map { index, segment in
      switch segment {
      case .member(let name): (index > 0 ? "." : "") + name
      case .index(let number): "[\(number)]"
      case .anyElement: "[]"
      }
    }.joined()
  }
}

/// A value as it is written. A `ref` is resolved against the topology by the checker of the language: `tv.mac`,
/// `hg.wan-address`.
public indirect enum Value: Sendable, Hashable {
  case string(String)
  case integer(Int)
  case decimal(Double)
  /// Nanoseconds.
  case duration(Int64)
  case address(IPAddress)
  case cidr(CIDR)
  case mac(MACAddress)
  case bool(Bool)
  case list([Value])
  /// A behaviour of RFC 4787, such as `endpoint-independent`.
  case natKind(String)
  case reference(Reference)
  /// `$id`, with its `$`; reaches a value as a reference that begins with a variable.
  case variable(String)
}

/// `hg.lan`, `sw1.3`, `home-a.tv.mac`, `tv[1..40]`, `$d`.
public struct Reference: Sendable, Hashable {
  public enum Part: Sendable, Hashable {
    case name(String)
    case variable(String)
    case number(Int)
    case range(Int, Int)
  }
  /// A range follows the name or the dot that it belongs to as a part of its own.
  public var parts: [Part]
  public var position: Position
  public init(parts: [Part], position: Position) {
    self.parts = parts
    self.position = position
  }

  public static func == (a: Reference, b: Reference) -> Bool { a.parts == b.parts }
  public func hash(into hasher: inout Hasher) { hasher.combine(parts) }
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
  public init(trigger: Arrow?, act: Act, guardian: Guard?, position: Position, text: String) {
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
public enum TransportProtocol: String, Sendable, Hashable { case tcp, udp }

/// How good a link is.
public enum Quality: Sendable, Hashable {
  /// Bits a second.
  case rate(Int64)
  /// Nanoseconds.
  case delay(Int64), jitter(Int64)
  /// 0 to 1.
  case loss(Double), duplicate(Double), reorder(Double)
}

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
