/// Points in time as the profile writes them; inside, milliseconds since 1970-01-01T00:00:00Z.
public enum ProfileTime {
  /// RFC 3339 in UTC with milliseconds: `2026-03-01T12:00:00.250Z` (profile section 1).
  ///
  /// Years outside 0 to 9999 are clamped to that range.
  public static func rfc3339(_ milliseconds: Int64) -> String {
    let parts = CivilTime(milliseconds)
    return "\(digits(parts.year, 4))-\(digits(parts.month, 2))-\(digits(parts.day, 2))T\(clock(parts))"
      + ".\(digits(parts.millisecond, 3))Z"
  }

  /// The form of the HTTP and SSDP header `Date` (RFC 9110 clause 5.6.7): `Sun, 01 Mar 2026 12:00:00 GMT`.
  public static func httpDate(_ milliseconds: Int64) -> String {
    let parts = CivilTime(milliseconds)
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let weekday = weekdays[((parts.dayNumber % 7) + 7) % 7]
    return "\(weekday), \(digits(parts.day, 2)) \(months[parts.month - 1]) \(digits(parts.year, 4)) \(clock(parts)) GMT"
  }

  /// Reads RFC 3339 with any number of fraction digits (cut after milliseconds) and any offset; `nil` for other text.
  public static func milliseconds(rfc3339 text: String) -> Int64? {
    var reader = DigitReader(Array(text.utf8))
    guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), (1...12).contains(month),
      reader.take("-"), let day = reader.number(2), day >= 1, day <= CivilTime.days(in: month, of: year),
      reader.take("T") || reader.take("t") || reader.take(" "), let hour = reader.number(2), hour < 24,
      reader.take(":"), let minute = reader.number(2), minute < 60, reader.take(":"),
      let second = reader.number(2), second <= 60
    else { return nil }
    var fraction = 0
    if reader.take(".") {
      guard let value = reader.fraction() else { return nil }
      fraction = value
    }
    var offset = 0
    if !(reader.take("Z") || reader.take("z")) {
      let sign: Int
      if reader.take("+") { sign = 1 } else if reader.take("-") { sign = -1 } else { return nil }
      guard let hours = reader.number(2), hours < 24, reader.take(":"), let minutes = reader.number(2), minutes < 60
      else { return nil }
      offset = sign * (hours * 60 + minutes)
    }
    guard reader.isAtEnd else { return nil }
    let days = CivilTime.dayNumber(year: year, month: month, day: day)
    let seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second
    return Int64(seconds) * 1000 + Int64(fraction)
  }

  private static func clock(_ parts: CivilTime) -> String {
    "\(digits(parts.hour, 2)):\(digits(parts.minute, 2)):\(digits(parts.second, 2))"
  }

  private static func digits(_ value: Int, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }
}

/// A moment split by the proleptic Gregorian calendar, in UTC.
private struct CivilTime {
  var year, month, day, hour, minute, second, millisecond: Int
  /// Days since 1970-01-01, a Thursday.
  var dayNumber: Int

  init(_ milliseconds: Int64) {
    // 0000-01-01 to 9999-12-31, so that the calendar below never overflows.
    let clamped = Int(min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999))
    dayNumber = (clamped >= 0 ? clamped : clamped - 86_399_999) / 86_400_000
    let rest = clamped - dayNumber * 86_400_000
    hour = rest / 3_600_000
    minute = rest / 60_000 % 60
    second = rest / 1000 % 60
    millisecond = rest % 1000
    // Eras of 400 years that begin on 1 March, so that the leap day is the last of its year.
    let shifted = dayNumber + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  static func dayNumber(year: Int, month: Int, day: Int) -> Int {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

private struct DigitReader {
  private var octets: ArraySlice<UInt8>

  init(_ octets: [UInt8]) { self.octets = octets[...] }

  var isAtEnd: Bool { octets.isEmpty }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard let first = octets.first, UInt32(first) == character.value else { return false }
    octets.removeFirst()
    return true
  }

  mutating func number(_ width: Int) -> Int? {
    guard octets.count >= width, octets.prefix(width).allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    defer { octets.removeFirst(width) }
    return octets.prefix(width).reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  /// The digits after a decimal point, in thousandths; `nil` where there is none.
  mutating func fraction() -> Int? {
    let digits = octets.prefix { (0x30...0x39).contains($0) }
    guard !digits.isEmpty else { return nil }
    octets.removeFirst(digits.count)
    return (Array(digits.prefix(3)) + [0x30, 0x30]).prefix(3).reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }
}
