import HTTPWire
import Messages
import Octets
import Packets

extension Dissector {
  /// Takes a TCP segment where its sender sent it, and puts it into the view of the one who opened the connection.
  mutating func consume(_ segment: TCPSegment, _ header: IPv4Header, _ sighting: Sighting) {
    let here = FlowKey.end(header.sourceBits, segment.sourcePort)
    let there = FlowKey.end(header.destinationBits, segment.destinationPort)
    let key = FlowKey(network: sighting.tap.network, protocolNumber: IPProtocol.tcp.rawValue, here, there)
    let party = sender(sighting, header.source)
    let isOpening = segment.flags.contains(.syn) && !segment.flags.contains(.ack)
    if passesOn(segment, header, sighting, key: key, here: here, party: party, isOpening: isOpening) { return }

    var leg: FlowLeg
    if let known = flows[key], !isOpening {
      leg = known
    } else {
      // A handshake, or the middle of a connection: then the end with the higher port is taken for the client.
      let isAnswer = segment.flags.contains(.syn) && segment.flags.contains(.ack)
      let isFromClient = isOpening || (!isAnswer && segment.sourcePort >= segment.destinationPort)
      leg = FlowLeg(
        origin: key, client: isFromClient ? party : parties.receiver(header.destination, from: sighting.tap.network),
        clientEnd: isFromClient ? here : there, serverEnd: isFromClient ? there : here,
        clientEndHere: isFromClient ? here : there, network: sighting.tap.network)
      leg.startedMidStream = !isOpening
      flows.add(leg, at: key)
    }
    let isFromClient = leg.clientEndHere == here
    if isOpening || (leg.startedMidStream && !segment.payload.isEmpty) {
      flows.remember(
        Dissector.signature(segment),
        FlowTable.Memory(leg: leg, sender: party, isFromClient: isFromClient, time: sighting.origin.time))
    }
    if !isFromClient, leg.server == nil || !leg.isAnswered { answer(segment, key, leg, by: party, sighting) }
    feed(segment, leg, isFromClient: isFromClient, sighting.origin)
  }

  /// What makes a segment known again behind a gateway: its sequence number, and its octets where it opens nothing.
  private static func signature(_ segment: TCPSegment) -> UInt64 {
    var digest = MessageDigest()
    digest.add(number: UInt64(segment.sequence) | (segment.flags.contains(.syn) ? 1 << 32 : 2 << 32))
    digest.add(segment.payload)
    return digest.finished
  }

  /// Whether a segment is one that a gateway passes on, which its sender sent before.
  private mutating func passesOn(
    _ segment: TCPSegment, _ header: IPv4Header, _ sighting: Sighting, key: FlowKey, here: UInt64, party: Party,
    isOpening: Bool
  ) -> Bool {
    let time = sighting.origin.time
    guard let node = sighting.tap.node else {
      // A foreign capture shows both sides of a gateway perhaps: the side that came first is told.
      if isOpening, let seen = flows.recall(Dissector.signature(segment), at: time), seen.leg.origin != key {
        flows.relay(seen.leg, at: key, clientEnd: here, on: sighting.tap.network)
        return true
      }
      return !isOpening && flows[key]?.isRelay == true
    }
    guard parties.nodes[node].forwards else { return false }
    if isOpening {
      if let seen = flows.recall(Dissector.signature(segment), at: time), seen.sender != party {
        flows.relay(seen.leg, at: key, clientEnd: here, on: sighting.tap.network)
        return true
      }
      return !parties.owns(node, header.source)
    }
    if let leg = flows[key] {
      if leg.isRelay { return true }
      if leg.client == party { return false }
      if !flows.isRelayed(leg.origin), parties.owns(node, header.source) { return false }
      if segment.flags.contains(.rst), !leg.isAnswered {
        // The gateway refuses in the server's name.
        answer(segment, key, leg, by: party, sighting)
      }
      return true
    }
    if !segment.payload.isEmpty, let seen = flows.recall(Dissector.signature(segment), at: time), seen.sender != party {
      if seen.isFromClient { flows.relay(seen.leg, at: key, clientEnd: here, on: sighting.tap.network) }
      return true
    }
    return !parties.owns(node, header.source)
  }

