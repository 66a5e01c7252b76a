import Octets

/// From where a server is asked to answer (RFC 5780, 7.2).
public struct STUNChangeRequest: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let port = STUNChangeRequest(rawValue: 2)
  public static let address = STUNChangeRequest(rawValue: 4)
}

/// An attribute of a STUN message, those of integrity apart.
public enum STUNAttribute: Sendable, Hashable {
  case mappedAddress(Endpoint)
  case xorMappedAddress(Endpoint)
  /// At most 508 octets.
  case username(String)
  /// The code, 300 to 699, and at most 763 octets of reason.
  case errorCode(Int, String)
  case unknownAttributes([UInt16])
  case realm(String)
  case nonce(String)
  case software(String)
  /// RFC 5780.
  case changeRequest(STUNChangeRequest)
  /// RFC 5780: to which port of the sender's address the response is wanted.
  case responsePort(UInt16)
  /// RFC 5780: so many octets that make a message too long for one packet.
  case padding(Int)
  /// RFC 5780: the address that the response was sent from.
  case responseOrigin(Endpoint)
  /// RFC 5780: the server's other address and other port.
  case otherAddress(Endpoint)
  case unknown(type: UInt16, value: [UInt8])

  /// The types on the wire (RFC 8489, 18.3; RFC 5780, 9.1).
  enum Code {
    static let mappedAddress: UInt16 = 0x0001
    static let changeRequest: UInt16 = 0x0003
    static let username: UInt16 = 0x0006
    static let messageIntegrity: UInt16 = 0x0008
    static let errorCode: UInt16 = 0x0009
    static let unknownAttributes: UInt16 = 0x000A
    static let realm: UInt16 = 0x0014
    static let nonce: UInt16 = 0x0015
    static let messageIntegritySHA256: UInt16 = 0x001C
    static let xorMappedAddress: UInt16 = 0x0020
    static let padding: UInt16 = 0x0026
    static let responsePort: UInt16 = 0x0027
    static let software: UInt16 = 0x8022
    static let fingerprint: UInt16 = 0x8028
    static let responseOrigin: UInt16 = 0x802B
    static let otherAddress: UInt16 = 0x802C
  }

  var type: UInt16 {
    switch self {
    case .mappedAddress: Code.mappedAddress
    case .xorMappedAddress: Code.xorMappedAddress
    case .username: Code.username
    case .errorCode: Code.errorCode
    case .unknownAttributes: Code.unknownAttributes
    case .realm: Code.realm
    case .nonce: Code.nonce
    case .software: Code.software
    case .changeRequest: Code.changeRequest
    case .responsePort: Code.responsePort
    case .padding: Code.padding
    case .responseOrigin: Code.responseOrigin
    case .otherAddress: Code.otherAddress
    case .unknown(let type, _): type
    }
  }
}
