import Messages
import RoleKit

/// The HTIP collector of clause 5: what L2 agents, switches and L3 agents told, and who has which address.
struct Collector: Sendable {
  /// A UPnP device of type Basic:1, an HTIP L3 agent, as SSDP and its description tell of it.
  struct BasicDevice: Sendable, Hashable {
    enum State: Sendable, Hashable { case unread, reading, read, refused }

    var address: IPAddress
    var location: HTTPURL
    var interface: String
    var name: String?
    var state = State.unread
    /// Milliseconds since 1970.
    var heardAt: Int64
  }

  var frames = HTIPCollection()
  var neighbours: [IPAddress: MACAddress] = [:]
  /// Milliseconds since 1970.
  var neighboursAt: Int64 = 0
  /// By UUID.
  private(set) var basics: [String: BasicDevice] = [:]
  /// When the next look is due; nanoseconds of the monotonic clock.
  var dueAt: UInt64 = 0
  /// When something was told to the log last, by what it was.
  private var told: [String: UInt64] = [:]

  static let basicLimit = 256
  /// Descriptions that are read at once.
  static let readingLimit = 8
  /// Nanoseconds between two looks, and from a change to the next look.
  static let pause: UInt64 = .seconds(10)
  static let shortPause: UInt64 = .milliseconds(100)
  /// The same fault is told once in this time.
  private static let tellingPause: UInt64 = .seconds(60)
  private static let tellingLimit = 64

  /// A warning for the log, unless the same was told a while ago.
  mutating func report(_ code: String, _ about: String, _ text: String, at now: Moment) -> [Effect] {
    let key = "\(code) \(about)"
    if let last = told[key], now.monotonic - last < Self.tellingPause { return [] }
    if told[key] == nil, told.count >= Self.tellingLimit {
      told = told.filter { now.monotonic - $0.value < Self.tellingPause }
      guard told.count < Self.tellingLimit else { return [] }
    }
    told[key] = now.monotonic
    return [.report(Report(.warning, code, text))]
  }

  /// True where the device is new or somewhere else.
  mutating func hear(basic uuid: String, _ device: BasicDevice) -> Bool {
    if var known = basics[uuid], known.address == device.address, known.location == device.location {
      known.heardAt = device.heardAt
      basics[uuid] = known
      return false
    }
    guard basics[uuid] != nil || basics.count < Self.basicLimit else { return false }
    basics[uuid] = device
    return true
  }

  mutating func forget(basic uuid: String?) { if let uuid { basics[uuid] = nil } }

  mutating func set(_ state: BasicDevice.State, name: String? = nil, of uuid: String) {
    basics[uuid]?.state = state
    if let name { basics[uuid]?.name = name }
  }

  /// The next devices whose descriptions are to be read, of those that are not `known` otherwise.
  func unread(except isKnown: (String) -> Bool) -> [(uuid: String, device: BasicDevice)] {
    let room = Self.readingLimit - basics.values.count { $0.state == .reading }
    return basics.filter { $0.value.state == .unread && !isKnown($0.key) }.sorted { $0.key < $1.key }
      .prefix(max(0, room)).map { ($0.key, $0.value) }
  }
}

extension ConfiguratorTables {
  static func row(frame key: HTIPCollection.Key, _ entry: HTIPCollection.Entry, at now: Moment) -> Row {
    let left = Int64((entry.expiresAt - min(entry.expiresAt, now.monotonic)) / 1_000_000)
    return Row(
      htipFrames, key.text,
      [
        "frame": .string(entry.octets.hex()), "source": .string("\(entry.source)"), "heardAt": .int(entry.heardAt),
        "expires": .int(now.wall + left),
      ])
  }

  /// `nil` where the row cannot be read.
  static func frame(_ row: Row, at now: Moment) -> HTIPCollection.Entry? {
    guard let octets = (row.value?["frame"]?.string).flatMap(octets(ofHex:)),
      let source = row.value?["source"]?.string.flatMap({ MACAddress($0) }),
      let heardAt = row.value?["heardAt"]?.int, let expires = row.value?["expires"]?.int,
      let frame = try? HTIPFrame.parse(octets[...]).frame
    else { return nil }
    let left = UInt64(max(0, Int64(expires) - now.wall))
    return HTIPCollection.Entry(
      frame: frame, octets: octets, source: source, heardAt: Int64(heardAt),
      expiresAt: now.monotonic + .milliseconds(min(left, 65_535_000)))
  }

  private static func octets(ofHex text: String) -> [UInt8]? {
    let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == text.utf8.count, digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}