  private mutating func answer(
    _ segment: TCPSegment, _ key: FlowKey, _ leg: FlowLeg, by party: Party, _ sighting: Sighting
  ) {
    let isRefusal = segment.flags.contains(.rst) && !leg.isAnswered && !leg.startedMidStream
    flows.answer(key, leg, by: party, isAnswered: isRefusal || segment.flags.contains(.syn) || leg.startedMidStream)
    if isRefusal {
      refuse(
        RefusedConnection(from: leg.client, to: party, time: sighting.origin.time, frame: sighting.origin.frame))
    }
  }

  private mutating func feed(_ segment: TCPSegment, _ leg: FlowLeg, isFromClient: Bool, _ origin: TCPOrigin) {
    let (source, destination) = isFromClient ? (leg.clientEnd, leg.serverEnd) : (leg.serverEnd, leg.clientEnd)
    var segment = segment
    segment.sourcePort = UInt16(truncatingIfNeeded: source)
    segment.destinationPort = UInt16(truncatingIfNeeded: destination)
    tcpEvents.removeAll(keepingCapacity: true)
    connections.feed(
      segment, source: .v4(UInt32(truncatingIfNeeded: source >> 16)),
      destination: .v4(UInt32(truncatingIfNeeded: destination >> 16)), domain: leg.network, from: origin,
      into: &tcpEvents)
    if !tcpEvents.isEmpty { takeConnectionEvents(leg) }
  }

  /// - Parameter leg: of the connection that the events are about, where they tell that it opened.
  mutating func takeConnectionEvents(_ leg: FlowLeg? = nil) {
    let events = tcpEvents
    for event in events {
      let id = event.connection.id
      switch event.content {
      case .opened:
        guard let leg else { continue }
        conversations[id] = Conversation(
          Conversation.Ends(
            client: leg.client, flow: leg.origin, network: leg.network, server: event.connection.server))
      case .delivery(.octets(let octets, let origin)):
        guard let index = conversations.index(forKey: id) else { continue }
        let items = conversations.values[index].feed(octets, from: event.sender, origin)
        if !items.isEmpty { take(items, of: id, at: origin) }
      case .delivery(.gap(_, let origin)):
        guard let items = conversations[id]?.end(event.sender) else { continue }
        counts.add(.words("TCP connections of which the capture lacks octets"))
        take(items, of: id, at: origin)
      case .delivery(.end(_, let origin)):
        guard let items = conversations[id]?.end(event.sender) else { continue }
        take(items, of: id, at: origin)
        if conversations[id]?.endedSides.count == 2 { conversations[id] = nil }
      }
    }
  }

  /// Tells what only the end of the capture completes.
  mutating func endConversation(_ id: Int) {
    for side in [TCPSide.client, .server] {
      guard let conversation = conversations[id], !conversation.endedSides.contains(side) else { continue }
      // A message that is still under way is no garbage: the capture just ends.
      let items = conversations[id]?.end(side).filter { if case .garbage = $0.item { false } else { true } } ?? []
      take(items, of: id, at: TCPOrigin(time: 0, frame: 0))
    }
    conversations[id] = nil
  }

  /// Who a conversation's server is: the one who answered, or whose the address is.
  func server(of conversation: Conversation.Ends) -> Party {
    if let server = flows[conversation.flow]?.server { return server }
    if case .v4(let bits) = conversation.server.address,
      let bound = flows.bound(FlowKey.end(bits, conversation.server.port), on: conversation.network)
    {
      return bound
    }
    return parties.receiver(conversation.server.address, from: conversation.network)
  }
}
