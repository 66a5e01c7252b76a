import Messages
import Octets
import Packets
import SSDP

extension Dissector {
  func sender(_ sighting: Sighting, _ address: IPAddress) -> Party {
    if let node = sighting.tap.node { return parties.nodes[node].party }
    return parties.receiver(address, from: sighting.tap.network)
  }

  /// Tells a message that is named by its protocol.
  mutating func tell(
    packet name: String, from sender: Party, to receiver: Party, fields: JSONValue, digest: UInt64, _ sighting: Sighting
  ) {
    guard let definition = MessageCatalogue[name] else { return }
    if sighting.tap.node == nil,
      !sightings.isNew(digest, interface: sighting.interface, time: sighting.origin.time)
    {
      return
    }
    tell(
      definition, from: sender, to: receiver, fields: fields, at: sighting.origin, digest: digest,
      isBackground: definition.background.holds(for: fields, request: false))
  }

  mutating func consume(_ arp: ARPPacket, _ packet: Packet, _ sighting: Sighting) {
    if let node = sighting.tap.node {
      parties.learn(arp.sender, of: node, on: sighting.tap.network, mac: sighting.source)
    }
    var digest = MessageDigest()
    digest.add("arp")
    digest.add(number: UInt64(arp.operation.rawValue))
    digest.add(arp.sender.octets + arp.target.octets + arp.senderHardware.octets + arp.targetHardware.octets)
    let sender: Party =
      sighting.tap.node.map { parties.nodes[$0].party } ?? parties.receiver(arp.sender, from: sighting.tap.network)
    let receiver =
      packet.ethernet.destination.isMulticast
      ? Party.network : parties.receiver(arp.target, from: sighting.tap.network)
    tell(
      packet: "arp", from: sender, to: receiver,
      fields: [
        "operation": .string(
          arp.operation == .request ? "request" : arp.operation == .reply ? "reply" : "\(arp.operation.rawValue)"),
        "senderMAC": .string("\(arp.senderHardware)"), "senderAddress": .string("\(arp.sender)"),
        "targetAddress": .string("\(arp.target)"),
      ], digest: digest.finished, sighting)
  }

  mutating func consume(_ message: ICMPMessage, _ header: IPv4Header, _ sighting: Sighting) {
    var digest = MessageDigest()
    digest.add("icmp")
    digest.add([message.type, message.code])
    var identifier: UInt16 = 0
    switch message.body {
    case .echoRequest(let id, let sequence, let payload), .echoReply(let id, let sequence, let payload):
      identifier = id
      digest.add(number: UInt64(sequence))
      digest.add(payload)
    case .destinationUnreachable(_, let rest), .timeExceeded(let rest), .other(_, let rest): digest.add(rest)
    }
    guard
      let receiver = route(
        header, sourcePort: identifier, destinationPort: identifier, signature: digest.finished, sighting)
    else { return }
    digest.add(header.source.octets + header.destination.octets)
    let sender = sender(sighting, header.source)
    let fields: JSONValue = ["type": .int(message.type), "code": .int(message.code)]
    let name = checkName(of: message, from: sender, to: receiver) ?? "icmp"
    tell(packet: name, from: sender, to: receiver, fields: fields, digest: digest.finished, sighting)
  }

  /// An echo of a CE device to a home gateway is how it checks that way (4.6.3 step 5), whatever it has in mind.
  private func checkName(of message: ICMPMessage, from sender: Party, to receiver: Party) -> String? {
    switch message.body {
    case .echoRequest: isCheck(from: sender, to: receiver) ? "gateway-check" : nil
    case .echoReply: isCheck(from: receiver, to: sender) ? "gateway-check-reply" : nil
    case .destinationUnreachable, .timeExceeded, .other: nil
    }
  }

  private func isCheck(from device: Party, to gateway: Party) -> Bool {
    parties.kind(of: device) == .ce && parties.kind(of: gateway) == .homeGateway
  }

