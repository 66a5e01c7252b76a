/// How an interface's time stamps count (pcapng options if_tsresol and if_tsoffset).
struct TimeResolution: Sendable, Hashable {
  /// The option's octet: a negative power of 10, or with bit 7 set of 2.
  var code: UInt8 = 6
  /// Seconds to add.
  var offset: Int64 = 0

  static let microseconds = TimeResolution(code: 6)
  static let nanoseconds = TimeResolution(code: 9)

  /// Nanoseconds since the epoch; `nil` where they don't fit in 64 bits.
  func nanoseconds(ticks: UInt64) -> Int64? {
    guard let plain = unshifted(ticks) else { return nil }
    if offset == 0 { return plain }
    let (shift, tooFar) = offset.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, tooLarge) = plain.addingReportingOverflow(shift)
    return tooFar || tooLarge ? nil : sum
  }

  private func unshifted(_ ticks: UInt64) -> Int64? {
    let exponent = Int(code & 0x7F)
    if code & 0x80 != 0 {
      guard exponent < 64 else { return 0 }
      let (high, low) = ticks.multipliedFullWidth(by: 1_000_000_000)
      // The 128-bit product shifted down; what stays above 64 bits does not fit.
      if exponent == 0 { return high == 0 ? Int64(exactly: low) : nil }
      guard high >> UInt64(exponent) == 0 else { return nil }
      return Int64(exactly: high << UInt64(64 - exponent) | low >> UInt64(exponent))
    }
    if exponent == 9 { return Int64(exactly: ticks) }
    if exponent > 9 {
      guard exponent <= 28 else { return 0 }
      return Int64(exactly: ticks / TimeResolution.powerOfTen(exponent - 9))
    }
    let (product, overflow) = ticks.multipliedReportingOverflow(by: TimeResolution.powerOfTen(9 - exponent))
    return overflow ? nil : Int64(exactly: product)
  }

  /// `exponent` is 0 to 19.
  private static func powerOfTen(_ exponent: Int) -> UInt64 { (0..<exponent).reduce(1) { value, _ in value * 10 } }
}
