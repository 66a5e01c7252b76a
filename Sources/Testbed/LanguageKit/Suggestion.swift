/// "Did you mean": the nearest known name.
public enum Suggestion {
  /// The nearest of `known` within an edit distance of 1 + length/4 of `word`; the first of equally near ones.
  public static func nearest(to word: String, among known: some Sequence<String>) -> String? {
    // A bound for files made to be slow.
    let known = known.prefix(5000)
    let letters = Array(word.unicodeScalars.prefix(256))
    let bound = 1 + letters.count / 4
    var best: (name: String, distance: Int)?
    for name in known where name != word {
      let other = Array(name.unicodeScalars.prefix(256))
      guard abs(other.count - letters.count) <= bound else { continue }
      let distance = editDistance(letters, other)
      if distance <= bound, distance < best?.distance ?? .max { best = (name, distance) }
    }
    return best?.name
  }

  /// "did you mean `x`?", where something is near enough.
  public static func hint(for word: String, among known: some Sequence<String>) -> String? {
    nearest(to: word, among: known).map { "did you mean `\($0)`?" }
  }

  /// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other.
  static func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i]
      for j in 1...b.count {
        var cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { cost = min(cost, beforeLast[j - 2] + 1) }
        row.append(cost)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}

/// Words for a list: `a`, `b` or `c`.
public func alternatives(_ words: [String], limit: Int = 12) -> String {
  let quoted = words.prefix(limit).map { "`\($0)`" }
  if words.count > limit { return quoted.joined(separator: ", ") + " ..." }
  return quoted.count < 2
    ? quoted.joined() : quoted.dropLast().joined(separator: ", ") + " or " + (quoted.last ?? "")
}