  /// UDP echo (RFC 862), where ICMP is not to be had; false where the datagram is none.
  private mutating func consume(
    echo datagram: UDPDatagram, from sender: Party, to receiver: Party, _ header: IPv4Header, _ sighting: Sighting
  ) -> Bool {
    let name: String
    if datagram.destinationPort == DefaultPort.echo, isCheck(from: sender, to: receiver) {
      name = "gateway-check"
    } else if datagram.sourcePort == DefaultPort.echo, isCheck(from: receiver, to: sender) {
      name = "gateway-check-reply"
    } else {
      return false
    }
    var digest = MessageDigest()
    digest.add(name)
    digest.add(datagram.payload)
    digest.add(header.source.octets + header.destination.octets)
    digest.add(number: UInt64(datagram.sourcePort) << 16 | UInt64(datagram.destinationPort))
    tell(packet: name, from: sender, to: receiver, fields: [:], digest: digest.finished, sighting)
    return true
  }

  mutating func consume(_ datagram: UDPDatagram, _ header: IPv4Header, _ sighting: Sighting) {
    var digest = MessageDigest()
    digest.add("udp")
    digest.add(datagram.payload)
    let signature = digest.finished
    guard
      let receiver = route(
        header, sourcePort: datagram.sourcePort, destinationPort: datagram.destinationPort,
        signature: signature, sighting)
    else { return }
    digest.add(header.source.octets + header.destination.octets)
    let sender = sender(sighting, header.source)
    let ports = [datagram.sourcePort, datagram.destinationPort]
    if Dissector.isDiscovery(datagram.payload) {
      consume(ssdp: datagram, from: sender, to: receiver, signature: digest.finished, sighting)
    } else if ports == [68, 67] || ports == [67, 68] || ports == [67, 67] {
      let fields = Dissector.dhcpFields(datagram.payload)
      let given = fields["yourAddress"]?.string.flatMap { IPAddress($0) }
      let client = fields["clientMAC"]?.string.flatMap { MACAddress($0) }
      // ACK (RFC 2131): from now on the address is the client's.
      if fields["messageType"] == 5, let given, let client {
        parties.lend(given, to: client, on: sighting.tap.network)
      }
      // An offer goes to an address that nobody has yet, but to the client's MAC address.
      let isForClient = receiver != .network && given == header.destination
      tell(
        packet: "dhcp", from: sender, to: isForClient ? client.map(parties.receiver) ?? receiver : receiver,
        fields: fields, digest: digest.finished, sighting)
    } else if ports.contains(53) {
      tell(
        packet: "dns", from: sender, to: receiver, fields: Dissector.dnsFields(datagram.payload),
        digest: digest.finished, sighting)
    } else if !consume(echo: datagram, from: sender, to: receiver, header, sighting),
      !consume(peerDatagram: datagram, from: sender, to: receiver, header, signature: signature, sighting)
    {
      counts.add(.datagram(header.destination, datagram.destinationPort))
    }
  }

  private static func isDiscovery(_ payload: ArraySlice<UInt8>) -> Bool {
    payload.starts(with: "M-SEARCH ".utf8) || payload.starts(with: "NOTIFY * ".utf8)
      || payload.starts(with: "HTTP/1.1 200 ".utf8)
  }

