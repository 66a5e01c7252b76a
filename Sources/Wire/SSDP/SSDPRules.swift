/// How strictly SSDP datagrams are read, and how much of them; each leniency has a name.
public struct SSDPRules: Sendable, Hashable {
  /// The longest datagram, in octets.
  public var maximumLength = 8192
  public var maximumHeaders = 64
  /// Take lines that end in LF without CR.
  public var lineFeedAloneAllowed = true
  /// Take a datagram that ends without an empty line.
  public var missingEmptyLineAllowed = true
  /// Take octets behind the empty line, and ignore them; UDA 2.0 gives no message a body.
  public var trailingOctetsAllowed = true
  /// Take a search or a notification without HOST.
  public var missingHostAllowed = false
  /// Take `ssdp:discover` in MAN without its quotation marks.
  public var unquotedMANAllowed = false
  /// Take replies and `ssdp:alive` without CACHE-CONTROL, LOCATION or SERVER, which UDA 2.0 requires.
  public var missingAdvertisementFieldsAllowed = true

  public init() {}

  /// Nothing but what UDA 2.0 allows.
  public static let strict = {
    var rules = SSDPRules()
    rules.lineFeedAloneAllowed = false
    rules.missingEmptyLineAllowed = false
    rules.trailingOctetsAllowed = false
    rules.missingAdvertisementFieldsAllowed = false
    return rules
  }()
}
