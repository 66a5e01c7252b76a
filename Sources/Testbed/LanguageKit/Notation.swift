// What both languages are made of: references, paths and values.

import Octets

/// `hg.lan`, `sw1.3`, `home-a.tv.mac`, `tv[1..40]`, `$d`.
public struct Reference: Sendable, Hashable, CustomStringConvertible {
  public enum Part: Sendable, Hashable {
    case name(String)
    /// With its `$`.
    case variable(String)
    case number(Int)
    /// `tv[1..40]`, which stands for tv1 to tv40.
    case names(String, Int, Int)
    /// The ports of `sw1.[3..42]`.
    case range(Int, Int)
  }

  public var parts: [Part]
  public var position: Position
  public init(parts: [Part], position: Position) {
    self.parts = parts
    self.position = position
  }

  /// References are equal by what they say, not by where they stand.
  public static func == (a: Reference, b: Reference) -> Bool { a.parts == b.parts }
  public func hash(into hasher: inout Hasher) { hasher.combine(parts) }

  /// How many things it stands for: 1 without ranges.
  public var count: Int {
    parts.reduce(1) { count, part in
      switch part {
      case .names(_, let low, let high), .range(let low, let high): count * max(0, high - low + 1)
      case .name, .variable, .number: count
      }
    }
  }

  /// As it is written.
  public var description: String {
    parts.map { part in
      switch part {
      case .name(let text), .variable(let text): text
      case .number(let number): String(number)
      case .names(let name, let low, let high): "\(name)[\(low)..\(high)]"
      case .range(let low, let high): "[\(low)..\(high)]"
      }
    }.joined(separator: ".")
  }
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

  /// As it is written, odd names in quotes.
  public var description: String {
    segments.enumerated().map { index, segment in
      switch segment {
      case .member(let name): (index > 0 ? "." : "") + (Path.isField(name) ? name : Value.quoted(name))
      case .index(let number): "[\(number)]"
      case .anyElement: "[]"
      }
    }.joined()
  }

  /// FIELD of the grammar.
  static func isField(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, Words.isLetter(first) || first == "_" else { return false }
    return text.split(separator: "-", omittingEmptySubsequences: false).allSatisfy { part in
      !part.isEmpty && part.unicodeScalars.allSatisfy(Words.isWordPart)
    }
  }
}

/// A value as it is written. A reference is resolved against the topology: `tv.mac`, `hg.wan-address`.
public indirect enum Value: Sendable, Hashable, CustomStringConvertible {
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
  /// `$id`, with its `$`.
  case variable(String)

  /// As the languages write it.
  public var description: String {
    switch self {
    case .string(let text): Value.quoted(text)
    case .integer(let number): String(number)
    case .decimal(let number): "\(number)"
    case .duration(let nanoseconds): Value.duration(nanoseconds)
    case .address(let address): address.description
    case .cidr(let cidr): cidr.description
    case .mac(let mac): mac.description
    case .bool(let value): value ? "true" : "false"
    case .list(let items): "[" + items.map(\.description).joined(separator: ", ") + "]"
    case .natKind(let text), .variable(let text): text
    case .reference(let reference): reference.description
    }
  }

  /// The text in quotes, escaped as the languages read it.
  public static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if SourceText.isForbidden(scalar) {
          result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }

  /// Nanoseconds in the largest unit that gives a whole number: `10s`, `250ms`.
  public static func duration(_ nanoseconds: Int64) -> String {
    for (unit, size) in [("min", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000)] as [(String, Int64)]
    where nanoseconds != 0 && nanoseconds % size == 0 {
      return "\(nanoseconds / size)\(unit)"
    }
    return nanoseconds % 1000 == 0 ? "\(nanoseconds / 1000)us" : "\(Double(nanoseconds) / 1000)us"
  }
}

/// How good a link is.
public enum Quality: Sendable, Hashable {
  /// Bits a second.
  case rate(Int64)
  /// Nanoseconds.
  case delay(Int64), jitter(Int64)
  /// 0 to 1.
  case loss(Double), duplicate(Double), reorder(Double)
}

public enum TransportProtocol: String, Sendable, Hashable { case tcp, udp }
