import RoleKit

/// What a switch is told once, when it starts.
public struct HomeSwitchSettings: Sendable, Hashable {
  /// The kernel's bridge that forwards.
  public var bridge: String
  public var categories: [String]
  /// Six hexadecimal digits.
  public var manufacturerCode: String
  public var modelName: String
  public var modelNumber: String
  public var htip: HTIPRhythm

  public init(
    bridge: String, categories: [String] = ["COM_Switch"], manufacturerCode: String = "02CE01",
    modelName: String = "homebed switch", modelNumber: String = "1", htip: HTIPRhythm = .standard
  ) {
    self.bridge = bridge
    self.categories = categories
    self.manufacturerCode = manufacturerCode
    self.modelName = modelName
    self.modelNumber = modelNumber
    self.htip = htip
  }
}
