import JSONText
import Octets

/// What a field of a message may hold.
public indirect enum FieldType: Sendable, Hashable {
  case string, integer, number, boolean
  case uuid
  /// RFC 3339.
  case time
  /// An IP address.
  case address
  /// An IP address with a prefix length.
  case cidr
  case mac
  case url
  /// One of these words.
  case words([String])
  case array(FieldType)
  /// These members and no others.
  case object([MessageField])
  /// Members of any name, each of this type.
  case map(FieldType)
  /// Anything: the profile leaves it open.
  case any

  /// What `homebed messages` calls it.
  public var name: String {
    switch self {
    case .string: "string"
    case .integer: "integer"
    case .number: "number"
    case .boolean: "boolean"
    case .uuid: "uuid"
    case .time: "time"
    case .address: "address"
    case .cidr: "cidr"
    case .mac: "mac"
    case .url: "url"
    case .words(let words): words.joined(separator: " | ")
    case .array(let element): "array of \(element.name)"
    case .object: "object"
    case .map(let value): "object of \(value.name)"
    case .any: "any"
    }
  }

  /// Whether a field of this type can ever equal the value under rule S10; `null` stands for an absent field.
  public func canHold(_ value: JSONValue) -> Bool {
    switch self {
    case .any: true
    case .string, .url: value.string != nil
    case .integer: value.int != nil
    case .number: value.double != nil
    case .boolean: value.bool != nil
    case .uuid: value.string.map(FieldType.isUUID) ?? false
    case .time: value.string.map { ProfileTime.milliseconds(rfc3339: $0) != nil } ?? false
    case .address, .cidr: value.string.map { IPAddress($0) != nil || CIDR($0) != nil } ?? false
    case .mac: value.string.map { MACAddress($0) != nil } ?? false
    case .words(let words): value.string.map(words.contains) ?? false
    case .array(let element): value.array.map { $0.allSatisfy(element.canHold) } ?? false
    case .object(let fields):
      value.object.map { object in
        object.members.allSatisfy { member in
          fields.first { $0.name == member.name }.map { $0.type.canHold(member.value) } ?? false
        }
      } ?? false
    case .map(let type): value.object.map { $0.members.allSatisfy { type.canHold($0.value) } } ?? false
    }
  }

  /// Eight, four, four, four and twelve lower-case hexadecimal digits.
  public static func isUUID(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    return parts.map(\.utf8.count) == [8, 4, 4, 4, 12]
      && text.utf8.allSatisfy { $0 == 0x2D || $0.isDecimalDigit || (0x61...0x66).contains($0) }
  }
}

/// A field of a message, or a member of one.
public struct MessageField: Sendable, Hashable {
  /// Where on the wire the field stands.
  public enum Source: String, Sendable, Hashable { case body, path, header, status, packet }

  public var name: String
  public var type: FieldType
  public var isRequired: Bool
  public var source: Source
  public var meaning: String

  public init(
    _ name: String, _ type: FieldType, isRequired: Bool = false, source: Source = .body, _ meaning: String
  ) {
    self.name = name
    self.type = type
    self.isRequired = isRequired
    self.source = source
    self.meaning = meaning
  }
}

/// One step of a field's path: `interfaces[0].macAddress`, `applications[].name`.
public enum FieldStep: Sendable, Hashable {
  case member(String)
  case index(Int)
  /// `[]`: some element.
  case anyElement
}

/// What the catalogue knows of a field's path.
public enum FieldLookup: Sendable, Hashable {
  case known(FieldType)
  /// The path leads into what the profile leaves open.
  case free
  /// The step at this index leads nowhere; `known` are the names that could stand there, none where it may have no member.
  case unknown(step: Int, known: [String])
}

extension FieldType {
  /// Follows a path from a value of this type.
  public func lookup(_ path: some Sequence<FieldStep>) -> FieldLookup {
    var type = self
    for (number, step) in path.enumerated() {
      switch (type, step) {
      case (.any, _): return .free
      case (.object(let fields), .member(let name)):
        guard let field = fields.first(where: { $0.name == name }) else {
          return .unknown(step: number, known: fields.map(\.name))
        }
        type = field.type
      case (.map(let value), .member): type = value
      case (.array(let element), .index), (.array(let element), .anyElement): type = element
      case (.object(let fields), _): return .unknown(step: number, known: fields.map(\.name))
      default: return .unknown(step: number, known: [])
      }
    }
    return .known(type)
  }
}
