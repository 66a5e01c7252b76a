import Octets

/// Puts the fragments of IPv4 datagrams together (RFC 815), within bounds.
public struct IPv4Reassembler: Sendable {
  /// Bounds of the reassembler.
  public struct Limits: Sendable, Hashable {
    /// Datagrams under way; beyond it the oldest is forgotten.
    public var datagrams = 256
    /// Fragments of one datagram.
    public var fragments = 512
    /// Nanoseconds after which an unfinished datagram is forgotten (RFC 791 proposes 15 s).
    public var lifetime: Int64 = 15_000_000_000

    public init() {}
  }

  private struct Key: Hashable {
    var domain: Int
    var source: UInt32
    var destination: UInt32
    var identification: UInt16
    var protocolNumber: IPProtocol
  }

  private struct Datagram {
    var order: Int
    var began: Int64
    var header: IPv4Header?
    /// In order, without overlap.
    var parts: [(start: Int, octets: [UInt8])] = []
    var length: Int?

    /// The octets where none is missing.
    func whole() -> [UInt8]? {
      guard let length, header != nil else { return nil }
      var octets: [UInt8] = []
      for part in parts {
        guard part.start == octets.count else { return nil }
        octets += part.octets
      }
      return octets.count >= length ? Array(octets.prefix(length)) : nil
    }
  }

  public let limits: Limits
  private var datagrams: [Key: Datagram] = [:]
  private var order = 0
  /// Datagrams that were forgotten before they were whole.
  public private(set) var forgotten = 0

  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Takes a fragment; gives the whole datagram with the first fragment's header once none is missing.
  ///
  /// - Parameters:
  ///   - domain: tells equal addresses of separate networks apart.
  ///   - time: nanoseconds since the epoch.
  /// - Throws: ``WireError`` where the datagram can't be read.
  public mutating func feed(
    _ header: IPv4Header, _ octets: ArraySlice<UInt8>, domain: Int = 0, time: Int64
  ) throws -> (IPv4Header, Packet.Transport)? {
    guard let (first, whole) = try join(header, octets, domain: domain, time: time) else { return nil }
    return (first, try Packet.Transport(parsing: whole[...], protocolNumber: first.protocolNumber))
  }

  /// As ``feed(_:_:domain:time:)``, with the payload as it is.
  ///
  /// - Throws: ``WireError`` `tooLong` for too many fragments.
  public mutating func join(
    _ header: IPv4Header, _ octets: ArraySlice<UInt8>, domain: Int = 0, time: Int64
  ) throws -> (IPv4Header, [UInt8])? {
    let key = Key(
      domain: domain, source: header.sourceBits, destination: header.destinationBits,
      identification: header.identification, protocolNumber: header.protocolNumber)
    forget(before: time - limits.lifetime)
    var datagram = datagrams[key] ?? begin(at: time)
    add(octets, at: header.fragmentOffset, to: &datagram)
    if header.fragmentOffset == 0 { datagram.header = header }
    if !header.moreFragments { datagram.length = header.fragmentOffset + octets.count }
    if let whole = datagram.whole(), var first = datagram.header {
      datagrams[key] = nil
      first.moreFragments = false
      first.totalLength = first.length + whole.count
      return (first, whole)
    }
    if datagram.parts.count > limits.fragments {
      datagrams[key] = nil
      forgotten += 1
      throw WireError(.tooLong, in: "IPv4", at: 0, "a datagram of more than \(limits.fragments) fragments")
    }
    datagrams[key] = datagram
    return nil
  }

  private mutating func begin(at time: Int64) -> Datagram {
    if datagrams.count >= max(1, limits.datagrams), let oldest = datagrams.min(by: { $0.value.order < $1.value.order })
    {
      datagrams[oldest.key] = nil
      forgotten += 1
    }
    order += 1
    return Datagram(order: order, began: time)
  }

  private mutating func forget(before limit: Int64) {
    guard !datagrams.isEmpty else { return }
    let count = datagrams.count
    datagrams = datagrams.filter { $0.value.began >= limit }
    forgotten += count - datagrams.count
  }

  /// What a part holds already stays; the new octets fill what is missing.
  private func add(_ octets: ArraySlice<UInt8>, at start: Int, to datagram: inout Datagram) {
    var place = start
    let end = start + octets.count
    var merged: [(start: Int, octets: [UInt8])] = []
    for part in datagram.parts {
      let limit = min(part.start, end)
      if place < limit { merged.append((place, Array(octets.dropFirst(place - start).prefix(limit - place)))) }
      merged.append(part)
      place = max(place, part.start + part.octets.count)
    }
    if place < end { merged.append((place, Array(octets.dropFirst(place - start)))) }
    datagram.parts = merged
  }
}
