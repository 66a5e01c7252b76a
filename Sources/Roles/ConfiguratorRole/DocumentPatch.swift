import Messages

/// The merge patch (RFC 7396) that brings an agent's document to what the server wants.
enum DocumentPatch {
  /// Members that differ; and as null those that the server's previous revision had, this one lacks, and the agent
  /// still has. What the agent has from elsewhere stays. `nil` where nothing differs.
  ///
  /// - Parameters:
  ///   - current: the agent's document.
  ///   - wanted: the server's document.
  ///   - previous: the server's document of the revision applied last.
  static func patch(from current: JSONValue, to wanted: JSONValue, previous: JSONValue?) -> JSONValue? {
    var patch = JSONObject()
    for (name, value) in wanted.object?.members ?? [] {
      guard let present = current[name] else {
        patch[name] = value
        continue
      }
      if present == value { continue }
      if present.object != nil, value.object != nil {
        if let inner = DocumentPatch.patch(from: present, to: value, previous: previous?[name]) { patch[name] = inner }
      } else {
        patch[name] = value
      }
    }
    for name in previous?.object?.names ?? [] where wanted[name] == nil && current[name] != nil {
      // Only what the server put there goes: an object may hold members of others beside them.
      if let theirs = previous?[name], theirs.object != nil, let present = current[name], present.object != nil {
        let rest = DocumentPatch.patch(from: present, to: [:], previous: theirs)
        if let rest { patch[name] = present.merging(rest) == [:] ? .null : rest }
      } else {
        patch[name] = .null
      }
    }
    return patch.isEmpty ? nil : .object(patch)
  }
}