  private mutating func consume(
    ssdp datagram: UDPDatagram, from sender: Party, to receiver: Party, signature: UInt64, _ sighting: Sighting
  ) {
    if sighting.tap.node == nil, !sightings.isNew(signature, interface: sighting.interface, time: sighting.origin.time)
    {
      return
    }
    let message: SSDPMessage
    do {
      message = try SSDPMessage(
        parsing: addresses.isEmpty ? datagram.payload : addresses.restored(Array(datagram.payload))[...])
    } catch {
      counts.add(.words("malformed SSDP: \(error)"))
      return
    }
    let name: String
    var fields: JSONValue
    switch message {
    case .search(let search):
      name = "discover"
      fields = ["st": .string(search.searchTarget)]
      fields["mx"] = search.maximumWait.map { .int($0) }
      fields["controlPointName"] = search.friendlyName.map { .string($0) }
    case .searchReply(let reply):
      name = "discover-reply"
      fields = Dissector.fields(ofUSN: reply.uniqueServiceName, location: reply.location, maxAge: reply.maximumAge)
      fields["st"] = .string(reply.searchTarget)
      if let uuid = fields["uuid"], Dissector.mayBeConfigurator(reply) { fields["configuratorId"] = uuid }
      if reply.searchTarget == ProfileNames.configuratorType { parties.learn(.configurator, of: sender) }
    case .notify(let notice):
      guard notice.kind == .alive || notice.kind == .byebye else {
        counts.add(.words("SSDP NOTIFY \(notice.kind): no message of the catalogue"))
        return
      }
      name = notice.kind == .alive ? "ssdp-alive" : "ssdp-byebye"
      fields = Dissector.fields(ofUSN: notice.uniqueServiceName, location: notice.location, maxAge: notice.maximumAge)
      fields["nt"] = .string(notice.notificationType)
    }
    if let location = fields["location"]?.string { urls.add(location, .description) }
    guard let definition = MessageCatalogue[name] else { return }
    // S2 sets Date aside.
    var digest = MessageDigest()
    digest.add(name)
    for line in message.headers.lines where line.name.lowercased() != "date" {
      digest.add("\(line.name):\(line.value)")
    }
    tell(
      definition, from: sender, to: receiver, fields: fields, at: sighting.origin, digest: digest.finished,
      isBackground: definition.background.holds(for: fields, request: false))
  }

  private static func fields(ofUSN usn: String, location: String?, maxAge: Int?) -> JSONValue {
    var fields: JSONValue = ["usn": .string(usn)]
    fields["uuid"] = UniqueServiceName(usn).map { .string($0.uuid.lowercased()) }
    fields["location"] = location.map { .string($0) }
    fields["maxAge"] = maxAge.map { .int($0) }
    return fields
  }

  /// A reply that names another device type is no configurator's.
  private static func mayBeConfigurator(_ reply: SSDPSearchReply) -> Bool {
    let target = UniqueServiceName(reply.uniqueServiceName)?.target ?? reply.searchTarget
    return !target.hasPrefix("urn:") || target == ProfileNames.configuratorType
  }

  /// The message type (option 53) and the address on offer (RFC 2131).
  private static func dhcpFields(_ payload: ArraySlice<UInt8>) -> JSONValue {
    var fields: JSONValue = [:]
    var reader = ByteReader(payload, format: "DHCP")
    do {
      try reader.skip(16, "head")
      let address = try reader.uint32("yiaddr")
      if address != 0 { fields["yourAddress"] = .string("\(IPAddress.v4(address))") }
      try reader.skip(8, "siaddr, giaddr")
      if let client = MACAddress(try reader.take(6, "chaddr")) { fields["clientMAC"] = .string("\(client)") }
      try reader.skip(202, "rest of the head")
      guard try reader.uint32("cookie") == 0x6382_5363 else { return fields }
      while true {
        let code = try reader.uint8("option")
        if code == 0 { continue }
        if code == 255 { return fields }
        let value = try reader.take(Int(try reader.uint8("length")), "option")
        let number = value.count == 4 ? value.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } : nil
        switch (code, number) {
        case (50, let address?): fields["requestedAddress"] = .string("\(IPAddress.v4(address))")
        case (51, let seconds?): fields["lease"] = .int(Int(seconds))
        case (53, _): if let type = value.first { fields["messageType"] = .int(type) }
        default: break
        }
      }
    } catch {
      // What is there of a cut message is enough for a message that fails nothing.
      return fields
    }
  }

  /// The first question (RFC 1035).
  private static func dnsFields(_ payload: ArraySlice<UInt8>) -> JSONValue {
    var reader = ByteReader(payload, format: "DNS")
    guard (try? reader.skip(2, "id")) != nil, let flags = try? reader.uint16("flags"),
      (try? reader.skip(8, "counts")) != nil
    else { return [:] }
    var fields: JSONValue = ["isReply": .bool(flags & 0x8000 != 0)]
    var labels: [String] = []
    while let length = try? reader.uint8("label"), length > 0, length < 64, labels.count < 128,
      let label = try? reader.take(Int(length), "label")
    {
      labels.append(String(decoding: label, as: UTF8.self))
    }
    if !labels.isEmpty { fields["question"] = .string(labels.joined(separator: ".")) }
    return fields
  }
}
