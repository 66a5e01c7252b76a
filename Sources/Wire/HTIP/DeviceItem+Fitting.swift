extension DeviceItem {
  /// A text cut to what the item may carry: characters that it forbids are left out, and what is too long is cut.
  ///
  /// `nil` where nothing is left, or where a manufacturer code is not six hexadecimal digits.
  public static func fitting(_ id: DeviceItemID, _ text: String) -> DeviceItem? {
    switch id.shape?.kind {
    case .manufacturerCode:
      let code = text.uppercased()
      return code.utf8.count == 6 && code.utf8.allSatisfy(\.isUpperHexDigit) ? .text(id, code) : nil
    case .text(let limit, let characters):
      // Upper case where only that is allowed.
      let isUpper = characters.map { !$0.contains(UInt8(ascii: "a")) } ?? false
      var fitted = ""
      for character in isUpper ? text.uppercased() : text {
        let octets = character.utf8
        guard octets.allSatisfy({ $0 >= 0x20 && characters?.contains($0) ?? true }) else { continue }
        guard fitted.utf8.count + octets.count <= limit else { break }
        fitted.append(character)
      }
      return fitted.isEmpty ? nil : .text(id, fitted)
    case .number, .vendor, nil: return nil
    }
  }

  /// Device categories with commas between them, each within its 31 octets.
  public static func categories(_ names: [String]) -> DeviceItem? {
    var fitted = ""
    for name in names {
      guard let one = fitting(.category, String(name.replacing(",", with: "").prefix(31)))?.text else { continue }
      let longer = fitted.isEmpty ? one : fitted + "," + one
      // 127 is what the first version of the format allowed.
      guard longer.utf8.count <= 127 else { break }
      fitted = longer
    }
    return fitted.isEmpty ? nil : .text(.category, fitted)
  }
}
