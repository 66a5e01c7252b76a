extension TranslationTable {
  /// Why a datagram does not pass.
  public enum Refusal: String, Error, Sendable, Hashable {
    /// No mapping has the port.
    case unmapped
    /// The filtering behaviour keeps the sender out.
    case filtered
    /// The host has too many mappings, or the table is full, or no port is free.
    case exhausted
  }

  /// A datagram leaves: the outer port that it leaves by. It lets the remote end answer (RFC 4787, REQ-6).
  public mutating func outbound(
    from inner: UDPEnd, to remote: UDPEnd, at now: UInt64
  ) -> Result<UInt16, Refusal> {
    sweepSometimes(at: now)
    // What came in by a static mapping is answered by it.
    let session = SessionKey(client: inner, remote: remote)
    if let port = livingSession(session, at: now)?.port {
      sessions[session]?.lastUsed = now
      return .success(port)
    }
    let key = MappingKey(inner: inner, scope: scope(of: remote))
    if let slot = slot(of: key, at: now) { return .success(send(by: slot, to: remote, at: now)) }
    if let mapping = staticMapping(of: inner, towards: remote.address) {
      remember(session, port: mapping.port, at: now)
      return .success(mapping.port)
    }
    guard let slot = allocate(key, at: now) else { return .failure(.exhausted) }
    return .success(send(by: slot, to: remote, at: now))
  }

  /// A datagram comes to an outer port: the inner endpoint that it is for.
  public mutating func inbound(
    from remote: UDPEnd, toPort port: UInt16, at now: UInt64
  ) -> Result<UDPEnd, Refusal> {
    sweepSometimes(at: now)
    let slot = slot(ofPort: port, at: now)
    // Whom the mapping's host sent to reaches it, also where the port was mapped statically since.
    if let slot, knows(remote, slot, at: now), let mapping = mappings[slot] { return .success(mapping.inner) }
    if let mapping = staticMapping(ofPort: port, from: remote.address) {
      remember(SessionKey(client: mapping.client, remote: remote), port: port, at: now)
      return .success(mapping.client)
    }
    guard let slot, let mapping = mappings[slot] else { return .failure(.unmapped) }
    return admits(remote, to: mapping, at: now) ? .success(mapping.inner) : .failure(.filtered)
  }

  /// Filtering asks whom the inner endpoint sent to, by whatever mapping (RFC 4787, 5: "the internal endpoint X:x").
  private func admits(_ remote: UDPEnd, to mapping: Mapping, at now: UInt64) -> Bool {
    let another = slot(of: MappingKey(inner: mapping.inner, scope: scope(of: remote)), at: now)
    switch (behaviour.filtering, behaviour.mapping) {
    case (.endpointIndependent, _): return true
    case (.addressDependent, .endpointIndependent):
      return mapping.remotes.contains { $0.key.address == remote.address && isAlive($0.value, at: now) }
    // Its mapping for that address is there if it sent to the address.
    case (.addressDependent, .addressDependent): return another != nil
    case (.addressDependent, .addressAndPortDependent):
      return contacts[Contact(inner: mapping.inner, address: remote.address)].map { isAlive($0, at: now) } ?? false
    case (.addressAndPortDependent, _): return another.map { knows(remote, $0, at: now) } ?? false
    }
  }

  /// Whom an ICMP error is for that quotes a datagram which left by this port for the remote end.
  public func inner(ofPort port: UInt16, towards remote: UDPEnd, at now: UInt64) -> UDPEnd? {
    if let slot = slot(ofPort: port, at: now), knows(remote, slot, at: now) { return mappings[slot]?.inner }
    for mapping in statics[port] ?? [] {
      if livingSession(SessionKey(client: mapping.client, remote: remote), at: now)?.port == port {
        return mapping.client
      }
    }
    return nil
  }

  /// The outer port by which an inner endpoint and a remote end speak, for an ICMP error from inside.
  public func outerPort(of inner: UDPEnd, towards remote: UDPEnd, at now: UInt64) -> UInt16? {
    if let session = livingSession(SessionKey(client: inner, remote: remote), at: now) { return session.port }
    let key = MappingKey(inner: inner, scope: scope(of: remote))
    return slot(of: key, at: now).flatMap { mappings[$0]?.port }
  }

  private func scope(of remote: UDPEnd) -> UInt64 {
    switch behaviour.mapping {
    case .endpointIndependent: 0
    case .addressDependent: UInt64(remote.address) << 16
    case .addressAndPortDependent: remote.bits
    }
  }

  private mutating func send(by slot: Int, to remote: UDPEnd, at now: UInt64) -> UInt16 {
    guard let port = mappings[slot]?.port else { return 0 }
    mappings[slot]!.lastSent = now
    if behaviour.mapping == .addressAndPortDependent, behaviour.filtering == .addressDependent,
      let inner = mappings[slot]?.inner
    {
      contacts[Contact(inner: inner, address: remote.address)] = now
    }
    if mappings[slot]!.remotes.updateValue(now, forKey: remote) == nil,
      mappings[slot]!.remotes.count > limits.remotes,
      let oldest = mappings[slot]!.remotes.min(by: { $0.value < $1.value })?.key
    {
      mappings[slot]!.remotes[oldest] = nil
    }
    return port
  }

  private func knows(_ remote: UDPEnd, _ slot: Int, at now: UInt64) -> Bool {
    guard let last = mappings[slot]?.remotes[remote] else { return false }
    return isAlive(last, at: now)
  }

  private func livingSession(_ key: SessionKey, at now: UInt64) -> Session? {
    guard !sessions.isEmpty, let session = sessions[key], isAlive(session.lastUsed, at: now) else { return nil }
    return session
  }

  private mutating func remember(_ key: SessionKey, port: UInt16, at now: UInt64) {
    // Any one goes: to look for the oldest would let a flood from outside cost more than it does.
    if sessions[key] == nil, sessions.count >= limits.sessions { sessions.remove(at: sessions.startIndex) }
    sessions[key] = Session(port: port, lastUsed: now)
  }

  /// One for this remote host alone comes before one for any.
  private func staticMapping(ofPort port: UInt16, from address: UInt32) -> StaticMapping? {
    guard let found = statics[port] else { return nil }
    return found.first { $0.remoteHost == address } ?? found.first { $0.remoteHost == nil }
  }

  private func staticMapping(of client: UDPEnd, towards address: UInt32) -> StaticMapping? {
    guard !staticsOfClient.isEmpty, let found = staticsOfClient[client] else { return nil }
    return found.first { $0.remoteHost == address } ?? found.first { $0.remoteHost == nil }
  }
}
