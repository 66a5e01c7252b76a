/// How large words and boxes are. No font is at hand here: widths are those of a wide one, so that every font fits.
enum Lettering {
  static let nameSize = 13.0
  static let wordSize = 11.0
  static let labelSize = 10.0
  static let titleSize = 18.0
  /// From one base line to the next.
  static let lineHeight = 15.0
  static let labelHeight = 12.0

  static func width(_ text: String, size: Double, isBold: Bool = false) -> Double {
    let units = text.unicodeScalars.reduce(0.0) { sum, scalar in
      switch scalar {
      case "i", "j", "l", "I", ".", ",", ":", "'", "|", " ", "f", "t", "r", "(", ")", "-": sum + 0.38
      case "m", "w", "M", "W", "%", "@": sum + 0.95
      case _ where scalar.properties.isUppercase: sum + 0.72
      // Letters of scripts that are as wide as high.
      case _ where scalar.value >= 0x2E80: sum + 1
      default: sum + 0.62
      }
    }
    return units * size * (isBold ? 1.08 : 1)
  }

  static func width(ofLabels labels: [String]) -> Double {
    labels.map { width($0, size: labelSize) }.max() ?? 0
  }

  /// The box of a port's number.
  static func portWidth(_ text: String) -> Double { max(18, width(text, size: labelSize) + 8) }
  static let portHeight = 14.0
}
