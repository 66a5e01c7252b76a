import HTTPWire
import Octets

#if canImport(Glibc)
  import Glibc
#endif

/// Octets that other people's programs sent, kept in Tests/Vectors/http.
enum Vector {
  static let names = [
    "curl-get.http", "curl-head.http", "curl-put-json.http", "curl-chunked.http", "curl-keep-alive.http",
    "curl-expect.http", "python-200.http", "python-404.http", "python-head.http",
  ]

  struct Missing: Error { var path: String }

  static func octets(_ name: String, file: String = #filePath) throws -> [UInt8] {
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
    let path = folder + "/Vectors/http/" + name
    guard let stream = fopen(path, "rb") else { throw Missing(path: path) }
    defer { fclose(stream) }
    var result: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&piece, 1, piece.count, stream)
      if count == 0 { return result }
      result += piece[..<count]
    }
  }

  static func direction(_ name: String) -> HTTPStreamParser.Direction {
    name.hasPrefix("curl") ? .requests : .responses
  }
}

/// A source of pseudo-random numbers whose seed a failure can print.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
}

extension HTTPStreamParser {
  /// Reads octets in pieces of the given sizes, the last one repeated, then the end of the direction.
  static func read(
    _ octets: [UInt8], _ direction: Direction, pieces: [Int], methods: [String] = [], rules: HTTPRules = HTTPRules()
  ) -> [Located] {
    var parser = HTTPStreamParser(direction, rules: rules)
    parser.awaitedMethods = methods
    var result: [Located] = []
    var position = 0
    var index = 0
    while position < octets.count {
      let size = min(max(pieces[min(index, pieces.count - 1)], 1), octets.count - position)
      result += parser.feed(octets[position..<position + size])
      position += size
      index += 1
    }
    return result + parser.finish()
  }

  static func read(
    _ text: String, _ direction: Direction, methods: [String] = [], rules: HTTPRules = HTTPRules()
  ) -> [Item] {
    let octets = Array(text.utf8)
    let whole = read(octets, direction, pieces: [octets.count], methods: methods, rules: rules)
    return whole.map(\.item)
  }
}
