import Messages

/// What is wrong with one field of a request body, and where it stands (RFC 6901).
public struct FieldFault: Error, Sendable, Hashable, CustomStringConvertible {
  public var pointer: String
  public var detail: String

  public init(_ pointer: String, _ detail: String) {
    self.pointer = pointer
    self.detail = detail
  }

  public var description: String { "\(pointer.isEmpty ? "the body" : pointer) \(detail)" }
}

/// A value somewhere in a JSON body together with the way to it, so that a fault can name it.
///
/// A field that is not there can be asked too: it is then told as missing.
public struct BodyField: Sendable {
  /// `nil` where the body has no such field.
  public let value: JSONValue?
  public let path: [String]

  public init(_ body: JSONValue) { self.init(body, path: []) }

  private init(_ value: JSONValue?, path: [String]) {
    self.value = value
    self.path = path
  }

  public subscript(name: String) -> BodyField { BodyField(value?[name], path: path + [name]) }

  /// True where the field is missing or null.
  public var isAbsent: Bool { value?.isNull ?? true }

  public var pointer: String { JSONValue.pointer(path) }

  public func fault(_ detail: String) -> FieldFault { FieldFault(pointer, detail) }

  /// A string of so many octets of UTF-8.
  public func text(_ length: ClosedRange<Int> = 1...256) throws(FieldFault) -> String {
    guard let text = try present().string else { throw fault("is not a string") }
    guard length.contains(text.utf8.count) else {
      throw fault("has \(text.utf8.count) octets, expected \(length.lowerBound) to \(length.upperBound)")
    }
    return text
  }

  public func uuid() throws(FieldFault) -> String {
    let text = try text(0...256)
    guard Identifier.isUUID(text) else { throw fault("is not a UUID in lower case") }
    return text
  }

  public func int(_ range: ClosedRange<Int>) throws(FieldFault) -> Int {
    guard let number = try present().int else { throw fault("is not a whole number") }
    guard range.contains(number) else {
      throw fault("is \(number), expected \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  public func port() throws(FieldFault) -> UInt16 { UInt16(try int(1...65_535)) }

  public func bool() throws(FieldFault) -> Bool {
    guard let bool = try present().bool else { throw fault("is not true or false") }
    return bool
  }

  /// The field itself, where it is an object.
  public func object() throws(FieldFault) -> BodyField {
    guard try present().object != nil else { throw fault("is not an object") }
    return self
  }

  /// The items of an array.
  public func items(atMost limit: Int = 256) throws(FieldFault) -> [BodyField] {
    guard let items = try present().array else { throw fault("is not an array") }
    guard items.count <= limit else { throw fault("has \(items.count) items, expected \(limit) at most") }
    return items.enumerated().map { BodyField($1, path: path + [String($0)]) }
  }

  /// The members of an object, in order.
  public func members(atMost limit: Int = 256) throws(FieldFault) -> [(name: String, field: BodyField)] {
    guard let object = try present().object else { throw fault("is not an object") }
    guard object.count <= limit else { throw fault("has \(object.count) members, expected \(limit) at most") }
    return object.members.map { ($0.name, BodyField($0.value, path: path + [$0.name])) }
  }

  /// One of a few words.
  public func word<Word: RawRepresentable & CaseIterable>(_ type: Word.Type) throws(FieldFault) -> Word
  where Word.RawValue == String {
    let text = try text(0...256)
    guard let word = Word(rawValue: text) else {
      throw fault("is \"\(text)\", expected \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return word
  }

  /// An IPv4 or IPv6 address as text.
  public func address() throws(FieldFault) -> IPAddress {
    guard let address = IPAddress(try text(0...256)) else { throw fault("is not an IP address") }
    return address
  }

  /// An address with a prefix length, such as `192.168.10.21/24`.
  public func cidr() throws(FieldFault) -> CIDR {
    guard let cidr = CIDR(try text(0...256)) else { throw fault("is not an IP address with a prefix length") }
    return cidr
  }

  private func present() throws(FieldFault) -> JSONValue {
    guard let value, !value.isNull else { throw fault(value == nil ? "is missing" : "is null") }
    return value
  }
}
