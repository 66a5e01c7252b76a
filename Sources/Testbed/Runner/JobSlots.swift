/// Bounds how many variants work at once. A variant that only waits gives its slot back for that time.
public actor JobSlots {
  private var free: Int
  private var queue: [CheckedContinuation<Void, Never>] = []

  public init(_ count: Int) { free = max(1, count) }

  /// Waits for a slot; first come, first served.
  public func take() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { queue.append($0) }
    }
  }

  /// Whether somebody waits for a slot.
  public var isWanted: Bool { !queue.isEmpty }

  public func give() {
    if queue.isEmpty { free += 1 } else { queue.removeFirst().resume() }
  }
}
