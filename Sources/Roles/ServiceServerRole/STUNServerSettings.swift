import Messages

/// Where the service server answers STUN.
public struct STUNServerSettings: Sendable, Hashable {
  public var port: UInt16
  /// Where a client that asks for another port is answered from.
  public var otherPort: UInt16
  /// The server's two addresses, where it has two: then it speaks all of RFC 5780.
  public var addresses: AddressPair?

  public struct AddressPair: Sendable, Hashable {
    public var first: IPAddress
    public var second: IPAddress

    /// `nil` where both are the same.
    public init?(_ first: IPAddress, _ second: IPAddress) {
      guard first != second else { return nil }
      self.first = first
      self.second = second
    }

    func other(than address: IPAddress) -> IPAddress { address == second ? first : second }
  }

  public init(
    port: UInt16 = DefaultPort.stun[0], otherPort: UInt16 = DefaultPort.stun[1], addresses: AddressPair? = nil
  ) {
    self.port = port
    self.otherPort = otherPort
    self.addresses = addresses
  }

  var ports: [UInt16] { port == otherPort ? [port] : [port, otherPort] }

  func otherPort(than port: UInt16) -> UInt16 { port == self.port ? otherPort : self.port }
}
