import Messages

/// Who has which address on a link: an entry of the kernel's neighbour table.
public struct Neighbour: Sendable, Hashable {
  public var address: IPAddress
  public var macAddress: MACAddress
  public var interface: String

  public init(_ address: IPAddress, _ macAddress: MACAddress, interface: String) {
    self.address = address
    self.macAddress = macAddress
    self.interface = interface
  }
}

/// A bridge of the kernel with what it has learnt.
public struct BridgeState: Sendable, Hashable {
  public struct Port: Sendable, Hashable {
    /// The interface's name.
    public var name: String
    /// From 1: what the interface's alias ends with, else the kernel's own number.
    public var number: UInt32
    public var isUp: Bool
    /// IANAifType: 6 Ethernet, 71 IEEE 802.11.
    public var interfaceType: UInt32
    /// Learnt addresses, in order, without the bridge's own.
    public var addresses: [MACAddress]

    public init(name: String, number: UInt32, isUp: Bool, interfaceType: UInt32 = 6, addresses: [MACAddress]) {
      self.name = name
      self.number = number
      self.isUp = isUp
      self.interfaceType = interfaceType
      self.addresses = addresses
    }
  }

  public var name: String
  public var macAddress: MACAddress
  /// True when one of its ports has carrier.
  public var isUp: Bool
  /// By number.
  public var ports: [Port]

  public init(name: String, macAddress: MACAddress, isUp: Bool, ports: [Port]) {
    self.name = name
    self.macAddress = macAddress
    self.isUp = isUp
    self.ports = ports
  }
}
