/// Header lines in the order in which they stand; names compare without regard to case.
public struct SSDPHeaders: Sendable, Hashable {
  /// One header line.
  public struct Line: Sendable, Hashable {
    /// As it was written.
    public var name: String
    /// Without the blanks around it.
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  public var lines: [Line]

  public init(_ lines: [Line] = []) { self.lines = lines }

  /// The value of the first line with that name.
  public subscript(name: String) -> String? {
    lines.first { SSDPHeaders.isSame($0.name, name) }?.value
  }

  public func contains(_ name: String) -> Bool { lines.contains { SSDPHeaders.isSame($0.name, name) } }

  public mutating func append(_ name: String, _ value: String) { lines.append(Line(name: name, value: value)) }

  /// Removes the first line with that name and gives its value.
  mutating func take(_ name: String) -> String? {
    guard let index = lines.firstIndex(where: { SSDPHeaders.isSame($0.name, name) }) else { return nil }
    return lines.remove(at: index).value
  }

  /// Takes a number; a value that is none stays among the lines.
  mutating func takeNumber(_ name: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = self[name], let number = SSDPHeaders.number(value), range.contains(number) else { return nil }
    _ = take(name)
    return number
  }

  /// One to ten decimal digits.
  static func number(_ text: some StringProtocol) -> Int? {
    guard (1...10).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }

  static func isSame(_ a: some StringProtocol, _ b: some StringProtocol) -> Bool {
    a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { lowered($0) == lowered($1) }
  }

  private static func lowered(_ octet: UInt8) -> UInt8 { (0x41...0x5A).contains(octet) ? octet | 0x20 : octet }
}
