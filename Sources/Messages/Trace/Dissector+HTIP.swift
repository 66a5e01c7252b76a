import HTIP
import Messages
import Octets

extension Dissector {
  /// An HTIP agent's frame: LLDP to the broadcast address.
  ///
  /// A switch's own frame leaves by many of its ports: it is told once.
  ///
  /// - Throws: ``WireError`` for one that cannot be read; it is counted as malformed then.
  mutating func consume(lldp octets: ArraySlice<UInt8>, _ sighting: Sighting) throws {
    var digest = MessageDigest()
    digest.add("htip")
    digest.add(octets)
    let sender: Party
    if let node = sighting.tap.node, !parties.nodes[node].isSegment, sighting.direction != .outbound {
      sender = parties.nodes[node].party
      sightings.pass(digest.finished, time: sighting.origin.time)
    } else {
      let owner = parties.receiver(sighting.source)
      // Where nothing tells whose the address is, it is the switch's at whose end the frame came in.
      if case .address = owner, let node = sighting.tap.node {
        sender = parties.nodes[node].party
      } else {
        sender = owner
      }
      if sighting.tap.node != nil,
        !sightings.isNew(digest.finished, interface: sighting.interface, time: sighting.origin.time)
      {
        return
      }
    }
    let (frame, departures) = try HTIPFrame.parse(octets)
    var fields = frame.fields
    if !departures.isEmpty { fields["departures"] = .array(departures.map { .string($0.description) }) }
    tell(packet: "htip", from: sender, to: .network, fields: fields, digest: digest.finished, sighting)
  }
}

extension Dissector {
  /// Whether these are octets of a frame that a switch sends itself, and does not pass on for others.
  func isOfSwitch(_ octets: some Collection<UInt8>) -> Bool {
    let head = Array(octets.prefix(14))
    guard head.count == 14, head[12] == 0x88, head[13] == 0xCC, let source = MACAddress(head[6..<12]),
      case .node(let name) = parties.receiver(source)
    else { return false }
    return parties.isSegment(name)
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
