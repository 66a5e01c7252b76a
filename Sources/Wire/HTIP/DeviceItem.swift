import Octets

/// What an item of device information is about (HTIP, TTC subtype 1).
public struct DeviceItemID: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let category = DeviceItemID(rawValue: 1)
  public static let manufacturerCode = DeviceItemID(rawValue: 2)
  public static let modelName = DeviceItemID(rawValue: 3)
  public static let modelNumber = DeviceItemID(rawValue: 4)
  public static let channelUsage = DeviceItemID(rawValue: 20)
  public static let signalStrength = DeviceItemID(rawValue: 21)
  public static let errorRate = DeviceItemID(rawValue: 22)
  public static let responseTime = DeviceItemID(rawValue: 23)
  public static let associatedDevices = DeviceItemID(rawValue: 24)
  public static let activeNodes = DeviceItemID(rawValue: 25)
  public static let linkQuality = DeviceItemID(rawValue: 26)
  public static let retransmissions = DeviceItemID(rawValue: 27)
  public static let status = DeviceItemID(rawValue: 50)
  public static let processorUsage = DeviceItemID(rawValue: 51)
  public static let memoryUsage = DeviceItemID(rawValue: 52)
  public static let diskUsage = DeviceItemID(rawValue: 53)
  public static let battery = DeviceItemID(rawValue: 54)
  public static let interval = DeviceItemID(rawValue: 80)
  public static let vendor = DeviceItemID(rawValue: 255)

  public static func < (a: DeviceItemID, b: DeviceItemID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { shape?.name ?? "item-\(rawValue)" }

  /// How the value is written; `nil` for an item that is not known here.
  var shape: DeviceItemShape? { DeviceItemShape.all[self] }
}

/// What kind of value an item has, and within which bounds.
struct DeviceItemShape: Sendable {
  enum Kind: Sendable {
    /// At most so many octets, of these characters (`nil`: any UTF-8).
    case text(limit: Int, characters: Set<UInt8>?)
    case manufacturerCode
    /// Unsigned, big-endian, of so many octets.
    case number(octets: ClosedRange<Int>, limit: UInt64)
    case vendor
  }

  var name: String
  var kind: Kind

  private static let digits = Set(UInt8(ascii: "0")...UInt8(ascii: "9"))
  private static let upper = Set(UInt8(ascii: "A")...UInt8(ascii: "Z"))
  private static let lower = Set(UInt8(ascii: "a")...UInt8(ascii: "z"))
  private static let signs = Set(",-'()+./:=?;!*#@$_%".utf8)
  private static let categoryText = Kind.text(limit: 255, characters: digits.union(upper).union(lower).union(signs))
  private static let modelNumberText = Kind.text(limit: 31, characters: digits.union(upper).union(signs))
  private static let statusText = Kind.text(limit: 63, characters: digits.union(upper).union(",.?!/*+-".utf8))
  private static let percentage = Kind.number(octets: 1...1, limit: 100)
  private static let octet = Kind.number(octets: 1...1, limit: 255)

  static let all: [DeviceItemID: DeviceItemShape] = [
    .category: .init(name: "category", kind: categoryText),
    .manufacturerCode: .init(name: "manufacturerCode", kind: .manufacturerCode),
    .modelName: .init(name: "modelName", kind: .text(limit: 31, characters: nil)),
    .modelNumber: .init(name: "modelNumber", kind: modelNumberText),
    .channelUsage: .init(name: "channelUsage", kind: percentage),
    .signalStrength: .init(name: "signalStrength", kind: percentage),
    .errorRate: .init(name: "errorRate", kind: percentage),
    .responseTime: .init(name: "responseTime", kind: .number(octets: 1...6, limit: 0xFFFF_FFFF_FFFF)),
    .associatedDevices: .init(name: "associatedDevices", kind: octet),
    .activeNodes: .init(name: "activeNodes", kind: octet),
    .linkQuality: .init(name: "linkQuality", kind: octet),
    .retransmissions: .init(name: "retransmissions", kind: octet),
    .status: .init(name: "status", kind: statusText),
    .processorUsage: .init(name: "processorUsage", kind: percentage),
    .memoryUsage: .init(name: "memoryUsage", kind: percentage),
    .diskUsage: .init(name: "diskUsage", kind: percentage),
    .battery: .init(name: "battery", kind: percentage),
    .interval: .init(name: "interval", kind: .number(octets: 2...2, limit: 65_535)),
    .vendor: .init(name: "vendor", kind: .vendor),
  ]
}

/// One item of device information.
public struct DeviceItem: Sendable, Hashable {
  public enum Value: Sendable, Hashable {
    case text(String)
    case number(UInt64)
    /// Id 255: whose it is (six hexadecimal digits), which kind, and what, at most 248 octets.
    case vendor(organisation: String, type: UInt8, [UInt8])
    /// The octets of an item that is not known here, or whose value cannot be read.
    case octets([UInt8])
  }

  public var id: DeviceItemID
  public var value: Value

  public init(_ id: DeviceItemID, _ value: Value) {
    self.id = id
    self.value = value
  }

  public static func text(_ id: DeviceItemID, _ text: String) -> DeviceItem { DeviceItem(id, .text(text)) }
  public static func number(_ id: DeviceItemID, _ number: UInt64) -> DeviceItem { DeviceItem(id, .number(number)) }

  public var text: String? { if case .text(let text) = value { text } else { nil } }
  public var number: UInt64? { if case .number(let number) = value { number } else { nil } }
}
