import Octets

/// A way in which frames that are really sent depart from the format, and which a reader may let pass.
///
/// What is sent here departs in none of them.
public enum Leniency: String, Sendable, Hashable, CaseIterable {
  /// Text is padded with NUL octets; it ends at the first one.
  case nulPaddedText = "nul-padded-text"
  /// A text is longer than its item allows.
  case longText = "long-text"
  /// A text has characters that its item forbids, or is no UTF-8.
  case foreignCharacters = "foreign-characters"
  /// A manufacturer code is not six upper-case hexadecimal digits.
  case foreignManufacturerCode = "foreign-manufacturer-code"
  /// A percentage is above 100, or a number has more or fewer octets than its item has.
  case numberOutOfRange = "number-out-of-range"
  /// A device information TLV, a link TLV or a list is longer than what it says of itself.
  case trailingOctets = "trailing-octets"
  /// A vendor specific item tells the length of its information after its type instead of its own after its ID.
  case vendorLength = "vendor-length"
  /// Addresses in a MAC address list carry their lengths.
  case addressLengths = "address-lengths"
  /// A number in link information has more than one octet.
  case longNumbers = "long-numbers"
  /// A link TLV repeats a port without adding an address.
  case emptyRepetition = "empty-repetition"
  /// The frame ends without an End TLV.
  case missingEnd = "missing-end"
  /// A Chassis ID is neither a MAC address nor one as text.
  case foreignChassis = "foreign-chassis"
  /// A Time To Live is below twice the interval that the frame tells.
  case shortTimeToLive = "short-time-to-live"
  /// An item of device information stands twice; the last one counts.
  case repeatedItem = "repeated-item"
}

/// A departure that was let pass, and where it stands.
public struct Departure: Sendable, Hashable, CustomStringConvertible {
  public var leniency: Leniency
  /// Octets from the start of the LLDPDU.
  public var offset: Int
  public var words: String

  public var description: String { "octet \(offset): \(words) (\(leniency.rawValue))" }
}

/// Which departures a reader lets pass, and those that it met.
struct Reading {
  let allowed: Set<Leniency>
  private(set) var departures: [Departure] = []
  /// Departures are many in a forged frame; this many are kept.
  static let limit = 32

  init(allowing allowed: Set<Leniency>) { self.allowed = allowed }

  /// Lets a departure pass, or throws ``WireError`` `malformed` where it is not allowed.
  mutating func met(_ leniency: Leniency, at offset: Int, _ words: String) throws {
    guard allowed.contains(leniency) else { throw WireError(.malformed, in: "HTIP", at: offset, words) }
    if departures.count < Reading.limit {
      departures.append(Departure(leniency: leniency, offset: offset, words: words))
    }
  }
}
