import HTIP
import Messages
import Octets

extension Dissector {
  /// An HTIP agent's frame: LLDP to the broadcast address.
  ///
  /// - Throws: ``WireError`` for one that cannot be read; it is counted as malformed then.
  mutating func consume(lldp octets: ArraySlice<UInt8>, _ sighting: Sighting) throws {
    let (frame, departures) = try HTIPFrame.parse(octets)
    var fields = frame.fields
    if !departures.isEmpty { fields["departures"] = .array(departures.map { .string($0.description) }) }
    var digest = MessageDigest()
    digest.add("htip")
    digest.add(octets)
    let sender: Party = sighting.tap.node.map { parties.nodes[$0].party } ?? parties.receiver(sighting.source)
    tell(packet: "htip", from: sender, to: .network, fields: fields, digest: digest.finished, sighting)
  }
}

extension HTIPFrame {
  /// What the frame tells, by the names that the catalogue has for it.
  fileprivate var fields: JSONValue {
    var fields: JSONValue = ["ttl": .int(Int(timeToLive)), "portId": .string(port.description)]
    fields["chassisId"] = .string(chassis.description)
    if let portDescription { fields["portDescription"] = .string(portDescription) }
    for item in items {
      switch item.value {
      case .text(let text): fields["\(item.id)"] = .string(text)
      case .number(let number): fields["\(item.id)"] = .int(Int(clamping: number))
      case .vendor(let organisation, let type, let octets):
        fields["vendor"] = .string("\(organisation) \(type) \(octets.hex())")
      case .octets(let octets): fields["\(item.id)"] = .string(octets.hex())
      }
    }
    if !links.isEmpty {
      fields["links"] = .array(
        links.map { ["port": .int(Int($0.port)), "addresses": .array($0.addresses.map { .string("\($0)") })] })
    }
    if !addresses.isEmpty { fields["addresses"] = .array(addresses.map { .string("\($0)") }) }
    return fields
  }
}
