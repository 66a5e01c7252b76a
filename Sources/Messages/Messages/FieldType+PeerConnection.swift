extension FieldType {
  /// A connection to another home, as a CE device shows it (docs/reaching-in-peers.md).
  public static let peerConnection = FieldType.object([
    MessageField(
      "state", .words(["asking", "joining", "checking", "unreached", "connected", "ended"]), "how far it is"),
    MessageField("reason", .string, "why it ended"),
    MessageField("application", .string, "what for"), MessageField("peer", FieldShapes.peer, "with whom"),
    MessageField("localPort", .integer, "the device's UDP port"),
    MessageField("role", .words(["controlling", "controlled"]), "this half's role"),
    MessageField("natMapping", FieldShapes.natBehaviour, "how this half's gateway maps"),
    MessageField("peerNatMapping", FieldShapes.natBehaviour, "how the other half's gateway maps"),
    MessageField("candidates", FieldShapes.candidates, "what was offered"),
    MessageField("peerCandidates", FieldShapes.candidates, "what the peer offered"),
    MessageField("mapping", .words(["not-asked", "asked", "mapped", "refused"]), "whether the gateway was asked"),
    MessageField("mappingProblem", .string, "why it refused"),
    MessageField(
      "remote",
      .object([
        MessageField("address", .address, "the peer's address"), MessageField("port", .integer, "the peer's port"),
      ]), "where data goes: the first address that was checked"),
    MessageField("sent", .integer, "datagrams"), MessageField("acknowledged", .integer, "of those sent"),
    MessageField("repeats", .integer, "of those sent"), MessageField("lost", .integer, "of those sent"),
    MessageField("received", .integer, "datagrams"), MessageField("duplicates", .integer, "of those received"),
    MessageField("dropped", .integer, "data from an address that was not checked"),
  ])
}
