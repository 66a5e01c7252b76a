/// A request path with parameters: `/v1/homes/{homeId}/agents/{agentId}`.
public struct PathTemplate: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  enum Segment: Sendable, Hashable {
    case literal(String)
    case parameter(String)
  }

  public let description: String
  let segments: [Segment]

  public init(stringLiteral text: String) {
    description = text
    segments = text.split(separator: "/").map { part in
      part.hasPrefix("{") && part.hasSuffix("}")
        ? .parameter(String(part.dropFirst().dropLast())) : .literal(String(part))
    }
  }

  public var parameters: [String] {
    segments.compactMap { if case .parameter(let name) = $0 { name } else { nil } }
  }

  var literalCount: Int { segments.count - parameters.count }

  /// The parameters' values, percent-decoded; `nil` where the path is another one.
  public func match(_ path: String) -> [(name: String, value: String)]? {
    PathTemplate.parts(path).flatMap(match)
  }

  /// The parts of an absolute path; `nil` for any other.
  static func parts(_ path: String) -> [Substring]? {
    path.hasPrefix("/") ? path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) : nil
  }

  func match(_ parts: [Substring]) -> [(name: String, value: String)]? {
    guard parts.count == segments.count else { return nil }
    var values: [(name: String, value: String)] = []
    for (segment, part) in zip(segments, parts) {
      switch segment {
      case .literal(let text): if part != text { return nil }
      case .parameter(let name):
        guard !part.isEmpty else { return nil }
        values.append((name, PathTemplate.decoded(part)))
      }
    }
    return values
  }

  /// Resolves `%2F` and the like; what is no escape stays as it is.
  static func decoded(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let first = rest.popFirst() {
      if first == UInt8(ascii: "%"), rest.count >= 2,
        let octet = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        result.append(octet)
        rest.removeFirst(2)
      } else {
        result.append(first)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
