/// The numbered steps of the sequences of IEC 62608-2:2017, and the figures that show them.
public enum ClauseSteps {
  private static let sequences: [(clause: String, steps: Int, figure: Int)] = [
    ("4.2", 7, 1), ("4.3", 8, 2), ("4.4", 7, 3), ("4.5", 7, 4), ("4.6.3", 7, 5), ("4.6.4", 4, 6),
  ]
  /// Clauses that number no steps.
  private static let others = [
    "1", "2", "3", "4", "4.1", "4.6", "4.6.1", "4.6.2", "5", "6", "6.1", "6.2", "6.3",
  ]

  /// The clauses that number steps, in the standard's order.
  public static let clauses = sequences.map(\.clause)

  /// How many steps a clause numbers; 0 where it numbers none, `nil` where the standard has no such clause.
  public static func count(of clause: String) -> Int? {
    sequences.first { $0.clause == clause }?.steps ?? (others.contains(clause) ? 0 : nil)
  }

  /// The figure that shows a clause's sequence.
  public static func figure(of clause: String) -> Int? { sequences.first { $0.clause == clause }?.figure }

  static let known = clauses + others
}
