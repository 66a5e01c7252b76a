import Messages
import Octets
import Packets

extension Dissector {
  /// Whom a datagram is for; `nil` where it is one that a gateway passes on, which is no message of its own.
  mutating func route(
    _ header: IPv4Header, sourcePort: UInt16, destinationPort: UInt16, signature: UInt64, _ sighting: Sighting
  ) -> Party? {
    let network = sighting.tap.network
    guard let node = sighting.tap.node, !header.destination.isMulticast, !header.destination.isLimitedBroadcast else {
      return parties.receiver(header.destination, from: network)
    }
    let here = FlowKey.end(header.sourceBits, sourcePort)
    let there = FlowKey.end(header.destinationBits, destinationPort)
    let key = FlowKey(network: network, protocolNumber: header.protocolNumber.rawValue, here, there)
    let party = parties.nodes[node].party
    let time = sighting.origin.time
    // What stands in for the port of ICMP may be translated as well, so that addresses alone count.
    let isPortless = header.protocolNumber == .icmp
    let ends = FlowTable.Ends(
      from: isPortless ? FlowKey.end(header.sourceBits, 0) : here,
      to: isPortless ? FlowKey.end(header.destinationBits, 0) : there)
    if parties.nodes[node].forwards {
      if let seen = passedOn(signature, ends, by: node, at: time) {
        note(seen, passedOnAs: ends, at: key, here, signature, sighting)
        return nil
      }
      guard parties.owns(node, header.source) else { return nil }
    }
    var memory = FlowTable.Memory(
      leg: FlowLeg(
        origin: key, client: party, clientEnd: here, serverEnd: there, clientEndHere: here, network: network),
      sender: party, isFromClient: true, time: time, ends: ends, network: network)
    if let leg = flows[key], leg.clientEndHere != here {
      // A reply: to whoever began the flow, on whichever side of a gateway.
      (memory.leg, memory.isFromClient) = (leg, false)
      flows.remember(signature, memory)
      return leg.client
    }
    flows.add(memory.leg, at: key)
    flows.remember(signature, memory)
    return bound(there, header.destination, from: network) ?? reached(header.destination, from: network)
  }

  /// Whom an address leads to. On loopback no gateway puts its own in the place of a device's: an answer to a device in
  /// a home goes to the address that this one node has.
  private func reached(_ address: IPAddress, from network: Int) -> Party {
    let party = parties.receiver(address, from: network)
    guard case .address = party, !addresses.isEmpty, let owner = parties.onlyOwner(of: address) else { return party }
    return parties.nodes[owner].party
  }

  /// The packet that a gateway passes on with these ends: as it was, with its own end in the sender's place, in that of
  /// the receiver, or in both, where it turns a packet for itself round.
  private func passedOn(
    _ signature: UInt64, _ ends: FlowTable.Ends, by node: Int, at time: Int64
  ) -> FlowTable.Memory? {
    let party = parties.nodes[node].party
    func isOwn(_ end: UInt64, on network: Int) -> Bool {
      let address = IPAddress.v4(UInt32(truncatingIfNeeded: end >> 16))
      return parties.owns(node, address) || parties.owner(address, from: network) == node
    }
    let usual = flows.recall(signature, at: time) { seen in
      guard seen.sender != party else { return false }
      if seen.ends.from == ends.from { return seen.ends.to == ends.to || isOwn(seen.ends.to, on: seen.network) }
      return seen.ends.to == ends.to && isOwn(ends.from, on: seen.network)
    }
    return usual
      ?? flows.recall(signature, at: time) { seen in
        seen.sender != party && isOwn(ends.from, on: seen.network) && isOwn(seen.ends.to, on: seen.network)
      }
  }

  /// Learns from a packet on both sides of a gateway who stands behind the ends that it put in the place of others.
  private mutating func note(
    _ seen: FlowTable.Memory, passedOnAs ends: FlowTable.Ends, at key: FlowKey, _ here: UInt64, _ signature: UInt64,
    _ sighting: Sighting
  ) {
    let network = sighting.tap.network
    if seen.isFromClient { flows.relay(seen.leg, at: key, clientEnd: here, on: network) }
    if ends.from != seen.ends.from { flows.bind(here, on: network, to: seen.sender) }
    if ends.to != seen.ends.to {
      let receiver = parties.receiver(.v4(UInt32(truncatingIfNeeded: ends.to >> 16)), from: network)
      flows.bind(seen.ends.to, on: seen.network, to: receiver)
      explain(signature, sentTo: seen.ends.to, by: seen.sender, receiver)
    }
    var memory = seen
    (memory.ends, memory.network) = (ends, network)
    flows.remember(signature, memory)
  }

  /// Who stands behind an end that is sent to from a network: it may be an end of that network, or of one outside.
  func bound(_ end: UInt64, _ address: IPAddress, from network: Int) -> Party? {
    for place in parties.networks(visibleFrom: network) {
      if let party = flows.bound(end, on: place) { return party }
    }
    return nil
  }
}
