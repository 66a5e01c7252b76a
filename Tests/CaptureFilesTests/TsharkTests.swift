import CaptureFiles
import Foundation
import Testing

/// What tshark says about files that were written here.
@Suite struct TsharkTests {
  static let path = "/usr/bin/tshark"
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

  static func run(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text, complaints)
  }

  static func withFile<Result>(_ octets: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let file = FileManager.default.temporaryDirectory.appending(path: "homebed-\(UUID().uuidString).pcapng")
    try Data(octets).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file.path)
  }

  @Test(.enabled(if: isInstalled, "tshark is not installed"))
  func tsharkReadsEveryFieldThatTheWriterWrote() throws {
    var writer = PcapngWriter()
    var file = writer.header()
    file += writer.interface(name: "tv--sw1.3", description: "node=tv")
    file += writer.interface(name: "cfg--sw1.1", description: "node=cfg")
    let frame: [UInt8] = [UInt8](repeating: 0xFF, count: 6) + [2, 0, 0, 0, 0, 1, 0x88, 0xB5] + (0..<47)
    file += try writer.comment(time: 1_700_000_000_000_000_001, text: #"homebed: {"note":"start"}"#)
    file += writer.packet(interface: 1, time: 1_700_000_000_123_456_789, direction: .inbound, octets: frame)
    file += writer.packet(
      interface: 0, time: 1_700_000_000_123_456_790, direction: .outbound, octets: frame, comment: "a comment")
    file += try writer.comment(time: 1_700_000_001_000_000_000, text: #"homebed: {"note":"end"}"#)
    file += writer.statistics(CaptureStatistics(interface: 0, time: 1_700_000_001_000_000_000, received: 2, dropped: 0))
    try Self.withFile(file) { path in
      let result = try Self.run([
        "-r", path, "-T", "fields", "-E", "separator=|", "-e", "frame.time_epoch", "-e", "frame.interface_name", "-e",
        "frame.interface_description", "-e", "frame.packet_flags_direction", "-e", "frame.len", "-e", "frame.comment",
      ])
      #expect(result.status == 0)
      #expect(!result.errors.contains("damaged") && !result.errors.contains("corrupt"), "\(result.errors)")
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 2)
      #expect(lines.first == "1700000000.123456789|cfg--sw1.1|node=cfg|0x00000001|61|")
      #expect(lines.last == "1700000000.123456790|tv--sw1.3|node=tv|0x00000002|61|a comment")
    }
  }

  @Test(.enabled(if: isInstalled, "tshark is not installed"), arguments: ["pcap", "nsecpcap", "pcapng"])
  func everyFormatThatTsharkWritesIsReadAlike(format: String) throws {
    let source = VectorFile.folder.appending(path: "igd_wan.pcap").path
    let expected = try packets(of: try VectorFile.octets("igd_wan.pcap"))
    try Self.withFile([]) { path in
      #expect(try Self.run(["-r", source, "-F", format, "-w", path]).status == 0)
      let read = try packets(of: [UInt8](try Data(contentsOf: URL(filePath: path))))
      #expect(read.map(\.octets) == expected.map(\.octets))
      #expect(read.map(\.time) == expected.map(\.time))
      #expect(read.map(\.originalLength) == expected.map(\.originalLength))
    }
  }
}

func items(of octets: [UInt8], pieces: Int = .max) throws -> [CaptureItem] {
  var reader = CaptureReader()
  var items: [CaptureItem] = []
  var rest = octets[...]
  while !rest.isEmpty {
    reader.feed(rest.prefix(pieces))
    rest = rest.dropFirst(pieces)
    while let item = try reader.next() { items.append(item) }
  }
  try reader.finish()
  return items
}

func packets(of octets: [UInt8]) throws -> [CapturedPacket] {
  try items(of: octets).compactMap { if case .packet(let packet) = $0 { packet } else { nil } }
}
