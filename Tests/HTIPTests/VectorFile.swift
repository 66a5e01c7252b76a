import CaptureFiles
import Foundation
import Packets

/// A file of Tests/Vectors.
enum VectorFile {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Vectors")

  static func octets(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appending(path: name))) }

  static func lines(_ name: String) throws -> [String] {
    String(decoding: try octets(name), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The LLDPDUs of a capture, in order, with the destination of each.
  static func lldp(_ name: String) throws -> [(octets: ArraySlice<UInt8>, isBroadcast: Bool)] {
    var reader = CaptureReader()
    reader.feed(try octets(name))
    var result: [(octets: ArraySlice<UInt8>, isBroadcast: Bool)] = []
    while let item = try reader.next() {
      guard case .packet(let captured) = item,
        case .other(.lldp, let octets) = try Packet(parsing: captured.octets).payload
      else { continue }
      result.append((octets, try EthernetHeader(parsing: captured.octets).destination == .broadcast))
    }
    return result
  }
}

/// The numbers of splitmix64: the same for the same seed everywhere.
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
