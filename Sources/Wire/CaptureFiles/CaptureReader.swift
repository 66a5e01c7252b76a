import Octets

/// Reads pcap and pcapng captures from octets as they come; the file may still be growing.
///
/// Feed octets, then call ``next()`` until it gives `nil`. Octets are kept only until the block that they belong to
/// was read, so a capture of any size is read in the memory of one piece and one block.
public struct CaptureReader: Sendable {
  /// Bounds of the reader.
  public struct Limits: Sendable, Hashable {
    /// The longest block or packet record, in octets.
    public var blockLength = 16 << 20
    /// The most interfaces of one file.
    public var interfaces = 65536

    public init() {}
  }

  /// Which of the two file formats the capture has, once its first octets told.
  public enum Format: Sendable, Hashable {
    case pcap
    case pcapng
  }

  public let limits: Limits
  /// `nil` until the first octets tell.
  public private(set) var format: Format?
  /// A fault of the framing, after which nothing more can be read.
  private var failure: WireError?
  private var records: PcapRecords?
  private var blocks = PcapngBlocks()
  private var buffer: [UInt8] = []
  /// Where in `buffer` the next block starts. While it is 0, no slice of the buffer was given away.
  private var position = 0
  /// Where in the file the buffer's first octet lies.
  private var bufferOffset = 0
  /// What the last block gave beyond its first item, last one first.
  private var waiting: [CaptureItem] = []

  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Where in the file the next block starts, in octets.
  public var offset: Int { bufferOffset + position }

  /// Octets that were fed but are not a whole block yet.
  public var pendingCount: Int { buffer.count - position }

  /// Adds the next octets of the file.
  public mutating func feed(_ octets: ArraySlice<UInt8>) {
    guard !octets.isEmpty else { return }
    if position == 0 && !buffer.isEmpty {
      // Nothing of the buffer was given away, so that this appends in place.
      buffer.append(contentsOf: octets)
    } else if position == buffer.count {
      bufferOffset += position
      buffer = Array(octets)
      position = 0
    } else {
      var joined: [UInt8] = []
      joined.reserveCapacity(pendingCount + octets.count)
      joined.append(contentsOf: buffer[position...])
      joined.append(contentsOf: octets)
      bufferOffset += position
      buffer = joined
      position = 0
    }
  }

  public mutating func feed(_ octets: [UInt8]) { feed(octets[...]) }

  /// The next thing in the file; `nil` means that more octets are needed.
  ///
  /// - Throws: ``WireError`` with the offset in the file. After a fault inside one block the next call reads on behind
  ///   that block; after a fault of the framing every call throws the same again.
  public mutating func next() throws -> CaptureItem? {
    while true {
      if let item = waiting.popLast() { return item }
      if let failure { throw failure }
      do {
        switch format {
        case nil:
          guard try start() else { return nil }
          continue
        case .pcap:
          guard let records, let length = try records.length(of: buffer[position...], base: offset, limits: limits),
            length <= pendingCount
          else { return nil }
          return records.item(of: take(length))
        case .pcapng:
          guard let length = try blocks.length(of: buffer[position...], base: offset, limits: limits) else {
            return nil
          }
          let base = offset
          if let item = try read(take(length), base: base) { return item }
        }
      } catch let fault as BlockFault {
        throw fault.error
      } catch let error as WireError {
        failure = error
        throw error
      }
    }
  }

  /// A fault inside one block, behind which reading goes on.
  private struct BlockFault: Error {
    var error: WireError
  }

  /// The first thing that a block tells; more of it waits.
  private mutating func read(_ block: ArraySlice<UInt8>, base: Int) throws -> CaptureItem? {
    do {
      if let packet = try blocks.packet(of: block, base: base) { return .packet(packet) }
      waiting = try blocks.items(of: block, base: base, limits: limits)
      waiting.reverse()
      return waiting.popLast()
    } catch let error as WireError {
      throw BlockFault(error: error)
    }
  }

  /// Tells that the file has ended.
  ///
  /// - Throws: ``WireError`` `truncated` where it ends inside a block or before it began.
  public func finish() throws {
    if let failure { throw failure }
    guard let format else {
      throw WireError(.truncated, in: "capture", at: offset + pendingCount, "the file ends before its header does")
    }
    guard pendingCount == 0 else {
      throw WireError(
        .truncated, in: format == .pcap ? "pcap" : "pcapng", at: offset,
        "the file ends \(pendingCount) octets into a block")
    }
  }

  private mutating func take(_ length: Int) -> ArraySlice<UInt8> {
    defer { position += length }
    return buffer[position..<position + length]
  }

  /// Tells the formats apart; false while octets are missing.
  private mutating func start() throws -> Bool {
    let here = buffer[position...]
    guard here.count >= 4 else { return false }
    if here.uint32(at: 0) == PcapngBlocks.sectionHeader {
      format = .pcapng
      return true
    }
    guard let records = try PcapRecords(parsing: here) else { return false }
    self.records = records
    format = .pcap
    position += PcapRecords.headerLength
    waiting = [.interface(records.interface)]
    return true
  }
}
