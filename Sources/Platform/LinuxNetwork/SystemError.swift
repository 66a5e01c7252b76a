import CLinux

/// A refused system call: what was asked, and the kernel's reason.
///
/// Errors compare by `number`; `asked` is for people.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was asked, such as `create link tv--sw1.3`.
  public var asked: String
  /// The value of errno.
  public var number: Int32
  /// More words from the kernel (netlink's extended acknowledgement).
  public var detail: String?

  public init(_ asked: String, number: Int32, detail: String? = nil) {
    self.asked = asked
    self.number = number
    self.detail = detail
    shortage = Shortage(errno: number)
  }

  /// What has run out, where the call failed for that.
  public var shortage: Shortage?

  /// The kernel's words for `number`.
  public var reason: String { clinux_reason(number).map { String(cString: $0) } ?? "error \(number)" }

  public var description: String {
    "cannot \(asked): \(reason)" + (detail.map { " (\($0))" } ?? "") + (shortage.map { "; hint: \($0.remedy)" } ?? "")
  }

  public static func == (a: SystemError, b: SystemError) -> Bool { a.number == b.number }
  public func hash(into hasher: inout Hasher) { hasher.combine(number) }

  /// The same with what has run out, where the caller knows it better than the number tells.
  func with(_ shortage: Shortage, for numbers: Set<Int32>) -> SystemError {
    var error = self
    if numbers.contains(number) { error.shortage = shortage }
    return error
  }

  /// Takes a result in which a negative value is an errno; throws if it is one.
  @discardableResult
  public static func check<Value: SignedInteger>(_ result: Value, _ asked: @autoclosure () -> String) throws -> Value {
    guard result < 0 else { return result }
    throw SystemError(asked(), number: Int32(-result))
  }
}
