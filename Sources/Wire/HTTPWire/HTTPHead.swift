import Octets

/// The head of a message, read line by line.
struct HTTPHead: Sendable {
  enum Start: Sendable, Hashable {
    case request(method: String, target: String)
    case response(status: Int)
  }

  var start: Start?
  /// The digit after `HTTP/1.`.
  var minorVersion = 1
  var fields = HTTPFields()

  static func fault(_ offset: Int, _ reason: String, _ code: WireError.Code = .malformed) -> WireError {
    WireError(code, in: "HTTP", at: offset, reason)
  }

  /// Takes the request line (RFC 9112 clause 3); `offset` is where it begins in the stream.
  mutating func takeRequestLine(_ line: [UInt8], at offset: Int) throws {
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3 else {
      throw HTTPHead.fault(offset, "expected a method, a target and a version with one blank between")
    }
    guard !parts[0].isEmpty, parts[0].allSatisfy(\.isToken) else { throw HTTPHead.fault(offset, "expected a method") }
    let bad = parts[1].firstIndex { $0 <= 0x20 || $0 >= 0x7F }
    guard bad == nil, !parts[1].isEmpty else {
      throw HTTPHead.fault(offset + (bad ?? parts[1].startIndex), "expected a request target of visible characters")
    }
    try takeVersion(parts[2], at: offset + parts[2].startIndex)
    start = .request(
      method: String(decoding: parts[0], as: UTF8.self), target: String(decoding: parts[1], as: UTF8.self))
  }

  /// Takes the status line (RFC 9112 clause 4); the reason phrase may be missing with its blank.
  mutating func takeStatusLine(_ line: [UInt8], at offset: Int) throws {
    guard line.count >= 12 else { throw HTTPHead.fault(offset, "expected a version and a status of three digits") }
    try takeVersion(line[..<8], at: offset)
    guard line[8] == 0x20, line[9..<12].allSatisfy(\.isDecimalDigit), line.count == 12 || line[12] == 0x20 else {
      throw HTTPHead.fault(offset + 8, "expected a status of three digits")
    }
    let status = line[9..<12].reduce(0) { $0 * 10 + Int($1 - 0x30) }
    guard (100...599).contains(status) else { throw HTTPHead.fault(offset + 9, "expected a status from 100 to 599") }
    if let bad = line.dropFirst(12).firstIndex(where: { !$0.isFieldContent }) {
      throw HTTPHead.fault(offset + bad, "a control character in the reason phrase")
    }
    start = .response(status: status)
  }

  private mutating func takeVersion(_ text: ArraySlice<UInt8>, at offset: Int) throws {
    guard text.count == 8, text.starts(with: "HTTP/".utf8), text[text.startIndex + 6] == 0x2E,
      text[text.startIndex + 5].isDecimalDigit, text[text.startIndex + 7].isDecimalDigit
    else { throw HTTPHead.fault(offset, "expected HTTP/1.1") }
    guard text[text.startIndex + 5] == 0x31 else { throw HTTPHead.fault(offset, "expected HTTP/1.1", .unsupported) }
    minorVersion = Int(text[text.startIndex + 7] - 0x30)
  }

  /// Takes a field line (RFC 9112 clause 5).
  static func field(_ line: [UInt8], at offset: Int) throws -> HTTPFields.Field {
    if line.first == 0x20 || line.first == 0x09 {
      throw fault(offset, "a folded field line, which RFC 9112 clause 5.2 forbids")
    }
    guard let colon = line.firstIndex(of: 0x3A) else { throw fault(offset, "a field line without a colon") }
    let name = line[..<colon]
    let odd = name.firstIndex { !$0.isToken }
    guard odd == nil, !name.isEmpty else {
      throw fault(offset + (odd ?? 0), "expected a field name, which is letters, digits and a few signs")
    }
    if let bad = line[colon...].firstIndex(where: { !$0.isFieldContent }) {
      throw fault(offset + bad, "a control character in the value of \(String(decoding: name, as: UTF8.self))")
    }
    var value = line[(colon + 1)...]
    while let first = value.first, first == 0x20 || first == 0x09 { value.removeFirst() }
    while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
    return HTTPFields.Field(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
  }
}

/// How the length of a body is told (RFC 9112 clause 6.3).
enum HTTPFraming: Sendable, Hashable {
  case none
  case length(Int)
  case chunked
  case untilClose
  /// What follows is another protocol.
  case upgraded
}

extension HTTPHead {
  /// - Parameters:
  ///   - method: for a response, the method of the request that it answers.
  ///   - offset: where the head begins, for errors.
  func framing(method: String, at offset: Int) throws -> HTTPFraming {
    var isRequest = false
    if case .response(let status) = start {
      if status == 101 || (method == "CONNECT" && status / 100 == 2) { return .upgraded }
      if method == "HEAD" || status < 200 || status == 204 || status == 304 { return .none }
    } else {
      isRequest = true
    }
    let codings = fields.all("Transfer-Encoding")
    let lengths = fields.all("Content-Length")
    if !codings.isEmpty {
      guard lengths.isEmpty else {
        throw HTTPHead.fault(offset, "both Transfer-Encoding and Content-Length")
      }
      guard minorVersion >= 1 else { throw HTTPHead.fault(offset, "Transfer-Encoding in HTTP/1.0") }
      guard codings.count == 1, codings[0].lowercased() == "chunked" else {
        throw HTTPHead.fault(
          offset, "expected the transfer coding chunked alone, found \"\(codings.joined(separator: ", "))\"",
          .unsupported)
      }
      return .chunked
    }
    let values = lengths.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map { value in
      String(value.drop { $0 == " " || $0 == "\t" })
    }
    guard let first = values.first else { return isRequest ? .none : .untilClose }
    guard values.allSatisfy({ $0 == first }) else { throw HTTPHead.fault(offset, "two lengths that differ") }
    guard (1...15).contains(first.utf8.count), first.utf8.allSatisfy(\.isDecimalDigit), let length = Int(first) else {
      throw HTTPHead.fault(offset, "expected digits in Content-Length, found \"\(first)\"")
    }
    return length == 0 ? .none : .length(length)
  }
}
