import Messages
import Octets
import Packets
import STUN

extension Dissector {
  /// Tells a STUN message or a `peer-data` datagram (profile sections 6 and 8); false where it is neither.
  mutating func consume(
    peerDatagram datagram: UDPDatagram, from sender: Party, to receiver: Party, _ header: IPv4Header,
    signature: UInt64, _ sighting: Sighting
  ) -> Bool {
    let payload = datagram.payload
    let name: String
    let fields: JSONValue
    var digest = MessageDigest()
    if STUNMessage.isLikely(payload) {
      let message: STUNMessage
      do {
        message = try STUNMessage(parsing: Array(payload))
      } catch {
        counts.add(.words("malformed STUN: \(error)"))
        return true
      }
      guard let found = stunRequests.name(of: message, toPort: datagram.destinationPort) else { return false }
      name = found
      fields = STUNFields.of(message)
      STUNFields.digest(message, into: &digest)
    } else if let data = Self.peerData(payload) {
      name = "peer-data"
      fields = data
      digest.add(payload)
    } else {
      return false
    }
    digest.add(name)
    digest.add(header.source.octets + header.destination.octets)
    digest.add(number: UInt64(datagram.sourcePort) << 16 | UInt64(datagram.destinationPort))
    let before = lastIndex
    tell(packet: name, from: sender, to: receiver, fields: fields, digest: digest.finished, sighting)
    guard lastIndex != before, name.hasPrefix("peer-"), parties.isForwarding(receiver) else { return true }
    awaitReceiver(signature, sentTo: FlowKey.end(header.destinationBits, datagram.destinationPort))
    return true
  }

  /// HBPD, the type, two octets of sequence number, the payload (profile section 6, step 7).
  private static func peerData(_ payload: ArraySlice<UInt8>) -> JSONValue? {
    guard payload.count >= 7, payload.starts(with: "HBPD".utf8) else { return nil }
    let type = payload.uint8(at: 4)
    guard type == 0x44 || type == 0x41 else { return nil }
    return [
      "type": .string(type == 0x44 ? "data" : "acknowledgement"), "sequence": .int(Int(payload.uint16(at: 5))),
      "size": .int(payload.count - 7),
    ]
  }
}

/// The requests whose responses are awaited: a response is named after its request, which its transaction tells.
struct STUNRequests: Sendable {
  private var names: [STUNTransactionID: String] = [:]
  private var order: [STUNTransactionID] = []
  private var head = 0
  private static let limit = 8192

  /// What the catalogue calls a message; `nil` for what is none of its.
  mutating func name(of message: STUNMessage, toPort port: UInt16) -> String? {
    guard message.method == STUNMessage.binding else { return nil }
    switch message.messageClass {
    case .indication: return nil
    case .success, .error: return names[message.transaction].map { $0 + "-reply" }
    case .request:
      guard let name = Self.requestName(message, toPort: port) else { return nil }
      remember(message.transaction, name)
      return name
    }
  }

  private static func requestName(_ message: STUNMessage, toPort port: UInt16) -> String? {
    switch message.username?.split(separator: ":").last {
    case "controlling", "controlled": "peer-check"
    case "configurator": "server-check"
    case "agent": "agent-server-check"
    // Without a name of the profile, the port tells that it is for a server.
    default: DefaultPort.stun.contains(port) ? "stun-binding" : nil
    }
  }

  private mutating func remember(_ transaction: STUNTransactionID, _ name: String) {
    if names.updateValue(name, forKey: transaction) == nil { order.append(transaction) }
    guard names.count > Self.limit else { return }
    names[order[head]] = nil
    head += 1
    if head > Self.limit {
      order.removeFirst(head)
      head = 0
    }
  }
}

/// A STUN message's attributes as scenarios name them: in lowerCamelCase (profile section 1).
enum STUNFields {
  static func of(_ message: STUNMessage) -> JSONValue {
    var fields: JSONValue = [:]
    for attribute in message.attributes {
      let (name, value) = field(attribute)
      // The first one counts (RFC 8489, 14).
      if let name, fields[name] == nil { fields[name] = value }
    }
    if message.hasIntegrity { fields["messageIntegrity"] = true }
    if message.hasFingerprint { fields["fingerprint"] = true }
    return fields
  }

  private static func field(_ attribute: STUNAttribute) -> (String?, JSONValue) {
    switch attribute {
    case .mappedAddress(let end): ("mappedAddress", .string("\(end)"))
    case .xorMappedAddress(let end): ("xorMappedAddress", .string("\(end)"))
    case .username(let text): ("username", .string(text))
    case .errorCode(let code, _): ("errorCode", .int(code))
    case .unknownAttributes(let types): ("unknownAttributes", .array(types.map { .int(Int($0)) }))
    case .realm(let text): ("realm", .string(text))
    case .nonce(let text): ("nonce", .string(text))
    case .software(let text): ("software", .string(text))
    case .changeRequest(let change):
      (
        "changeRequest",
        .array(
          (change.contains(.address) ? ["address"] : []) + (change.contains(.port) ? ["port"] : []))
      )
    case .responsePort(let port): ("responsePort", .int(Int(port)))
    case .padding(let count): ("padding", .int(count))
    case .responseOrigin(let end): ("responseOrigin", .string("\(end)"))
    case .otherAddress(let end): ("otherAddress", .string("\(end)"))
    case .unknown: (nil, .null)
    }
  }

  /// All but the transaction and what depends on it (rule S2).
  static func digest(_ message: STUNMessage, into digest: inout MessageDigest) {
    digest.add(number: UInt64(message.messageClass.rawValue) << 16 | UInt64(message.method))
    for attribute in message.attributes { digest.add("\(attribute)") }
  }
}
