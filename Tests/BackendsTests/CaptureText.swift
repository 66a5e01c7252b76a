import CaptureFiles
import Foundation

/// A capture as lines: `LINK NODE DIRECTION WHAT`, or `note TEXT`, in the order of the file.
enum CaptureText {
  static func read(_ path: String) throws -> [String] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    var reader = CaptureReader()
    reader.feed(Array(data))
    var interfaces: [CaptureInterface] = []
    var lines: [String] = []
    var lastTime: Int64 = 0
    while let item = try reader.next() {
      switch item {
      case .interface(let interface): interfaces.append(interface)
      case .comment(let time, let text):
        lines.append("note \(text)" + ((time ?? 0) < lastTime ? " (out of order)" : ""))
      case .packet(let packet):
        lastTime = packet.time
        let tap = interfaces[packet.interface]
        let node = (tap.description ?? "").replacing("node=", with: "")
        lines.append("\(tap.name ?? "?") \(node) \(packet.direction) \(kind(Array(packet.octets)))")
      default: break
      }
    }
    try reader.finish()
    return lines
  }

  private static func kind(_ frame: [UInt8]) -> String {
    guard frame.count >= 35 else { return "short" }
    switch (frame[12], frame[13], frame[23]) {
    case (8, 6, _): return "arp \(frame[21])"
    case (8, 0, 1): return "icmp \(frame[34])"
    case (8, 0, 6): return "tcp"
    case (8, 0, 17): return "udp"
    default: return "other"
    }
  }
}
